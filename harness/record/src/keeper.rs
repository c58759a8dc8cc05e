//! What is done while the command runs: clock pairs, the live line, a look at the processes, chunks of dead threads.

use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::launch::LiveStatus;
use crate::numbers::{Entered, Number};
use crate::processes::{self, Recorded};
use crate::session::Session;
use crate::status::Status;
use crate::tree;
use crate::unseen::{Account, Unseen};

/// Between two clock pairs.
const MARK: Duration = Duration::from_secs(1);
/// Between two live lines.
const LIVE: Duration = Duration::from_millis(500);

pub(crate) struct Keeper {
    session: Session,
    live: Option<LiveStatus>,
    marked: Instant,
    shown: Instant,
    /// Processes that /proc has shown.
    met: BTreeMap<u32, Met>,
}

/// A process that /proc has shown.
#[derive(Default)]
struct Met {
    /// Its newest program.
    exe: Option<PathBuf>,
    /// How often it was shown.
    times: u32,
    /// What it is called where it runs; `None`: as here.
    number: Option<Number>,
}

impl Keeper {
    pub(crate) fn new(session: Session, live: Option<LiveStatus>) -> Self {
        let now = Instant::now();
        Self { session, live, marked: now, shown: now, met: BTreeMap::new() }
    }

    /// Waits for that fd, or until a process ends, for that long at most; then notes which ends there are.
    pub(crate) fn wait(&mut self, fd: Option<BorrowedFd<'_>>, time: Duration) {
        let mut fds: Vec<PollFd<'_>> = fd
            .into_iter()
            .chain(self.session.ends.fds())
            .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
            .collect();
        // What has happened is looked at anyway.
        let _ = poll(&mut fds, PollTimeout::try_from(time).unwrap_or(PollTimeout::ZERO));
        drop(fds);
        self.session.look_for_ends();
    }

    /// To be called about ten times a second.
    pub(crate) fn tick(&mut self) {
        for process in tree::descendants(std::process::id()) {
            let new = || Met { number: Number::of(process.pid), ..Met::default() };
            let met = self.met.entry(process.pid).or_insert_with(new);
            met.times += 1;
            met.exe = process.exe.or_else(|| met.exe.take());
        }
        if self.marked.elapsed() >= MARK {
            self.marked = Instant::now();
            // A full disk costs precision: the pool's header still has the newest pair.
            let _ = self.session.mark();
        }
        if let Some(live) = self.live.as_mut().filter(|_| self.shown.elapsed() >= LIVE) {
            self.shown = Instant::now();
            live(&Status::of(&self.session.pool));
        }
        self.session.pool.reclaim();
    }

    /// The last look: what was recorded, and what was not. `root` is the command's first process, started from `program`:
    /// it may be too short to be met.
    pub(crate) fn finish(
        mut self,
        root: u32,
        program: Option<PathBuf>,
    ) -> (Status, Vec<Recorded>, Vec<Unseen>) {
        self.session.look_for_ends();
        let _ = self.session.mark();
        let met = self.met.entry(root).or_default();
        met.exe = met.exe.take().or(program);
        let account = Account::of(&self.session.pool);
        let mut unseen = account.missing();
        let entered = Entered::of(&self.session.pool);
        let known = |unseen: &[Unseen], pid| unseen.iter().any(|unseen: &Unseen| unseen.pid == pid);
        // One look may have met a process between its start and its entry in the pool.
        const SURE: u32 = 2;
        for (&pid, met) in &self.met {
            let sure = met.times >= SURE || pid == root;
            // Records call a process what its own namespace calls it; a user looks for it under the number that it has here.
            let number = met.number.unwrap_or(Number { namespace: 0, pid });
            if sure && !entered.has(number) && !known(&unseen, number.pid) {
                let program = met.exe.as_deref();
                unseen.push(Unseen { pid, ..account.unseen(number.pid, program, false) });
            }
        }
        (Status::of(&self.session.pool), processes::of(&self.session.pool), unseen)
    }

    /// The command's first process has ended, with that status as waitpid gives it.
    pub(crate) fn ended(&mut self, pid: u32, status: u32) {
        self.session.process_ended(pid, status);
    }

    /// Whether the shim got into the command itself.
    pub(crate) fn saw(&self, pid: u32) -> bool {
        Account::of(&self.session.pool).has(pid)
    }
}
