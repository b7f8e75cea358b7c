//! Asking a run to stop: the first time it drains, the second time the process ends at once.

use std::sync::Arc;

use tokio::sync::watch;

/// A request to stop that several tasks can see. Cloning shares the request.
#[derive(Debug, Clone)]
pub struct Stop {
    asked: Arc<watch::Sender<bool>>,
}

impl Default for Stop {
    fn default() -> Self {
        Self { asked: Arc::new(watch::Sender::new(false)) }
    }
}

impl Stop {
    /// A request that nobody has made yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks to stop. Asking again changes nothing.
    pub fn ask(&self) {
        self.asked.send_replace(true);
    }

    /// Whether somebody asked.
    pub fn is_asked(&self) -> bool {
        *self.asked.borrow()
    }

    /// Returns once somebody asks.
    pub async fn asked(&self) {
        let mut answer = self.asked.subscribe();
        // The sender lives as long as this request, so waiting ends only with an answer.
        let _ = answer.wait_for(|asked| *asked).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everybody_who_waits_is_told() {
        let stop = Stop::new();
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                tokio::spawn({
                    let stop = stop.clone();
                    async move { stop.asked().await }
                })
            })
            .collect();
        tokio::task::yield_now().await;
        assert!(!stop.is_asked());
        stop.ask();
        for one in waiting {
            one.await.unwrap();
        }
        stop.asked().await;
        assert!(stop.is_asked());
    }
}
