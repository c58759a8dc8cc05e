//! The agent's loop: hears the runner, runs one job at a time, reaps whatever dies, says every second that it lives.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, FromRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use fencelab_bench::protocol::{Exec, FromAgent, Hello, Outcome, Run, Setup, ToAgent, VERSION};
use fencelab_suites::Device;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

use crate::case_process::{COVERAGE, PROGRAM};
use crate::cell::{Cell, Cells};
use crate::control::{Control, Heard};
use crate::doctor::{self, Findings};
use crate::fork_server::Forks;
use crate::job::{CaseJob, CommandJob, Job, Start, Step, refused};
use crate::kmsg::{self, Kmsg};
use crate::recorder::Recorder;
use crate::trace::Trace;
use crate::{clock, devices, lockdep};

/// How often the agent says that it lives.
const PULSE: Duration = Duration::from_secs(1);

/// What an agent has at hand.
pub(crate) struct Agent {
    pub(crate) control: Control,
    pub(crate) setup: Setup,
    pub(crate) kmsg: Option<Kmsg>,
    pub(crate) cells: Cells,
    /// What runs a case: the program and its first arguments.
    pub(crate) case_argv: Vec<OsString>,
    /// What a case's environment is.
    pub(crate) env: Vec<OsString>,
    /// What records the cases.
    pub(crate) recorder: Option<Recorder>,
    /// What forks for each case.
    pub(crate) forks: Forks,
}

/// Waits that are to be done.
enum Waiting {
    Case(Run),
    Command(Exec),
}

/// Runs the agent on this machine, over standard input and output.
///
/// # Errors
/// When the runner never says what is to be set up, or something that every machine has is missing.
pub(crate) fn on_stdio(
    case_program: Option<OsString>,
    klog: Option<RawFd>,
    trace: Option<RawFd>,
) -> io::Result<()> {
    // Before any thread starts, so that it holds in all of them.
    let children = children()?;
    let mut control = Control::new(owned(0).into(), owned(1).into());
    let setup = first_message(&mut control)?;
    let kmsg = klog.map(|fd| Kmsg::start(File::from(owned(fd)), kmsg::From::Now));
    let trace = trace.map(|fd| Trace::start(File::from(owned(fd))));
    let (cells, no_cells) = Cells::find();
    let failure = |error: &io::Error| error.to_string();
    let forks = Forks::new(case_program.is_none());
    let case_argv = case_argv(case_program, std::env::current_exe()?.into());
    let kmsg_error = kmsg.as_ref().and_then(|k| k.as_ref().err()).map(failure);
    let trace_error = trace.as_ref().and_then(|t| t.as_ref().err()).map(failure);
    let env = std::env::vars_os().map(|(name, value)| [name, "=".into(), value].into_iter().collect());
    let mut trouble = Vec::new();
    let recorder = start_recorder(&setup, &mut trouble);
    let kmsg = kmsg.and_then(Result::ok);
    let mut agent = Agent { control, setup, kmsg, cells, case_argv, env: env.collect(), recorder, forks };
    let hello = agent.hello(kmsg_error, trace_error, no_cells, &trouble)?;
    agent.control.send(&FromAgent::Hello(Box::new(hello)))?;
    agent.serve(&children);
    Ok(())
}

/// Begins to record where that was asked for; why it cannot be goes to `trouble`, and the cases run all the same.
pub(crate) fn start_recorder(setup: &Setup, trouble: &mut Vec<String>) -> Option<Recorder> {
    Recorder::start(&setup.record).unwrap_or_else(|why| {
        trouble.push(why);
        None
    })
}

/// Says what is here on standard output, and leaves.
///
/// # Errors
/// When the devices cannot be listed or nobody listens.
pub(crate) fn scan() -> io::Result<()> {
    let kmsg = File::open("/dev/kmsg").err().map(|error| error.to_string());
    let findings =
        Findings { kmsg, callers: None, trace: None, cells: None, lockdep: lockdep::state(), trouble: &[] };
    let hello = greeting(&[], doctor::examine(&findings), false)?;
    fencelab_bench::frame::send(&mut io::stdout(), &FromAgent::Hello(Box::new(hello)))
}

/// What a case is run by.
pub(crate) fn case_argv(case_program: Option<OsString>, own: OsString) -> Vec<OsString> {
    match case_program {
        Some(program) => vec![program],
        None => vec![own, "case-exec".into()],
    }
}

/// A descriptor that this process was started with.
fn owned(fd: RawFd) -> OwnedFd {
    // SAFETY: the bench passes each of these descriptors for one use, and each is taken once.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Has the ends of children told through a descriptor.
///
/// # Errors
/// The kernel's.
pub(crate) fn children() -> io::Result<SignalFd> {
    let mut mask = SigSet::empty();
    mask.add(Signal::SIGCHLD);
    mask.thread_block()?;
    Ok(SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?)
}

/// Waits for the runner's first message.
///
/// # Errors
/// When it is another, or the stream ends.
pub(crate) fn first_message(control: &mut Control) -> io::Result<Setup> {
    loop {
        match control.read() {
            Heard::End => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the runner is gone")),
            Heard::Messages(messages) => match messages.into_iter().next() {
                Some(ToAgent::Setup(setup)) => return Ok(setup),
                Some(_) => return Err(io::Error::other("the runner did not begin with the setup")),
                None => {}
            },
        }
    }
}

fn greeting(
    described: &[fencelab_bench::protocol::Device],
    doctor: Vec<String>,
    recorded: bool,
) -> io::Result<Hello> {
    let read = |path: &str| fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default();
    Ok(Hello {
        version: VERSION,
        release: read("/proc/sys/kernel/osrelease"),
        boot_id: read("/proc/sys/kernel/random/boot_id"),
        devices: devices::scan(described)?.iter().map(devices::described).collect(),
        doctor,
        lockdep: lockdep::state(),
        recorded,
        monotonic_us: clock::monotonic_us(),
        realtime_us: clock::realtime_us(),
    })
}

impl Agent {
    /// What this machine is. Writes a line into the kernel log, to see whether it names its caller.
    ///
    /// # Errors
    /// When the devices cannot be listed.
    pub(crate) fn hello(
        &self,
        kmsg: Option<String>,
        trace: Option<String>,
        cells: Option<String>,
        trouble: &[String],
    ) -> io::Result<Hello> {
        let callers = self.kmsg.as_ref().map(|log| {
            kmsg::say("agent is up");
            log.drain();
            log.names_callers()
        });
        let findings = Findings { kmsg, callers, trace, cells, lockdep: lockdep::state(), trouble };
        greeting(&self.setup.devices, doctor::examine(&findings), self.recorder.is_some())
    }

    /// Serves until the runner says to end or goes away. Nothing of a job is left when this returns.
    pub(crate) fn serve(&mut self, children: &SignalFd) {
        let mut job: Option<Job> = None;
        // An error means that the runner is gone; there is nobody to tell.
        let _ = self.turn(&mut job, children);
        if let Some(mut job) = job {
            job.abandon();
        }
    }

    fn turn(&mut self, job: &mut Option<Job>, children: &SignalFd) -> io::Result<()> {
        let mut waiting: VecDeque<Waiting> = VecDeque::new();
        let mut pulse = Instant::now() + PULSE;
        loop {
            let heard = self.wait(job.as_ref(), children, pulse)?;
            for message in heard {
                if !self.obey(message, job, &mut waiting)? {
                    return Ok(());
                }
            }
            reap(children, job.as_mut(), self.recorder.as_mut());
            self.advance(job)?;
            while job.is_none() {
                let Some(next) = waiting.pop_front() else { break };
                *job = self.begin(next)?;
            }
            if Instant::now() >= pulse {
                self.control.send(&FromAgent::Alive)?;
                self.recorder.iter_mut().for_each(Recorder::tend);
                pulse = Instant::now() + PULSE;
            }
        }
    }

    /// Waits until something happens or is due; what the runner said.
    fn wait(&mut self, job: Option<&Job>, children: &SignalFd, pulse: Instant) -> io::Result<Vec<ToAgent>> {
        let until = job.and_then(Job::deadline).map_or(pulse, |due| due.min(pulse));
        let listens = !job.is_some_and(Job::is_full);
        let control = if listens { PollFlags::POLLIN } else { PollFlags::empty() };
        let mut fds =
            vec![PollFd::new(self.control.fd(), control), PollFd::new(children.as_fd(), PollFlags::POLLIN)];
        fds.extend(job.map(Job::waits_for).unwrap_or_default());
        // Rounded up, so that what is due is due on waking.
        let left = until.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
        match poll(&mut fds, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let spoken = fds[0].any().unwrap_or(false);
        drop(fds);
        if !spoken {
            return Ok(Vec::new());
        }
        match self.control.read() {
            Heard::Messages(messages) => Ok(messages),
            Heard::End => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Does what the runner says. False: it said to end.
    fn obey(
        &mut self,
        message: ToAgent,
        job: &mut Option<Job>,
        waiting: &mut VecDeque<Waiting>,
    ) -> io::Result<bool> {
        match message {
            ToAgent::Setup(_) => {
                self.control.send(&FromAgent::Warning { text: "a second setup was passed over".into() })?;
            }
            ToAgent::Run(run) => waiting.push_back(Waiting::Case(run)),
            ToAgent::Exec(exec) => waiting.push_back(Waiting::Command(exec)),
            ToAgent::Cancel => {
                if let Some(job) = job {
                    job.cancel(Instant::now());
                }
            }
            ToAgent::Input { data } => {
                // A command may be waiting for its turn: it begins before its input comes.
                while job.is_none() {
                    let Some(next) = waiting.pop_front() else { break };
                    *job = self.begin(next)?;
                }
                if let Some(Job::Command(command)) = job {
                    command.input(&data);
                }
            }
            ToAgent::Lockdep => self.control.send(&FromAgent::Lockdep(lockdep::state()))?,
            ToAgent::Contract => self.control.send(&lockdep::contract())?,
            ToAgent::Shutdown => return Ok(false),
        }
        Ok(true)
    }

    fn advance(&mut self, job: &mut Option<Job>) -> io::Result<()> {
        let Some(running) = job else { return Ok(()) };
        let is_case = matches!(running, Job::Case(_));
        let messages = match running.advance(Instant::now()) {
            Step::Running(messages) => messages,
            Step::Over(mut messages) => {
                *job = None;
                let unseen = self.recorder.as_mut().filter(|_| is_case).and_then(Recorder::case_ended);
                // Before the last message, which ends the case.
                let last = messages.len().saturating_sub(1);
                messages.splice(last..last, unseen.map(|text| FromAgent::Warning { text }));
                messages
            }
        };
        messages.iter().try_for_each(|message| self.control.send(message))
    }

    fn begin(&mut self, next: Waiting) -> io::Result<Option<Job>> {
        match next {
            Waiting::Case(run) => self.begin_case(&run),
            Waiting::Command(exec) => match CommandJob::start(&exec, self.cell()) {
                Ok(command) => Ok(Some(Job::Command(Box::new(command)))),
                Err(error) => {
                    let name = exec.argv.first().map_or("", String::as_str);
                    self.control.send(&FromAgent::ExecFailed { error: format!("run {name}: {error}") })?;
                    Ok(None)
                }
            },
        }
    }

    /// Where the next job lives. Where that is no cgroup, it is all that descends from this process, and nothing else may.
    fn cell(&mut self) -> Cell {
        let cell = self.cells.make();
        if cell.folder().is_none() {
            self.forks.stop();
        }
        cell
    }

    fn begin_case(&mut self, run: &Run) -> io::Result<Option<Job>> {
        // Looked up for each case: an earlier one may have loaded or unloaded a driver.
        let devices = devices::scan(&self.setup.devices)?;
        let devices = match devices::select(&devices, &run.devices) {
            Ok(devices) => devices,
            Err(missing) => {
                let reason = format!("the device {missing} is not here");
                self.control.send(&refused(run.id, Outcome::Skip, reason))?;
                return Ok(None);
            }
        };
        let cell = self.cell();
        let recorded = self.recorder.as_ref().map(|recorder| recorder.environment(&self.env));
        let mut env = recorded.unwrap_or_else(|| self.env.clone());
        let may_fork = run.program.is_none() && run.env.is_empty() && cell.folder().is_some();
        let is_forked = may_fork && self.forks.are_ready(&self.case_argv, &env);
        self.recorder.iter_mut().for_each(|recorder| recorder.case_begins(is_forked));
        env.extend(run.env.iter().map(|(name, value)| format!("{name}={value}").into()));
        let (program, arguments) = (&self.case_argv, arguments(run, &devices)?);
        let forks = is_forked.then_some(&mut self.forks);
        match CaseJob::start(run, Start { forks, program, arguments, env }, cell, self.kmsg.clone()) {
            Ok((job, started)) => {
                self.control.send(&FromAgent::Started(started))?;
                Ok(Some(Job::Case(Box::new(job))))
            }
            Err(error) => {
                let reason = format!("its process cannot be started: {error}");
                self.control.send(&refused(run.id, Outcome::Crash, reason))?;
                Ok(None)
            }
        }
    }
}

/// What a case's process is told behind the program's own arguments.
fn arguments(run: &Run, devices: &[Device]) -> io::Result<Vec<String>> {
    if let Some(program) = &run.program {
        return Ok(vec![PROGRAM.into(), serde_json::to_string(program)?]);
    }
    let mut arguments = vec![run.suite.clone(), run.name.clone(), serde_json::to_string(devices)?];
    arguments.extend(run.coverage.then(|| COVERAGE.into()));
    Ok(arguments)
}

/// Waits for every child that has ended, ours and the orphans that came to us.
fn reap(children: &SignalFd, mut job: Option<&mut Job>, mut recorder: Option<&mut Recorder>) {
    while let Ok(Some(_)) = children.read_signal() {}
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) | Err(_) => return,
            Ok(status) => {
                if let (Some(recorder), Some((pid, status))) = (recorder.as_deref_mut(), ended(&status)) {
                    recorder.process_ended(pid, status);
                }
                if let (Some(job), Some(pid)) = (job.as_deref_mut(), status.pid()) {
                    job.process().reaped(pid, status);
                }
            }
        }
    }
}

/// A process that has ended, with its status as waitpid gives it.
fn ended(status: &WaitStatus) -> Option<(u32, u32)> {
    const CORE: u32 = 0x80;
    let (pid, status) = match *status {
        WaitStatus::Exited(pid, code) => (pid, (code as u32 & 0xff) << 8),
        WaitStatus::Signaled(pid, signal, core) => (pid, signal as u32 | if core { CORE } else { 0 }),
        _ => return None,
    };
    Some((u32::try_from(pid.as_raw()).ok()?, status))
}
