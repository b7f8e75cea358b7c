//! Tells people what happened: the estate's `[[notify]]` tables, the secrets behind them, and the cursors in the state
//! folder, put together. Nothing here ever fails a launch.

use std::path::Path;

use crate::base::limits::NOTIFY_FLUSH_BUDGET;
use crate::base::time::{Millis, Timestamp};
use crate::journal::Journal;
use crate::model::estate::Estate;
use crate::model::notify::{Notify, NotifyAddress, NotifyPlace, WebAddress};
use crate::notice::Program;
use crate::notify::cursor::Store;
use crate::notify::deliver::{self, Effort};
use crate::notify::file::NoticeFile;
use crate::notify::report::Report;
use crate::notify::webhook::Webhook;
use crate::notify::{Post, Sink};
use crate::ops::Context;
use crate::ops::error::Failure;
use crate::source::reference::resolve;

/// What went wrong where notices are begun; they are begun before a launch, so that all of it is told.
pub fn enrol(context: &Context, estate: &Estate, journal: &dyn Journal) -> Vec<String> {
    deliver::enrol(journal, &posts(context, estate), &store(context), &Program::of(estate))
}

/// Delivers what is due, within a budget.
pub async fn deliver(context: &Context, estate: &Estate, journal: &dyn Journal, budget: Millis) -> Report {
    let effort = Effort { now: context.clock.now(), budget, insist: false };
    with(context, estate, journal, effort).await
}

/// Delivers what is due because somebody asked for it; `insist` also tries sinks that rest after a failure.
pub async fn flush(context: &Context, estate: &Estate, journal: &dyn Journal, insist: bool) -> Report {
    let effort = Effort { now: context.clock.now(), budget: NOTIFY_FLUSH_BUDGET, insist };
    with(context, estate, journal, effort).await
}

async fn with(context: &Context, estate: &Estate, journal: &dyn Journal, effort: Effort) -> Report {
    let (posts, program) = (posts(context, estate), Program::of(estate));
    deliver::deliver(journal, &posts, &store(context), &program, effort).await
}

/// How each sink stands. Nothing is sent.
pub fn status(context: &Context, estate: &Estate, journal: &dyn Journal) -> Report {
    let now: Timestamp = context.clock.now();
    deliver::look(journal, &posts(context, estate), &store(context), &Program::of(estate), now)
}

/// Sends one test notice to one sink.
///
/// # Errors
///
/// If there is no such sink, or it does not take it.
pub async fn test(
    context: &Context,
    estate: &Estate,
    journal: &dyn Journal,
    name: &str,
) -> Result<(), Failure> {
    let posts = posts(context, estate);
    let Some(post) = posts.iter().find(|post| post.notify.name == name) else {
        let known: Vec<&str> = posts.iter().map(|post| post.notify.name.as_str()).collect();
        let help = match known.is_empty() {
            true => "the estate has no [[notify]] table".to_owned(),
            false => format!("there are: {}", known.join(", ")),
        };
        return Err(Failure::usage(format!("nobody of the name `{name}` is told"), help));
    };
    let now = context.clock.now();
    deliver::try_out(journal, post, &store(context), &Program::of(estate), now)
        .await
        .map_err(|why| Failure::failed(format!("{name} did not take the test notice: {why}")))
}

fn store(context: &Context) -> Store {
    Store::new(context.state.join("notify"))
}

fn posts(context: &Context, estate: &Estate) -> Vec<Post> {
    let post = |notify: &Notify| {
        let (root, place) = (context.root.clone(), notify.place.clone());
        Post { notify: notify.clone(), open: Box::new(move || open(&root, &place)) }
    };
    estate.notify.iter().map(post).collect()
}

fn open(root: &Path, place: &NotifyPlace) -> Result<Box<dyn Sink>, String> {
    match place {
        NotifyPlace::File(path) => Ok(Box::new(NoticeFile::new(root.join(path)))),
        NotifyPlace::Webhook { address, secret } => {
            let address = match address {
                NotifyAddress::Written(address) => address.clone(),
                NotifyAddress::Kept(kept) => {
                    let text = resolve(kept, root).map_err(|error| format!("no address: {error}"))?;
                    let bad = |bad| format!("the address behind {kept} {bad}");
                    WebAddress::new(text.expose()).map_err(bad)?
                }
            };
            let secret = resolve(secret, root).map_err(|error| format!("no key: {error}"))?;
            Ok(Box::new(Webhook::new(address, &secret)?))
        }
    }
}
