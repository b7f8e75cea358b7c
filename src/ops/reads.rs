//! Reading a target for plans and reports: many questions at once, each asked again while the service is busy.

pub mod patient;

use std::future::Future;
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::base::limits;
use crate::base::time::Millis;
use crate::driver::Driver;

/// How to read a target.
#[derive(Clone)]
pub struct Reads {
    /// What reads.
    pub driver: Arc<dyn Driver>,
    /// How long one call may take.
    pub timeout: Millis,
    /// Calls under way at once.
    pub at_once: usize,
}

impl Reads {
    /// Reads with a driver, as many at once as is usual.
    pub fn with(driver: Arc<dyn Driver>, timeout: Millis) -> Self {
        Self { driver, timeout, at_once: limits::CALLS_MAX }
    }

    /// Asks everything, as many at once as may be, and gives the answers in the order of the questions.
    ///
    /// # Panics
    ///
    /// If a call panics.
    pub async fn each<A, T, F>(&self, asks: Vec<A>, call: impl Fn(Arc<dyn Driver>, Millis, A) -> F) -> Vec<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let mut answers: Vec<Option<T>> = asks.iter().map(|_| None).collect();
        let mut calls = JoinSet::new();
        let mut rest = asks.into_iter().enumerate();
        loop {
            while calls.len() < self.at_once.max(1)
                && let Some((place, ask)) = rest.next()
            {
                let answer = call(Arc::clone(&self.driver), self.timeout, ask);
                calls.spawn(async move { (place, answer.await) });
            }
            let Some(done) = calls.join_next().await else { break };
            let (place, answer) = done.expect("a read does not panic and is never cancelled");
            answers[place] = Some(answer);
        }
        answers.into_iter().flatten().collect()
    }
}
