//! To whom a kernel report belongs. Pure: windows of kernel log sequence numbers, threads, the recorder's trace, the
//! kernel's fence events, one report.

use fencelab_bench::protocol::LogClock;
use fencelab_events::{Attribution, CallSite, Device, How};
use fencelab_klog::{Caller, Report};
use fencelab_trace::Session;

use crate::recorded::fences::{FenceEvent, Fences};
use crate::recorded::queued::Work;
use crate::recorded::site::Moment;
use crate::recorded::{owner, queued, site};

/// A case's part of the kernel log, and its threads.
#[derive(Debug, Clone, Default)]
pub struct Window {
    /// The case.
    pub case: String,
    /// Its first sequence number.
    pub first: u64,
    /// The one after its last; none while it runs.
    pub end: Option<u64>,
    /// Its threads, its process first.
    pub tids: Vec<i32>,
    /// When it began: CLOCK_MONOTONIC, in microseconds.
    pub started_us: u64,
    /// The kernel log's clock then.
    pub log_clock: Option<LogClock>,
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
    /// The time of its first line, on the log's clock, in microseconds.
    pub at_us: Option<u64>,
    /// The thread whose caller id its lines carry.
    pub caller: Option<i32>,
    /// The task that it prints: comm and pid.
    pub task: Option<(String, i32)>,
    /// The system call, ioctl or work function that the task was in.
    pub entry: Option<String>,
    /// The module of the driver function to look at first.
    pub driver: Option<String>,
}

/// What the report is held against.
pub struct Evidence<'a> {
    /// The cases of the boot, in their order.
    pub windows: &'a [Window],
    /// What the recorder wrote of them.
    pub trace: Option<&'a Session>,
    /// What the kernel told of its fences.
    pub fences: &'a Fences,
    /// The bench's devices.
    pub devices: &'a [Device],
}

/// Gives the report to a case, by the surest of the ways that [`How`] lists.
pub fn attribute(clues: &Clues, evidence: &Evidence<'_>) -> Attribution {
    let found = by_thread(clues, evidence)
        .or_else(|| by_fence(clues, evidence))
        .or_else(|| by_work(clues, evidence))
        .unwrap_or_else(|| by_time(clues, evidence.windows));
    Attribution {
        case: found.window.map(|window| window.case.clone()),
        how: found.how,
        reason: found.reason,
        thread: clues.task.as_ref().map(|(comm, pid)| format!("{comm}/{pid}")),
        entry: clues.entry.clone(),
        call: found.call,
    }
}

struct Found<'a> {
    how: How,
    window: Option<&'a Window>,
    reason: String,
    call: Option<CallSite>,
}

impl Evidence<'_> {
    /// The case that a thread belongs to: as the case said, or as the trace knows its process.
    fn owner(&self, tid: i32, clues: &Clues) -> Option<&Window> {
        let begun = || self.windows.iter().rev().filter(|w| w.first <= clues.seq);
        let said = begun().find(|w| w.tids.contains(&tid));
        said.or_else(|| {
            let pids = owner::pids(self.trace?, tid, self.moment(clues)?.at_us);
            begun().find(|w| w.tids.first().is_some_and(|pid| pids.contains(pid)))
        })
    }

    /// When the report was, on CLOCK_MONOTONIC. The two clocks are compared when a case begins; from there on they may run
    /// apart by what NTP slews at most (500 ppm, adjtimex(2)).
    fn moment(&self, clues: &Clues) -> Option<Moment> {
        /// How much a call's own times and the report's first line are apart, beside that.
        const EXACT_US: u64 = 200;
        let begun = self.windows.iter().rev().filter(|w| w.first <= clues.seq);
        let (window, clock) = begun.filter_map(|w| Some((w, w.log_clock?))).next()?;
        let at_us = clues.at_us?.saturating_add_signed(-clock.ahead_us);
        let drift_us = at_us.abs_diff(window.started_us) / 2000;
        Some(Moment { at_us, slack_us: EXACT_US + clock.within_us + drift_us })
    }
}

/// The report's lines, or the task that it names, are a thread of a case.
fn by_thread<'a>(clues: &Clues, evidence: &'a Evidence<'_>) -> Option<Found<'a>> {
    let by_caller = clues.caller.and_then(|tid| Some((How::Caller, tid, evidence.owner(tid, clues)?)));
    let by_task = || {
        let tid = clues.task.as_ref()?.1;
        Some((How::CommPid, tid, evidence.owner(tid, clues)?))
    };
    let (how, tid, window) = by_caller.or_else(by_task)?;
    let known = match how {
        How::Caller => format!("the lines' caller id T{tid} is a thread of the case"),
        _ => format!("the report names pid {tid}, a thread of the case"),
    };
    let call = evidence.trace.zip(evidence.moment(clues)).and_then(|(trace, moment)| {
        site::of_thread(trace, tid, moment, clues.entry.as_deref(), evidence.devices)
    });
    let (how, reason) = match &call {
        Some(call) if call.in_progress => (How::Call, format!("{known}, which was in {}", call.ioctl)),
        Some(call) => (
            how,
            format!("{known}; no call of it is recorded for that moment, the last before was {}", call.ioctl),
        ),
        None => (how, known),
    };
    Some(Found { how, window: Some(window), reason, call })
}

/// How far a worker's report may be from the signalling of the fence that it works for, in microseconds.
const FENCE_US: u64 = 100_000;

/// A worker that signals a fence, by the thread that made that fence.
fn by_fence<'a>(clues: &Clues, evidence: &'a Evidence<'_>) -> Option<Found<'a>> {
    let (worker, tid) = worker(clues)?;
    let moment = evidence.moment(clues)?;
    let signalled = evidence.fences.signalled_by(tid, moment.at_us, FENCE_US)?;
    let made = evidence.fences.made(signalled.fence)?;
    let window = evidence.owner(made.tid, clues)?;
    let then = Moment { at_us: made.at_us, slack_us: 100 };
    let call =
        evidence.trace.and_then(|trace| site::of_thread(trace, made.tid, then, None, evidence.devices));
    let call = call.map(|call| CallSite {
        after_us: moment.at_us.saturating_sub(call.entered_us),
        in_progress: false,
        ..call
    });
    let reason =
        format!("{worker} signalled {}, which thread {} of the case had made", fence_name(made), made.tid);
    Some(Found { how: How::Queued, window: Some(window), reason, call })
}

fn fence_name(fence: &FenceEvent) -> String {
    format!("the fence {} {}:{}", fence.name, fence.fence.0, fence.fence.1)
}

/// A worker whose function is known, by the last call that queues such work.
fn by_work<'a>(clues: &Clues, evidence: &'a Evidence<'_>) -> Option<Found<'a>> {
    let (worker, _) = worker(clues)?;
    let function = clues.entry.as_deref()?;
    let work = Work::of(function)?;
    let moment = evidence.moment(clues)?;
    let driver = clues.driver.as_deref();
    let call = queued::last(evidence.trace?, work, driver, moment, evidence.devices)?;
    let window = evidence.owner(call.tid, clues)?;
    let on = driver.map(|driver| format!(" on {driver}")).unwrap_or_default();
    let reason = format!(
        "{worker} was in {function}, and the last {}{on} before was thread {}'s of the case",
        work.name(),
        call.tid
    );
    Some(Found { how: How::Queued, window: Some(window), reason, call: Some(call) })
}

/// The kernel worker that the report is about.
fn worker(clues: &Clues) -> Option<(&str, i32)> {
    let (comm, tid) = clues.task.as_ref()?;
    comm.starts_with("kworker/").then_some((comm.as_str(), *tid))
}

fn by_time<'a>(clues: &Clues, windows: &'a [Window]) -> Found<'a> {
    let worker = worker(clues);
    let how = if worker.is_some() { How::Worker } else { How::Window };
    let found = |how, window, reason| Found { how, window, reason, call: None };
    if let Some(window) = windows.iter().rev().find(|w| w.holds(clues.seq)) {
        let reason = match worker {
            Some((comm, _)) => {
                let serving = clues.entry.as_deref().unwrap_or("its work");
                format!("{comm} was in {serving} while this case alone ran")
            }
            None => "its lines lie in the case's part of the kernel log".into(),
        };
        return found(how, Some(window), reason);
    }
    match windows.iter().rev().find(|w| w.end.is_some_and(|end| end <= clues.seq)) {
        Some(window) => {
            found(how, Some(window), "it came after this case had ended and before another began".into())
        }
        None => found(How::Outside, None, "no case had run".into()),
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
    let driver = report.blame.as_ref().and_then(|frame| frame.module.clone());
    Clues { seq, at_us: report.time_us, caller, task, entry: entry(report), driver }
}

/// Core functions through which every ioctl goes: the handler lies above them in the trace.
const DISPATCH: [&str; 6] =
    ["drm_ioctl", "drm_ioctl_kernel", "__x64_sys_ioctl", "__se_sys_ioctl", "__do_sys_ioctl", "vfs_ioctl"];

/// The handler that the task was in: the ioctl's own function, else the work function, else the system call.
fn entry(report: &Report) -> Option<String> {
    // What the unwinder found on the stack but could not place is often a neighbour of the function that was called.
    let functions: Vec<&str> =
        report.frames.iter().filter(|f| !f.unreliable).map(|f| f.function.as_str()).collect();
    let handler = functions.iter().rev().find(|f| f.ends_with("_ioctl") && !DISPATCH.contains(f));
    let work = functions
        .iter()
        .position(|f| *f == "process_one_work")
        .and_then(|i| functions.get(i.checked_sub(1)?))
        .filter(|f| **f != "dump_stack");
    // What a work function left behind is found when it has returned; the kernel names it beside its queue.
    let returned = report.workqueue.as_deref().and_then(|queue| queue.split_whitespace().nth(1));
    let syscall =
        functions.iter().rev().find_map(|f| f.strip_prefix("__x64_sys_").or(f.strip_prefix("__arm64_sys_")));
    let named = handler.or(work).copied().or(returned);
    named.map(str::to_owned).or_else(|| syscall.map(|name| format!("{name}()")))
}

#[cfg(test)]
mod tests;
