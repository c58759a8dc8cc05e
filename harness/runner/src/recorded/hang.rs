//! What a stuck case waits for: the verdict of its trace, with what the kernel says of its tasks at that moment.

use fencelab_events::Task;
use fencelab_fences::finding::Finding;
use fencelab_fences::graph::{Doing, People};
use fencelab_fences::words::{moment, span};
use fencelab_fences::{Options, Walk, finish};
use fencelab_trace::Session;

use super::owner;

/// The tasks of a case, as the agent saw them.
struct Seen<'a> {
    tasks: &'a [Task],
    /// Processes that were the case's.
    pids: Vec<u32>,
}

impl People for Seen<'_> {
    fn tasks(&self, pid: u32) -> Option<Vec<fencelab_fences::graph::Task>> {
        let of = self.tasks.iter().filter(|task| task.pid.cast_unsigned() == pid);
        let living = of.filter(|task| !matches!(task.state, 'Z' | 'X'));
        let seen = living.map(|task| fencelab_fences::graph::Task {
            tid: task.tid.cast_unsigned(),
            doing: Doing::from_syscall(&task.syscall),
        });
        let seen: Vec<_> = seen.collect();
        // One of the case's that has no task is gone; of others nothing is known.
        (!seen.is_empty() || self.pids.contains(&pid)).then_some(seen)
    }
}

/// What holds the process `pid` and all below it up at the moment `now_us` of CLOCK_MONOTONIC, in lines; none if the trace
/// does not tell.
pub(crate) fn of_case(session: &Session, pid: i32, now_us: u64, tasks: &[Task]) -> Vec<String> {
    let below =
        |thread: &&fencelab_trace::Thread| owner::lineage(session, thread.pid, thread.process).contains(&pid);
    let pids: Vec<u32> = session.threads().iter().filter(below).map(|thread| thread.pid).collect();
    let people = Seen { tasks, pids };
    let mut walk = Walk::new(session, Options::default());
    let now = session.clock().ticks(now_us.saturating_mul(1000));
    // What happened before is not asked for, but the walk keeps what it finds on its way.
    if walk.run(session, &people).is_err() {
        return Vec::new();
    }
    walk.look(session, &people, now.max(walk.last()));
    let holding: Vec<Finding> = walk.holding().into_iter().cloned().collect();
    let Ok(analysis) = finish(session, &mut walk) else { return Vec::new() };
    let holds = |finding: &&Finding| {
        holding.iter().any(|held| held.culprit == finding.culprit && held.kind == finding.kind)
    };
    let ours = |finding: &&Finding| finding.calls.iter().any(|call| people.pids.contains(&call.pid));
    analysis.findings.iter().filter(holds).filter(ours).flat_map(lines).collect()
}

fn lines(finding: &Finding) -> Vec<String> {
    let lasted = span(finding.seen_ns.saturating_sub(finding.since_ns));
    let mut lines = vec![format!("{}, for {lasted}: {}", finding.heading(), finding.sentence)];
    lines.extend(finding.unless.iter().map(|who| format!("  unless {who} acts")));
    lines.extend(finding.gaps.iter().map(|gap| format!("  missing: {gap}")));
    let call = |call: &fencelab_fences::finding::Call| {
        format!("  {} [{}] {}", moment(call.entered_ns), call.tid, call.text)
    };
    lines.extend(finding.calls.iter().map(call));
    lines
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{CREATE, Made, Pool};
    use super::*;

    fn task(tid: i32) -> Task {
        let empty = String::new();
        Task {
            pid: 100,
            tid,
            comm: "case".into(),
            state: 'S',
            wchan: empty.clone(),
            syscall: "running".into(),
            stack: empty,
        }
    }

    #[test]
    fn a_case_that_waits_for_what_it_should_bring_about_is_told_so() {
        let mut pool = Pool::new();
        let case = pool.process(100, 1, 1_000);
        pool.thread(
            case,
            100,
            100,
            &[Made::open(4_000, "/dev/dri/renderD128", 5), Made::ioctl(CREATE, 5, 3, 5_000, Some(5_010))],
        );
        pool.thread(case, 100, 102, &[Made::wait(5, 3, 1_000_000)]);
        let session = pool.session();
        let lines = of_case(&session, 100, 21_000_000, &[task(100), task(102)]);
        assert!(lines.iter().any(|line| line.contains("DRM_IOCTL_SYNCOBJ_WAIT")), "{lines:?}");
        assert!(lines[0].contains("for 20.0 s") || lines[0].contains("for 20"), "{lines:?}");
        assert_eq!(of_case(&session, 999, 21_000_000, &[]), [] as [&str; 0]);
    }
}
