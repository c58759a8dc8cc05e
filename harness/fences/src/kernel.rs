//! What the kernel itself said at one moment, joined to what the trace shows: stacks of those who are stuck, and its lists
//! of fences and buffers.

use serde::{Deserialize, Serialize};

use crate::finding::{Finding, Said};

/// A look at the kernel. In a session's folder each is a file `kernel/NANOSECONDS.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// CLOCK_MONOTONIC, in nanoseconds; 0: while the case was stuck.
    pub at_ns: u64,
    /// Threads of the recorded processes, and kernel threads in uninterruptible sleep.
    pub tasks: Vec<Task>,
    /// Files of debugfs by their names there, `sync/info` and `dma_buf/bufinfo`, where they could be read in time.
    pub lists: Vec<(String, String)>,
}

/// A task, from `/proc/PID/task/TID` (proc_pid_stack(5), proc_pid_syscall(5)).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its process.
    pub pid: u32,
    /// Itself.
    pub tid: u32,
    /// Its name.
    pub comm: String,
    /// Its state's letter.
    pub state: String,
    /// `syscall`: number, arguments, stack pointer, program counter.
    pub syscall: String,
    /// `stack`: a line a frame, innermost first; empty if it could not be read.
    pub stack: String,
}

/// Puts to each finding what the kernel said while it lasted: the last look counts.
pub fn join(findings: &mut [Finding], looks: &[Look]) {
    for finding in findings.iter_mut().filter(|finding| finding.order.is_none()) {
        let until = finding.ended.as_ref().map_or(u64::MAX, |ended| ended.at_ns);
        let during = |look: &&Look| look.at_ns == 0 || (finding.since_ns..=until).contains(&look.at_ns);
        if let Some(look) = looks.iter().filter(during).max_by_key(|look| look.at_ns) {
            finding.kernel = said(finding, look);
        }
    }
}

fn said(finding: &Finding, look: &Look) -> Vec<Said> {
    let mut said = Vec::new();
    for stuck in &finding.stuck {
        let task = stuck.tid.and_then(|tid| look.tasks.iter().find(|task| task.tid == tid));
        if let Some(task) = task.filter(|task| !task.stack.is_empty()) {
            said.push(Said {
                about: format!("{}, state {}", stuck.what, task.state),
                text: frames(&task.stack),
            });
        }
    }
    // A commit's worker is no thread of the program's: it is known by what it sleeps in.
    let waits_for_fence =
        |task: &&Task| task.stack.contains("dma_fence") || task.stack.contains("drm_atomic");
    let others =
        look.tasks.iter().filter(|task| finding.stuck.iter().all(|stuck| stuck.tid != Some(task.tid)));
    for task in others.filter(|task| task.state == "D").filter(waits_for_fence) {
        said.push(Said { about: format!("{}[{}], state D", task.comm, task.tid), text: frames(&task.stack) });
    }
    for (name, text) in &look.lists {
        let open = unsignalled(text);
        if !open.is_empty() {
            said.push(Said { about: format!("{name}: what has not signalled"), text: open });
        }
    }
    said
}

/// A stack without its addresses, which say nothing (`[<0>] dma_fence_default_wait+0x1f4/0x290`).
fn frames(stack: &str) -> String {
    let frame = |line: &str| line.trim().trim_start_matches("[<0>]").trim().to_owned();
    stack.lines().map(frame).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The entries of a list of debugfs that hold a fence which has not signalled, each with the line of what it is in:
/// `active` in sync/info (drivers/dma-buf/sync_debug.c), `unsignalled` in bufinfo (`dma_fence_describe`).
fn unsignalled(list: &str) -> String {
    let is_open = |line: &str| line.contains(" active") || line.contains("unsignalled");
    let is_inner = |line: &str| line.starts_with([' ', '\t']);
    let mut lines = Vec::new();
    let mut head = None;
    for line in list.lines().filter(|line| !line.trim().is_empty()) {
        if !is_inner(line) {
            head = Some(line);
        }
        if is_open(line) {
            lines.extend(head.take().filter(|head| *head != line));
            lines.push(line);
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Certainty, Kind, Stuck};

    fn finding() -> Finding {
        let stuck = Stuck {
            what: "client[7]".into(),
            tid: Some(7),
            at: "DRM_IOCTL_SYNCOBJ_WAIT".into(),
            since_ns: 50,
            ended: None,
        };
        Finding {
            kind: Kind::Pending,
            certainty: Certainty::Modulo,
            sentence: String::new(),
            unless: Vec::new(),
            gaps: Vec::new(),
            until_timeout: false,
            since_ns: 50,
            seen_ns: 90,
            ended: None,
            culprit: String::new(),
            stuck: vec![stuck],
            nodes: Vec::new(),
            edges: Vec::new(),
            witness: Vec::new(),
            calls: Vec::new(),
            order: None,
            kernel: Vec::new(),
        }
    }

    fn task(tid: u32, comm: &str, state: &str, stack: &str) -> Task {
        Task {
            pid: tid,
            tid,
            comm: comm.into(),
            state: state.into(),
            syscall: String::new(),
            stack: stack.into(),
        }
    }

    #[test]
    fn stacks_come_to_those_who_are_stuck_and_to_workers_that_wait_for_fences() {
        let look = |at_ns, stack: &str| Look {
            at_ns,
            tasks: vec![
                task(7, "client", "S", stack),
                task(8, "client", "S", "[<0>] futex_wait+0x1/0x2"),
                task(30, "kworker/u8:1", "D", "[<0>] dma_fence_default_wait+0x1f4/0x290"),
                task(31, "jbd2/vda", "D", "[<0>] kjournald2+0x1/0x2"),
            ],
            lists: vec![(
                "sync/info".into(),
                "objs:\n--------------\nclient: 0\n  fence active: 1 / 0\n".into(),
            )],
        };
        let mut findings = [finding()];
        let wait = "[<0>] drm_syncobj_array_wait_timeout+0x5/0x9\n[<0>] do_syscall_64+0x1/0x2\n";
        join(
            &mut findings,
            &[look(10, "[<0>] too_early+0x0/0x1"), look(80, wait), look(60, "[<0>] before+0x0/0x1")],
        );
        let said: Vec<(&str, &str)> =
            findings[0].kernel.iter().map(|said| (said.about.as_str(), said.text.as_str())).collect();
        assert_eq!(
            said,
            [
                ("client[7], state S", "drm_syncobj_array_wait_timeout+0x5/0x9\ndo_syscall_64+0x1/0x2"),
                ("kworker/u8:1[30], state D", "dma_fence_default_wait+0x1f4/0x290"),
                ("sync/info: what has not signalled", "client: 0\n  fence active: 1 / 0"),
            ]
        );
    }

    #[test]
    fn what_has_signalled_is_left_out() {
        let list = "a: 1\n  fence signaled\nb: 0\n  fence signaled\n  fence active: 3 / 0\n";
        assert_eq!(unsignalled(list), "b: 0\n  fence active: 3 / 0");
        assert_eq!(unsignalled("(No such file or directory (os error 2))"), "");
    }
}
