//! Delivers what is due: for each sink what its cursor has not passed yet, in the order in which it happened.

use std::collections::BTreeMap;
use std::time::Instant;

use super::cursor::{Cursor, Rest, Store};
use super::report::{Report, Standing};
use super::{Post, Sent, Sink};
use crate::base::id::LogId;
use crate::base::limits::{NOTICE_AGE_MAX, NOTICES_MAX, NOTIFY_TIMEOUT};
use crate::base::time::{Millis, Timestamp};
use crate::journal::{Journal, JournalError};
use crate::model::plan::LogHead;
use crate::notice::{self, Notice, Program};

/// When, for how long, and how eagerly.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// The present moment.
    pub now: Timestamp,
    /// How long it may take, all sinks together.
    pub budget: Millis,
    /// Whether sinks are tried that rest after a failure. Those that asked for time themselves are left alone anyway.
    pub insist: bool,
}

/// Sets a cursor at the end of the logs for every sink that has none: it is told of what happens from here on. To be
/// called before something happens that people are to be told of.
pub fn enrol(journal: &dyn Journal, posts: &[Post], store: &Store, program: &Program) -> Vec<String> {
    let new: Vec<&Post> = posts.iter().filter(|post| !store.has(&post.notify.name)).collect();
    if new.is_empty() {
        return Vec::new();
    }
    let heads = match journal.heads() {
        Ok(heads) => heads,
        Err(error) => return vec![error.to_string()],
    };
    let begin = |post: &&Post| {
        let cursor = Cursor::at_end(&program.lineage, post.mark(), &heads);
        store.save(&post.notify.name, &cursor).err()
    };
    new.iter().filter_map(begin).collect()
}

/// Hands every sink what it was not told yet, within the budget. Never fails: what went wrong is in the report, and
/// what was not taken waits for the next time.
pub async fn deliver(
    journal: &dyn Journal,
    posts: &[Post],
    store: &Store,
    program: &Program,
    effort: Effort,
) -> Report {
    let mut report = Report::default();
    if posts.is_empty() {
        return report;
    }
    let started = store.lock().and_then(|lock| match journal.heads() {
        Ok(heads) => Ok((lock, heads)),
        Err(error) => Err(error.to_string()),
    });
    let (_lock, heads) = match started {
        Ok(started) => started,
        Err(why) => {
            report.troubles.push(format!("nothing was delivered: {why}"));
            return report;
        }
    };
    let logs = Logs { journal, program, heads: &heads };
    let begun = Instant::now();
    for (index, post) in posts.iter().enumerate() {
        let left = effort.budget.as_std().saturating_sub(begun.elapsed());
        // A sink that is slow must not use up the time of those behind it.
        let share = left / u32::try_from(posts.len() - index).unwrap_or(u32::MAX);
        let share = Millis(u64::try_from(share.as_millis()).unwrap_or(u64::MAX));
        report.sinks.push(one(logs, post, store, Effort { budget: share, ..effort }).await);
    }
    report
}

/// How the sinks stand. Nothing is sent or written.
pub fn look(
    journal: &dyn Journal,
    posts: &[Post],
    store: &Store,
    program: &Program,
    now: Timestamp,
) -> Report {
    let mut report = Report::default();
    let heads = match journal.heads() {
        Ok(heads) => heads,
        Err(error) => {
            report.troubles.push(error.to_string());
            return report;
        }
    };
    let logs = Logs { journal, program, heads: &heads };
    for post in posts {
        let (mut standing, queue) = logs.standing(post, store);
        let rest = standing.cursor.rest.as_ref().filter(|rest| !rest.is_over(now));
        standing.next_try = rest.map(|rest| rest.until);
        standing.trouble = trouble_of(&standing.cursor);
        queue.tell(&mut standing, 0);
        report.sinks.push(standing);
    }
    report
}

/// Sends one notice that says that notices arrive, and opens a sink that was closed if it takes it.
///
/// # Errors
///
/// Why the sink did not take it, in words.
pub async fn try_out(
    journal: &dyn Journal,
    post: &Post,
    store: &Store,
    program: &Program,
    now: Timestamp,
) -> Result<(), String> {
    let notice = Notice::test(program, &post.notify.name, now);
    match (post.open)()?.send(&notice, now, NOTIFY_TIMEOUT).await {
        Sent::Taken => {}
        Sent::Later { why, .. } | Sent::Closed { why } => return Err(why),
    }
    let _lock = store.lock()?;
    let heads = journal.heads().map_err(|error| error.to_string())?;
    let (mut cursor, _) = store.load(&post.notify.name, (&program.lineage, post.mark()), &heads);
    (cursor.rest, cursor.closed) = (None, None);
    store.save(&post.notify.name, &cursor)
}

fn trouble_of(cursor: &Cursor) -> Option<String> {
    let closed = cursor
        .closed
        .as_ref()
        .map(|why| format!("CLOSED: {why}; change the estate, or mend it and run landfall notify test"));
    closed.or_else(|| cursor.rest.as_ref().map(|rest| rest.why.clone()))
}

/// The logs that are told of.
#[derive(Clone, Copy)]
struct Logs<'a> {
    journal: &'a dyn Journal,
    program: &'a Program,
    heads: &'a BTreeMap<LogId, LogHead>,
}

/// What a sink was not told yet.
struct Queue {
    /// In the order in which it is sent.
    notices: Vec<Queued>,
    /// How far each log was looked through for it.
    seen: BTreeMap<LogId, u64>,
}

struct Queued {
    log: LogId,
    seq: u64,
    notice: Notice,
    /// When it happened, but never before what stands before it in its log.
    order: Timestamp,
}

impl Logs<'_> {
    fn standing(&self, post: &Post, store: &Store) -> (Standing, Queue) {
        let name = &post.notify.name;
        let (cursor, notes) = store.load(name, (&self.program.lineage, post.mark()), self.heads);
        let mut standing = Standing::new(name, cursor, notes);
        let queue = self.queue(post, &mut standing);
        (standing, queue)
    }

    fn queue(&self, post: &Post, standing: &mut Standing) -> Queue {
        let mut queue = Queue { notices: Vec::new(), seen: BTreeMap::new() };
        for (log, head) in self.heads {
            let from = standing.cursor.logs.get(log).copied().unwrap_or(0);
            if from >= head.size {
                continue;
            }
            if let Err(error) = self.queue_log(post, log, from, &mut queue) {
                standing.notes.push(error.to_string());
            }
        }
        // What the organisation's log says of a moment follows from what the scopes' logs say of it.
        let key = |queued: &Queued| (queued.order, queued.log == LogId::Org, queued.log.clone(), queued.seq);
        queue.notices.sort_by_cached_key(key);
        queue
    }

    fn queue_log(&self, post: &Post, log: &LogId, from: u64, queue: &mut Queue) -> Result<(), JournalError> {
        let mut order = None;
        let mut next = from;
        for line in self.journal.read(log, from)? {
            let seq = line.entry.seq;
            next = seq + 1;
            let Some(notice) = notice::of(&line.entry, self.program) else { continue };
            if post.notify.wants(notice.class, notice.site.as_ref()) {
                let at = order.map_or(notice.time, |last: Timestamp| last.max(notice.time));
                order = Some(at);
                queue.notices.push(Queued { log: log.clone(), seq, notice, order: at });
            }
        }
        queue.seen.insert(log.clone(), next);
        Ok(())
    }
}

impl Queue {
    /// Moves a cursor to the first notice of each log that is not done, or to where the log was looked through.
    fn settle(&self, cursor: &mut Cursor, done: usize) {
        for (log, seen) in &self.seen {
            cursor.logs.insert(log.clone(), *seen);
        }
        for queued in self.notices[done..].iter().rev() {
            cursor.logs.insert(queued.log.clone(), queued.seq);
        }
    }

    /// Moves a cursor past the notice before this one.
    fn advance(&self, cursor: &mut Cursor, done: usize) {
        let log = &self.notices[done - 1].log;
        let next = self.notices[done..].iter().find(|queued| queued.log == *log).map(|queued| queued.seq);
        cursor.logs.insert(log.clone(), next.unwrap_or(self.seen[log]));
    }

    fn tell(&self, standing: &mut Standing, done: usize) {
        let left = &self.notices[done..];
        standing.waiting = left.len() as u64;
        standing.oldest = left.iter().map(|queued| queued.notice.time).min();
    }
}

async fn one(logs: Logs<'_>, post: &Post, store: &Store, effort: Effort) -> Standing {
    let begun = Instant::now();
    let (mut standing, queue) = logs.standing(post, store);
    let before = standing.cursor.clone();
    let mut done = 0;
    while queue.notices.get(done).is_some_and(|queued| is_too_old(queued, effort.now)) {
        give_up(&mut standing);
        done += 1;
    }
    queue.settle(&mut standing.cursor, done);
    let is_new = !store.has(&post.notify.name);
    if (is_new || standing.cursor != before || !standing.notes.is_empty()) && !save(store, &mut standing) {
        // What cannot be kept as sent would be sent again each time.
        queue.tell(&mut standing, done);
        return standing;
    }
    if done < queue.notices.len() && may_send(&mut standing, effort) {
        match (post.open)() {
            Ok(sink) => done = send(&*sink, store, &mut standing, &queue, (done, begun), effort).await,
            Err(why) => standing.trouble = Some(why),
        }
    }
    queue.tell(&mut standing, done);
    standing
}

/// Whether a sink may be tried now; says so in its standing if not.
fn may_send(standing: &mut Standing, effort: Effort) -> bool {
    let rest = standing.cursor.rest.as_ref().filter(|rest| !rest.is_over(effort.now));
    let rest = rest.filter(|rest| rest.asked || !effort.insist);
    if standing.cursor.closed.is_none() && rest.is_none() {
        return true;
    }
    standing.next_try = rest.map(|rest| rest.until);
    standing.trouble = trouble_of(&standing.cursor);
    false
}

/// Sends until nothing is left, time is up or the sink does not take one; gives back how many are done.
async fn send(
    sink: &dyn Sink,
    store: &Store,
    standing: &mut Standing,
    queue: &Queue,
    (mut done, begun): (usize, Instant),
    effort: Effort,
) -> usize {
    for queued in queue.notices.iter().skip(done).take(NOTICES_MAX) {
        let left = effort.budget.as_std().saturating_sub(begun.elapsed());
        let left = Millis(u64::try_from(left.as_millis()).unwrap_or(u64::MAX)).min(NOTIFY_TIMEOUT);
        if left.0 == 0 {
            standing.trouble = Some("the time for delivering was up".to_owned());
            break;
        }
        let mut goes_on = true;
        if is_too_old(queued, effort.now) {
            give_up(standing);
            done += 1;
            queue.advance(&mut standing.cursor, done);
        } else {
            match sink.send(&queued.notice, effort.now, left).await {
                Sent::Taken => {
                    standing.sent += 1;
                    let cursor = &mut standing.cursor;
                    cursor.sent += 1;
                    (cursor.last_sent, cursor.rest) = (Some(effort.now), None);
                    done += 1;
                    queue.advance(&mut standing.cursor, done);
                }
                Sent::Later { why, retry_after } => {
                    let rest = Rest::after(standing.cursor.rest.as_ref(), why, retry_after, effort.now);
                    standing.next_try = Some(rest.until);
                    standing.cursor.rest = Some(rest);
                    goes_on = false;
                }
                Sent::Closed { why } => {
                    standing.cursor.closed = Some(why);
                    goes_on = false;
                }
            }
        }
        if !goes_on {
            standing.trouble = trouble_of(&standing.cursor);
        }
        if !save(store, standing) || !goes_on {
            break;
        }
    }
    if done < queue.notices.len() && standing.trouble.is_none() {
        standing.trouble = Some(format!("more than {NOTICES_MAX} at once; the next delivery takes them"));
    }
    done
}

fn save(store: &Store, standing: &mut Standing) -> bool {
    let saved = store.save(&standing.name, &standing.cursor);
    match saved {
        Ok(()) => true,
        Err(why) => {
            standing.trouble = Some(why);
            false
        }
    }
}

fn is_too_old(queued: &Queued, now: Timestamp) -> bool {
    now.since(queued.notice.time) > NOTICE_AGE_MAX
}

fn give_up(standing: &mut Standing) {
    standing.dropped += 1;
    standing.cursor.dropped += 1;
}
