//! The thread that traces tasks over their exec. It alone may: a tracer is a thread, not a process.

use std::collections::{HashMap, HashSet};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::ptrace;
use nix::unistd::Pid;

use super::tracee::{Failed, inject};
use super::{Image, Requests};
use crate::ends::as_waitpid;
use crate::unseen::Reason;

/// Between two looks at whether a traced task has got on; its exec waits that long.
const SOON: Duration = Duration::from_micros(100);
/// The same, with no task traced.
const LATER: Duration = Duration::from_millis(100);

/// What the thread has met.
#[derive(Default)]
pub(crate) struct Traced {
    /// Processes into which the shim could not be brought, and why.
    pub(crate) refused: HashMap<u32, Reason>,
    /// Processes that ended while they were traced, with their status as waitpid gives it.
    pub(crate) ended: HashMap<u32, u32>,
}

/// The thread.
pub(crate) struct Tracer {
    stop: Arc<AtomicBool>,
    reaps: Arc<AtomicBool>,
    thread: JoinHandle<Traced>,
}

impl Tracer {
    /// Starts it. Requests are answered from now on.
    pub(crate) fn start(requests: Arc<Requests>, image: Image, folder: &Path) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let reaps = Arc::new(AtomicBool::new(false));
        let folder = folder.as_os_str().as_bytes().to_vec();
        let work = Work {
            requests,
            image,
            folder,
            reaps: Arc::clone(&reaps),
            traced: HashSet::new(),
            met: Traced::default(),
        };
        let stopped = Arc::clone(&stop);
        Self { stop, reaps, thread: std::thread::spawn(move || work.until(&stopped)) }
    }

    /// The command runs: who started it no longer waits for a child that could not. Until now that one's end was left to it.
    pub(crate) fn reap(&self) {
        self.reaps.store(true, Release);
    }

    /// Lets go of everything. Gives what it has met.
    pub(crate) fn end(self) -> Traced {
        self.stop.store(true, Release);
        self.thread.join().unwrap_or_default()
    }
}

struct Work {
    requests: Arc<Requests>,
    image: Image,
    folder: Vec<u8>,
    reaps: Arc<AtomicBool>,
    traced: HashSet<i32>,
    met: Traced,
}

impl Work {
    fn until(mut self, stop: &AtomicBool) -> Traced {
        while !stop.load(Acquire) {
            let seen = self.requests.count();
            let requests = Arc::clone(&self.requests);
            requests.answer(|tid| self.trace(tid));
            while self.event() {}
            self.requests.wait(seen, if self.traced.is_empty() { LATER } else { SOON });
        }
        self.met
    }

    fn trace(&mut self, tid: u32) -> bool {
        let pid = Pid::from_raw(tid as i32);
        match ptrace::seize(pid, ptrace::Options::PTRACE_O_TRACEEXEC) {
            Ok(()) => self.traced.insert(tid as i32),
            Err(_) => {
                let reason = if is_traced(tid) { Reason::Traced } else { Reason::Confined };
                self.met.refused.insert(process_of(tid), reason);
                false
            }
        }
    }

    /// Takes one event of a traced task; false: there is none.
    fn event(&mut self) -> bool {
        let ends = if self.reaps.load(Acquire) { libc::WEXITED } else { 0 };
        let options = libc::WSTOPPED | ends | libc::__WALL | libc::__WNOTHREAD | libc::WNOHANG;
        // SAFETY: zeroes are a siginfo_t.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        // SAFETY: a siginfo_t of ours.
        let result = unsafe { libc::waitid(libc::P_ALL, 0, &raw mut info, options) };
        // SAFETY: waitid has filled in what belongs to SIGCHLD, or left zeroes.
        let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
        if result < 0 || pid == 0 {
            // Without a task there is none to wait for: a thread's id is its process's from its exec on.
            if result < 0 {
                self.traced.clear();
            }
            return false;
        }
        match info.si_code {
            libc::CLD_TRAPPED | libc::CLD_STOPPED => {
                self.stopped(Pid::from_raw(pid), status & 0xff, status >> 8)
            }
            code => {
                self.traced.remove(&pid);
                self.met.ended.extend(as_waitpid(code, status).map(|status| (pid as u32, status)));
            }
        }
        true
    }

    fn stopped(&mut self, pid: Pid, signal: i32, event: i32) {
        const EVENT_STOP: i32 = 128;
        const STOPPING: [i32; 4] = [libc::SIGSTOP, libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU];
        match event {
            libc::PTRACE_EVENT_EXEC => {
                if let Err(Failed::Because(reason)) = inject(pid, &self.image, &self.folder) {
                    self.met.refused.insert(pid.as_raw() as u32, reason);
                } else {
                    self.met.refused.remove(&(pid.as_raw() as u32));
                }
                self.let_go(pid);
            }
            EVENT_STOP if STOPPING.contains(&signal) => listen(pid),
            0 if signal == libc::SIGSYS && is_own(pid) => self.let_go(pid),
            0 => resume(pid, signal),
            _ => resume(pid, 0),
        }
    }

    fn let_go(&mut self, pid: Pid) {
        self.traced.remove(&pid.as_raw());
        // One that is gone needs no letting go.
        let _ = ptrace::detach(pid, None);
    }
}

/// Goes on, with any signal that there is.
fn resume(pid: Pid, signal: i32) {
    // SAFETY: takes no memory.
    unsafe { libc::ptrace(libc::PTRACE_CONT, pid.as_raw(), 0, signal) };
}

/// Leaves it stopped, as its job control wants it.
fn listen(pid: Pid) {
    // SAFETY: takes no memory.
    unsafe { libc::ptrace(libc::PTRACE_LISTEN, pid.as_raw(), 0, 0) };
}

/// Whether a thread's signal was sent by the thread itself: its exec has failed.
fn is_own(pid: Pid) -> bool {
    const SI_TKILL: i32 = -6;
    ptrace::getsiginfo(pid).is_ok_and(|info| info.si_code == SI_TKILL)
}

/// A line of /proc/tid/status.
fn status_of(tid: u32, name: &str) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{tid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

fn is_traced(tid: u32) -> bool {
    status_of(tid, "TracerPid:").is_some_and(|tracer| tracer != 0)
}

fn process_of(tid: u32) -> u32 {
    status_of(tid, "Tgid:").unwrap_or(tid)
}
