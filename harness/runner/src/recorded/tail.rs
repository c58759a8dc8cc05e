//! The end of a case's trace, for people: what it waits for, and what it did last.

use fencelab_abi::Kind;
use fencelab_trace::{CallId, Reader, Session, Thread, decode};

use super::owner;
use super::site;

/// Calls that have returned and are shown.
const SHOWN: u32 = 40;

/// What a running case does, seen from its trace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Activity {
    /// Calls that its threads have made so far.
    pub calls: u64,
    /// Its longest call that has not returned: for how long, in microseconds, and what, with its thread.
    pub wait: Option<(u64, String)>,
}

/// A moment of a trace and what was there, to be sorted.
type Line = (u64, String);

/// The calls of the process `pid` and of all below it at the moment `now_us` of CLOCK_MONOTONIC: first those that have not
/// returned, then the last that have, in their order. Times count back from `now_us`.
pub(crate) fn of_case(session: &Session, pid: i32, now_us: u64) -> Vec<String> {
    let mut reader = session.reader();
    let (mut waits, mut done): (Vec<Line>, Vec<Line>) = (Vec::new(), Vec::new());
    for thread in threads(session, pid) {
        for id in last(thread) {
            let Ok(Some(call)) = reader.read(session, id) else { continue };
            let entered = session.clock().ns(call.enter) / 1000;
            let (text, ago) = (decode::plain(&call), Seconds(now_us.saturating_sub(entered)));
            if call.exit.is_none() && call.kind != Some(Kind::Exec) {
                waits.push((entered, format!("thread {} waits {ago} in {text}", call.tid)));
            } else {
                done.push((entered, format!("-{ago} [{}] {text}", call.tid)));
            }
        }
    }
    waits.sort();
    done.sort();
    let older = done.len().saturating_sub(SHOWN as usize);
    waits.into_iter().chain(done.into_iter().skip(older)).map(|(_, line)| line).collect()
}

/// What the process `pid` and all below it do at the moment `now_us` of CLOCK_MONOTONIC.
pub(crate) fn activity(session: &Session, pid: i32, now_us: u64) -> Activity {
    let mut reader = session.reader();
    let mut activity = Activity::default();
    for thread in threads(session, pid) {
        activity.calls += thread.len() as u64;
        if let Some((entered, what)) = waiting(session, &mut reader, thread) {
            let wait = now_us.saturating_sub(entered);
            if activity.wait.as_ref().is_none_or(|(longest, _)| wait > *longest) {
                activity.wait = Some((wait, what));
            }
        }
    }
    activity
}

/// The last call of a thread, if it has not returned: when it was made, and what it is.
fn waiting(session: &Session, reader: &mut Reader, thread: &Thread) -> Option<Line> {
    let call = reader.read(session, last(thread).last()?).ok()??;
    let waits = call.exit.is_none() && call.kind != Some(Kind::Exec);
    waits.then(|| {
        (session.clock().ns(call.enter) / 1000, format!("thread {} in {}", call.tid, site::name(&call)))
    })
}

/// The threads of a process and of all below it.
fn threads(session: &Session, pid: i32) -> impl Iterator<Item = &Thread> {
    let is_below = move |thread: &&Thread| owner::lineage(session, thread.pid, thread.process).contains(&pid);
    session.threads().iter().filter(is_below)
}

/// A thread's last calls.
fn last(thread: &Thread) -> impl Iterator<Item = CallId> + use<> {
    let (id, count) = (thread.id, u32::try_from(thread.len()).unwrap_or(u32::MAX));
    (count.saturating_sub(SHOWN)..count).map(move |index| CallId { thread: id, index })
}

/// Microseconds as seconds with three digits.
struct Seconds(u64);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:03} s", self.0 / 1_000_000, self.0 % 1_000_000 / 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{CREATE, Made, Pool, WAIT};
    use super::*;

    #[test]
    fn what_waits_stands_first_and_other_cases_calls_are_not_shown() {
        let mut pool = Pool::new();
        let case = pool.process(100, 1, 1_000);
        let other = pool.process(200, 1, 1_000);
        let child = pool.process(101, 100, 2_000);
        pool.thread(case, 100, 100, &[Made::ioctl(CREATE, 5, 3, 5_000, Some(5_010))]);
        pool.thread(child, 101, 102, &[Made::ioctl(WAIT, 5, 0, 1_000_000, None)]);
        pool.thread(other, 200, 200, &[Made::ioctl(CREATE, 5, 4, 6_000, Some(6_010))]);
        let session = pool.session();
        let lines = of_case(&session, 100, 21_000_000);
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(
            lines[0].starts_with("thread 102 waits 20.000 s in ioctl(5, DRM_IOCTL_SYNCOBJ_WAIT"),
            "{lines:?}"
        );
        assert!(lines[1].starts_with("-20.995 s [100] ioctl(5, DRM_IOCTL_SYNCOBJ_CREATE"), "{lines:?}");
        let activity = activity(&session, 100, 21_000_000);
        let wait = "thread 102 in DRM_IOCTL_SYNCOBJ_WAIT".to_owned();
        assert_eq!(activity, Activity { calls: 2, wait: Some((20_000_000, wait)) });
    }
}
