//! Notes how processes end, for those that cannot say so themselves: killed, crashed, or gone in a way that no hook sees.
//!
//! Each process that enters itself in the pool is watched through a pidfd. Its parent is told how it ended; whether we are
//! too depends: of our own children waitid says so, of others the kernel does since Linux 6.15 (PIDFD_GET_INFO). Else it is
//! noted that the process is gone, and not how.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use fencelab_abi::ChunkKind;
use fencelab_abi::pool::ChunkInfo;
use fencelab_abi::process::{ProcessInfo, UNKNOWN_STATUS};
use fencelab_trace::Machine;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::process::{PidfdFlags, pidfd_open};

use crate::clock;
use crate::numbers::Number;
use crate::pool::Pool;

/// A process whose end is to be noted.
struct Watched {
    /// As it knows itself.
    number: Number,
    /// As it is known here.
    pid: u32,
    /// Chunk of the program that it runs.
    chunk: u32,
    /// CLOCK_MONOTONIC when it was first seen, in nanoseconds.
    seen: u64,
    /// None where there was no fd to be had: then /proc is looked at.
    pidfd: Option<OwnedFd>,
    /// It has ended, and how is yet to be known: whoever waits for it comes first.
    zombie: bool,
}

/// The processes of a session, as they end.
pub(crate) struct Ends {
    machine: Machine,
    /// First chunk that was not looked at.
    next: u32,
    /// Chunks that were claimed and not yet filled in.
    late: Vec<u32>,
    watched: Vec<Watched>,
    /// Whether children that ended are waited for, all but that one.
    reaps: Option<u32>,
}

impl Ends {
    /// Waits for no child.
    pub(crate) fn new() -> Self {
        Self { machine: Machine::here(), next: 0, late: Vec::new(), watched: Vec::new(), reaps: None }
    }

    /// Waits for every child that has ended but that one: as a subreaper gets them.
    pub(crate) fn reaping_all_but(pid: u32) -> Self {
        Self { reaps: Some(pid), ..Self::new() }
    }

    /// Takes in new processes, and notes those that have ended. Cheap when nothing has happened.
    pub(crate) fn look(&mut self, pool: &Pool) {
        self.meet(pool);
        for (index, reaped) in self.over().into_iter().rev() {
            let watched = &self.watched[index];
            let status = self.status(watched);
            if status.is_some() || !watched.zombie {
                pool.note_gone(watched.chunk, status.unwrap_or(UNKNOWN_STATUS));
            }
            if status.is_some() || reaped {
                self.watched.swap_remove(index);
            } else {
                self.watched[index].zombie = true;
            }
        }
    }

    /// Notes that a process of that pid has ended with that status, as waitpid gives it.
    pub(crate) fn tell(&mut self, pool: &Pool, pid: u32, status: u32) {
        self.meet(pool);
        if let Some(index) = self.watched.iter().position(|watched| watched.pid == pid) {
            let watched = self.watched.swap_remove(index);
            pool.note_gone(watched.chunk, status);
        }
    }

    /// What to poll for to hear of ends at once.
    pub(crate) fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let running = self.watched.iter().filter(|watched| !watched.zombie);
        running.filter_map(|watched| Some(watched.pidfd.as_ref()?.as_fd()))
    }

    fn meet(&mut self, pool: &Pool) {
        // In a full pool a new process may have any chunk.
        let from = if self.next == pool.chunk_count() { 0 } else { self.next };
        self.next = pool.used();
        let late = std::mem::take(&mut self.late);
        for chunk in late.into_iter().chain(from..self.next) {
            match ChunkInfo::decode(pool.chunk_head(chunk)).map(|info| info.kind) {
                Some(ChunkKind::Free) => self.late.push(chunk),
                Some(ChunkKind::Process) => self.watch(pool, chunk),
                _ => {}
            }
        }
    }

    fn watch(&mut self, pool: &Pool, chunk: u32) {
        let bytes = pool.chunk(chunk);
        let Some(info) = ProcessInfo::decode(&bytes).filter(|info| info.gone.is_none()) else { return };
        if self.watched.iter().any(|known| known.chunk == chunk) {
            return;
        }
        let number = Number { namespace: info.pid_namespace, pid: info.pid };
        let seen = clock::monotonic_at(pool, info.seen);
        if let Some(known) = self.watched.iter_mut().find(|known| known.number == number) {
            // An exec: the same process.
            (known.chunk, known.seen) = (chunk, seen);
            return;
        }
        let Some(pid) = number.here(&self.machine) else { return };
        let opened =
            rustix::process::Pid::from_raw(pid as i32).map(|pid| pidfd_open(pid, PidfdFlags::empty()));
        let pidfd = opened.and_then(Result::ok).filter(|_| self.machine.knows(pid, seen));
        self.watched.push(Watched { number, pid, chunk, seen, pidfd, zombie: false });
    }

    /// The watched processes that have ended, by index, and whether somebody has waited for them.
    fn over(&self) -> Vec<(usize, bool)> {
        let pidfds = self.watched.iter().filter_map(|watched| Some(watched.pidfd.as_ref()?.as_fd()));
        let mut fds: Vec<PollFd<'_>> = pidfds.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        let any = poll(&mut fds, PollTimeout::ZERO).is_ok_and(|count| count > 0);
        let mut events = fds.iter().map(|fd| fd.revents().filter(|_| any).unwrap_or(PollFlags::empty()));
        let over = |watched: &Watched| match watched.pidfd {
            Some(_) => {
                let events = events.next().unwrap_or(PollFlags::empty());
                (!events.is_empty(), events.contains(PollFlags::POLLHUP))
            }
            None => (!self.machine.has(watched.pid, watched.seen), true),
        };
        let over: Vec<(bool, bool)> = self.watched.iter().map(over).collect();
        over.into_iter()
            .enumerate()
            .filter(|(_, (over, _))| *over)
            .map(|(at, (_, reaped))| (at, reaped))
            .collect()
    }

    /// How a process ended, if anybody tells us.
    fn status(&self, watched: &Watched) -> Option<u32> {
        let pidfd = watched.pidfd.as_ref()?.as_fd();
        let reap = self.reaps.is_some_and(|other| other != watched.pid);
        let waited = || self.machine.exit_status(watched.pid, watched.seen);
        wait(pidfd, reap).or_else(waited).or_else(|| exit_info(pidfd))
    }
}

/// What waitid says of a child; of one that is not ours nothing. Stops are left to whoever traces.
fn wait(pidfd: BorrowedFd<'_>, reap: bool) -> Option<u32> {
    let options = libc::WEXITED | libc::WNOHANG | if reap { 0 } else { libc::WNOWAIT };
    // SAFETY: all zero is a siginfo_t.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: a siginfo_t of ours.
    let result = unsafe { libc::waitid(libc::P_PIDFD, pidfd.as_raw_fd() as u32, &raw mut info, options) };
    // SAFETY: waitid has filled in what belongs to SIGCHLD.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    if result != 0 || pid == 0 {
        return None;
    }
    as_waitpid(info.si_code, status)
}

/// The status of an end that waitid tells of, as waitpid gives it; `None`: no end.
pub(crate) fn as_waitpid(code: i32, status: i32) -> Option<u32> {
    const CORE: u32 = 0x80;
    let status = status as u32;
    match code {
        libc::CLD_EXITED => Some((status & 0xff) << 8),
        libc::CLD_KILLED => Some(status),
        libc::CLD_DUMPED => Some(status | CORE),
        _ => None,
    }
}

/// What the kernel tells whoever has a pidfd (include/uapi/linux/pidfd.h: struct pidfd_info).
fn exit_info(pidfd: BorrowedFd<'_>) -> Option<u32> {
    const PIDFD_INFO_EXIT: u64 = 1 << 3;
    /// `mask`, `cgroupid`, ten ids, `exit_code`: PIDFD_INFO_SIZE_VER0.
    #[repr(C)]
    struct Info {
        mask: u64,
        cgroup: u64,
        ids: [u32; 11],
        exit_code: i32,
    }
    nix::ioctl_readwrite!(pidfd_get_info, 0xff, 11, Info);
    const _: () = assert!(size_of::<Info>() == 64);
    let mut info = Info { mask: PIDFD_INFO_EXIT, cgroup: 0, ids: [0; 11], exit_code: 0 };
    // SAFETY: a struct of ours, of the size that the request carries.
    let told = unsafe { pidfd_get_info(pidfd.as_raw_fd(), &raw mut info) };
    (told.is_ok() && info.mask & PIDFD_INFO_EXIT != 0).then_some(info.exit_code as u32)
}
