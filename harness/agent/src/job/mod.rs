//! What the agent runs: a case, or any command. One at a time, each in a cell of its own.

mod case;
mod command;
mod pipes;
mod verdict;

use std::time::{Duration, Instant};

pub(crate) use case::{CaseJob, Start, refused};
pub(crate) use command::{CommandJob, PATH};
use fencelab_bench::protocol::{Exit, FromAgent};
use nix::poll::{PollFd, PollFlags};
use nix::sys::wait::WaitStatus;
use nix::unistd::Pid;

use crate::cell::Cell;
use crate::tasks;

/// After SIGKILL. A task that is still there then sleeps where no signal reaches it.
const KILL_LIMIT: Duration = Duration::from_secs(4);

/// The process of a job and all that it starts.
#[derive(Debug)]
pub(crate) struct Process {
    leader: Pid,
    cell: Cell,
    exit: Option<Exit>,
    killed: Option<Instant>,
}

impl Process {
    fn new(leader: Pid, cell: Cell) -> Self {
        Process { leader, cell, exit: None, killed: None }
    }

    /// A child of the agent ended. Whether it was the leader.
    pub(crate) fn reaped(&mut self, pid: Pid, status: WaitStatus) -> bool {
        if pid != self.leader {
            return false;
        }
        self.exit = match status {
            WaitStatus::Exited(_, code) => Some(Exit::Status(code)),
            WaitStatus::Signaled(_, signal, _) => Some(Exit::Signal(signal as i32)),
            _ => self.exit,
        };
        true
    }

    fn kill(&mut self, now: Instant) {
        if self.killed.is_none() {
            self.cell.kill();
            self.killed = Some(now);
        }
    }

    /// Without a cgroup a process that was being forked escapes the kill: it is killed when it shows.
    fn kill_again(&self) {
        if self.killed.is_some() && matches!(self.cell, Cell::Descendants) {
            self.cell.kill();
        }
    }

    fn is_over(&self) -> bool {
        self.exit.is_some() && self.cell.is_empty()
    }

    fn give_up_at(&self) -> Option<Instant> {
        self.killed.map(|at| at + KILL_LIMIT)
    }

    /// The tasks of the cell that live, in words.
    fn survivors(&self) -> Vec<String> {
        let threads = self.cell.processes().into_iter().flat_map(tasks::threads);
        let alive = threads.filter(|t| !matches!(t.state, 'Z' | 'X'));
        alive.map(|t| format!("{}/{} in state {} at {}", t.comm, t.tid, t.state, t.wchan)).collect()
    }
}

/// What runs.
#[derive(Debug)]
pub(crate) enum Job {
    /// A case.
    Case(Box<CaseJob>),
    /// A command.
    Command(Box<CommandJob>),
}

/// Where a job is at.
pub(crate) enum Step {
    /// It goes on.
    Running(Vec<FromAgent>),
    /// It is over; the last message says how.
    Over(Vec<FromAgent>),
}

impl Job {
    /// Its process.
    pub(crate) fn process(&mut self) -> &mut Process {
        match self {
            Job::Case(job) => &mut job.process,
            Job::Command(job) => &mut job.process,
        }
    }

    /// Takes what there is to take, and goes on as far as it can.
    pub(crate) fn advance(&mut self, now: Instant) -> Step {
        match self {
            Job::Case(job) => job.advance(now),
            Job::Command(job) => job.advance(now),
        }
    }

    /// Begins to end it.
    pub(crate) fn cancel(&mut self, now: Instant) {
        match self {
            Job::Case(job) => job.stop(verdict::Cut::Cancelled, now),
            Job::Command(job) => job.process.kill(now),
        }
    }

    /// When it wants to be advanced even if nothing happens.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self {
            Job::Case(job) => job.deadline(),
            Job::Command(job) => job.process.give_up_at(),
        }
    }

    /// What to wait for.
    pub(crate) fn waits_for(&self) -> Vec<PollFd<'_>> {
        let (process, mut fds) = match self {
            Job::Case(job) => (&job.process, job.waits_for()),
            Job::Command(job) => (&job.process, job.waits_for()),
        };
        // While the leader lives, SIGCHLD tells of its end. Only then is the file read, and only reading makes it quiet.
        // Only once the leader has ended: from then on each turn reads the file, which is what makes it quiet.
        if process.exit.is_some() {
            fds.extend(process.cell.events().map(|fd| PollFd::new(fd, PollFlags::POLLPRI)));
        }
        fds
    }

    /// Whether more input would only pile up.
    pub(crate) fn is_full(&self) -> bool {
        matches!(self, Job::Command(job) if job.is_full())
    }

    /// Kills it at once, with nobody there to be told, and waits a moment for its end.
    pub(crate) fn abandon(&mut self) {
        self.process().cell.empty(KILL_LIMIT);
    }
}
