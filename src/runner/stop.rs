//! Asking a run to stop: the first time it drains, the second time the process ends at once.

use std::sync::Arc;

use tokio::sync::Notify;

/// A request to stop that several tasks can see.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    notify: Arc<Notify>,
    asked: Arc<std::sync::atomic::AtomicBool>,
}

impl Stop {
    /// A request that nobody has made yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks to stop. Asking again changes nothing.
    pub fn ask(&self) {
        self.asked.store(true, std::sync::atomic::Ordering::SeqCst);
        self.notify.notify_one();
    }

    /// Whether somebody asked.
    pub fn is_asked(&self) -> bool {
        self.asked.load(std::sync::atomic::Ordering::SeqCst)
    }

    /// Returns once somebody asks.
    pub async fn asked(&self) {
        while !self.is_asked() {
            self.notify.notified().await;
        }
    }
}
