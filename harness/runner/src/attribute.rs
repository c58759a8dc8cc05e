//! To whom a kernel report belongs. Pure: windows of kernel log sequence numbers, threads, one report.

use fencelab_events::{Attribution, How};
use fencelab_klog::{Caller, Report};

/// A case's part of the kernel log, and its threads.
#[derive(Debug, Clone)]
pub struct Window {
    /// The case.
    pub case: String,
    /// Its first sequence number.
    pub first: u64,
    /// The one after its last; none while it runs.
    pub end: Option<u64>,
    /// Its threads, its process first.
    pub tids: Vec<i32>,
}

impl Window {
    fn holds(&self, seq: u64) -> bool {
        seq >= self.first && self.end.is_none_or(|end| seq < end)
    }
}

/// What of a report tells its owner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clues {
    /// The sequence number of its first line.
    pub seq: u64,
    /// The thread whose caller id its lines carry.
    pub caller: Option<i32>,
    /// The task that it prints: comm and pid.
    pub task: Option<(String, i32)>,
    /// The system call, ioctl or work function that the task was in.
    pub entry: Option<String>,
}

/// Gives the report to a case, by the surest of the ways that [`How`] lists.
pub fn attribute(clues: &Clues, windows: &[Window]) -> Attribution {
    let thread = clues.task.as_ref().map(|(comm, pid)| format!("{comm}/{pid}"));
    let owner = |tid: i32| windows.iter().rev().find(|w| w.first <= clues.seq && w.tids.contains(&tid));
    let (how, case, reason) = if let Some((tid, window)) = clues.caller.and_then(|t| owner(t).map(|w| (t, w)))
    {
        (How::Caller, Some(window), format!("the lines' caller id T{tid} is a thread of the case"))
    } else if let Some((tid, window)) = clues.task.as_ref().and_then(|(_, t)| owner(*t).map(|w| (*t, w))) {
        (How::CommPid, Some(window), format!("the report names pid {tid}, a thread of the case"))
    } else {
        by_time(clues, windows)
    };
    Attribution { case: case.map(|w| w.case.clone()), how, reason, thread, entry: clues.entry.clone() }
}

fn by_time<'a>(clues: &Clues, windows: &'a [Window]) -> (How, Option<&'a Window>, String) {
    let worker = clues.task.as_ref().filter(|(comm, _)| comm.starts_with("kworker/"));
    if let Some(window) = windows.iter().rev().find(|w| w.holds(clues.seq)) {
        return match worker {
            Some((comm, _)) => {
                let serving = clues.entry.as_deref().unwrap_or("its work");
                (How::Worker, Some(window), format!("{comm} was in {serving} while this case alone ran"))
            }
            None => (How::Window, Some(window), "its lines lie in the case's part of the kernel log".into()),
        };
    }
    match windows.iter().rev().find(|w| w.end.is_some_and(|end| end <= clues.seq)) {
        Some(window) => {
            let how = if worker.is_some() { How::Worker } else { How::Window };
            (how, Some(window), "it came after this case had ended and before another began".into())
        }
        None => (How::Outside, None, "no case had run".into()),
    }
}

/// The clues in a report.
pub fn clues(report: &Report, seq: u64) -> Clues {
    let tid = |number: u32| i32::try_from(number).ok();
    let task = report.task.as_ref().and_then(|task| Some((task.comm.clone(), tid(task.pid)?)));
    let caller = report.caller.and_then(|caller| match caller {
        Caller::Task(number) => tid(number),
        Caller::Cpu(_) => None,
    });
    Clues { seq, caller, task, entry: entry(report) }
}

/// Core functions through which every ioctl goes: the handler lies above them in the trace.
const DISPATCH: [&str; 6] =
    ["drm_ioctl", "drm_ioctl_kernel", "__x64_sys_ioctl", "__se_sys_ioctl", "__do_sys_ioctl", "vfs_ioctl"];

/// The handler that the task was in: the ioctl's own function, else the work function, else the system call.
fn entry(report: &Report) -> Option<String> {
    let functions: Vec<&str> = report.frames.iter().map(|f| f.function.as_str()).collect();
    let handler = functions.iter().rev().find(|f| f.ends_with("_ioctl") && !DISPATCH.contains(f));
    let work = functions
        .iter()
        .position(|f| *f == "process_one_work")
        .and_then(|i| functions.get(i.checked_sub(1)?));
    let syscall =
        functions.iter().rev().find_map(|f| f.strip_prefix("__x64_sys_").or(f.strip_prefix("__arm64_sys_")));
    handler.or(work).map(|f| (*f).to_owned()).or_else(|| syscall.map(|name| format!("{name}()")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows() -> Vec<Window> {
        vec![
            Window { case: "a".into(), first: 10, end: Some(20), tids: vec![100, 101] },
            Window { case: "b".into(), first: 22, end: None, tids: vec![200] },
        ]
    }

    fn clues(seq: u64, caller: Option<i32>, task: Option<(&str, i32)>) -> Clues {
        Clues { seq, caller, task: task.map(|(c, p)| (c.into(), p)), entry: Some("commit_work".into()) }
    }

    #[test]
    fn a_callers_thread_is_surer_than_the_window_in_which_its_line_lies() {
        let late = attribute(&clues(25, Some(101), Some(("kworker/0:1", 9))), &windows());
        assert_eq!((late.case.as_deref(), late.how), (Some("a"), How::Caller));
        let printed = attribute(&clues(25, Some(7), Some(("a-case", 100))), &windows());
        assert_eq!((printed.case.as_deref(), printed.how), (Some("a"), How::CommPid));
    }

    #[test]
    fn a_tid_that_was_used_again_goes_to_the_later_case_and_never_to_a_future_one() {
        let mut windows = windows();
        windows[1].tids.push(100);
        assert_eq!(attribute(&clues(25, Some(100), None), &windows).case.as_deref(), Some("b"));
        assert_eq!(attribute(&clues(15, Some(100), None), &windows).case.as_deref(), Some("a"));
    }

    #[test]
    fn workers_and_strangers_go_by_the_window_and_say_so() {
        let worker = attribute(&clues(12, Some(9), Some(("kworker/u4:1", 9))), &windows());
        assert_eq!((worker.case.as_deref(), worker.how), (Some("a"), How::Worker));
        assert!(worker.reason.contains("commit_work"), "{}", worker.reason);
        let stranger = attribute(&clues(30, Some(9), Some(("khungtaskd", 9))), &windows());
        assert_eq!((stranger.case.as_deref(), stranger.how), (Some("b"), How::Window));
    }

    #[test]
    fn between_two_cases_it_goes_to_the_one_before_and_before_the_first_to_none() {
        let between = attribute(&clues(21, None, None), &windows());
        assert_eq!((between.case.as_deref(), between.how), (Some("a"), How::Window));
        assert_eq!(attribute(&clues(3, None, None), &windows()).how, How::Outside);
    }
}
