//! Any command, its streams forwarded.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Instant;

use fencelab_bench::protocol::{Exec, Exit, FromAgent};

use nix::poll::{PollFd, PollFlags};

use super::pipes::{self, Source};
use super::{Process, Step};
use crate::cell::Cell;
use crate::spawn::{Launch, look_up, spawn};

/// Input that may wait for the command to read it.
const INPUT: usize = 4 << 20;

/// Where programs are, unless the command's environment says otherwise.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A command that runs.
#[derive(Debug)]
pub(crate) struct CommandJob {
    pub(super) process: Process,
    stdin: Option<File>,
    input: VecDeque<u8>,
    input_ended: bool,
    stdout: Source,
    stderr: Source,
}

impl CommandJob {
    /// Starts it.
    ///
    /// # Errors
    /// When it is not found or cannot be run.
    pub(crate) fn start(exec: &Exec, cell: Cell) -> io::Result<Self> {
        let name = exec.argv.first().ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "no command"))?;
        let cwd = Path::new(&exec.cwd);
        let path = exec.env.iter().find(|(n, _)| n == "PATH").map_or(PATH, |(_, value)| value.as_str());
        let program = look_up(name, path, cwd)?;
        let (its_stdin, stdin) = pipes::to_job()?;
        let (stdout, its_stdout) = pipes::from_job()?;
        let (stderr, its_stderr) = pipes::from_job()?;
        let argv: Vec<OsString> = exec.argv.iter().map(OsString::from).collect();
        let leader = spawn(&Launch {
            program: &program,
            argv: &argv,
            env: &environment(&exec.env),
            cwd,
            fds: &[its_stdin.as_fd(), its_stdout.as_fd(), its_stderr.as_fd()],
            cgroup: cell.folder(),
        })?;
        Ok(CommandJob {
            process: Process::new(leader, cell),
            stdin: Some(stdin),
            input: VecDeque::new(),
            input_ended: false,
            stdout,
            stderr,
        })
    }

    /// Takes input for it; none at all is its end.
    pub(crate) fn input(&mut self, data: &[u8]) {
        self.input.extend(data);
        self.input_ended |= data.is_empty();
    }

    pub(super) fn is_full(&self) -> bool {
        self.input.len() > INPUT
    }

    pub(super) fn waits_for(&self) -> Vec<PollFd<'_>> {
        let read = [self.stdout.fd(), self.stderr.fd()].into_iter().flatten();
        let mut fds: Vec<_> = read.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        let write = self.stdin.as_ref().filter(|_| !self.input.is_empty());
        fds.extend(write.map(|file| PollFd::new(file.as_fd(), PollFlags::POLLOUT)));
        fds
    }

    pub(super) fn advance(&mut self, now: Instant) -> Step {
        self.feed();
        let mut messages = Vec::new();
        for (fd, source) in [(1, &mut self.stdout), (2, &mut self.stderr)] {
            source.take(|piece| messages.push(FromAgent::Output { fd, data: piece.to_vec() }));
        }
        self.process.kill_again();
        if let (Some(exit), true) = (self.process.exit, self.process.is_over()) {
            for (fd, source) in [(1, &mut self.stdout), (2, &mut self.stderr)] {
                source.take(|piece| messages.push(FromAgent::Output { fd, data: piece.to_vec() }));
            }
            messages.push(FromAgent::Exited { exit });
            return Step::Over(messages);
        }
        if self.process.exit.is_some() {
            self.process.kill(now);
        }
        if self.process.give_up_at().is_some_and(|at| now >= at) {
            let left = self.process.survivors().join(", ");
            messages.push(FromAgent::Warning {
                text: format!("the command left tasks that cannot be killed: {left}"),
            });
            messages
                .push(FromAgent::Exited { exit: self.process.exit.unwrap_or(Exit::Signal(libc::SIGKILL)) });
            return Step::Over(messages);
        }
        Step::Running(messages)
    }

    /// Gives it what it takes of its input.
    fn feed(&mut self) {
        while let (Some(stdin), false) = (&mut self.stdin, self.input.is_empty()) {
            match stdin.write(self.input.as_slices().0) {
                Ok(n) => drop(self.input.drain(..n)),
                Err(e) if e.kind() == ErrorKind::WouldBlock => return,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                // It reads no more.
                Err(_) => self.stdin = None,
            }
        }
        if self.input_ended {
            self.stdin = None;
        }
        // What comes for a closed pipe is nobody's.
        if self.stdin.is_none() {
            self.input.clear();
        }
    }
}

fn environment(given: &[(String, String)]) -> Vec<OsString> {
    let usual = [("PATH", PATH), ("HOME", "/root"), ("TERM", "dumb")];
    let missing = usual.into_iter().filter(|(name, _)| !given.iter().any(|(n, _)| n == name));
    let missing = missing.map(|(name, value)| format!("{name}={value}").into());
    given.iter().map(|(name, value)| format!("{name}={value}").into()).chain(missing).collect()
}
