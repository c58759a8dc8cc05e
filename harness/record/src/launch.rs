//! Running a command under the recorder.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::Duration;

use fencelab_abi::SESSION_VARIABLE;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Pid;
use rustix::process::{PidfdFlags, pidfd_open};

use crate::ends::Ends;
use crate::keeper::Keeper;
use crate::raw::{self, Image, Requests, Tracer};
use crate::session::chained;
use crate::{Error, Faults, Geometry, Recorded, Session, Status, Unseen};

/// Between two looks at the session.
const TICK: Duration = Duration::from_millis(100);
/// Between two looks at whether the command has ended.
const WAIT: Duration = Duration::from_millis(5);

/// How the shim gets into programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Entry {
    /// LD_PRELOAD: every libc; misses RTLD_DEEPBIND, dlmopen and dlsym on a library's handle.
    #[default]
    Preload,
    /// LD_AUDIT: sees those too; glibc 2.35 and newer.
    Audit,
    /// Syscall User Dispatch: sees every system call of every program, at some 1.5 us each; Linux 5.11 and newer.
    Raw,
}

/// Called about twice a second while the command runs.
pub type LiveStatus = Box<dyn FnMut(&Status) + Send>;

/// Asked some hundred times a second: a signal to pass on to the command.
pub type Signals = Box<dyn FnMut() -> Option<i32> + Send>;

/// How to record.
pub struct Options {
    /// The session folder.
    pub folder: PathBuf,
    /// How large the trace may get.
    pub geometry: Geometry,
    /// How the shim gets in.
    pub entry: Entry,
    /// What to do wrong: nothing, unless somebody asks.
    pub faults: Faults,
    /// Environment of the command, beside this process's own.
    pub environment: Vec<(OsString, OsString)>,
    /// What to tell while it runs.
    pub live: Option<LiveStatus>,
    /// Signals that were sent to this process and are meant for the command.
    pub signals: Option<Signals>,
}

impl Options {
    /// A flight recorder by LD_PRELOAD into that folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            geometry: Geometry::default(),
            entry: Entry::default(),
            faults: Faults::default(),
            environment: Vec::new(),
            live: None,
            signals: None,
        }
    }
}

/// How the command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// With that code.
    Code(i32),
    /// By that signal.
    Signal(i32),
}

impl Exit {
    /// From a status as waitpid gives it.
    fn decode(status: u32) -> Self {
        let status = status as i32;
        // nix has no word for the end by a real-time signal.
        if libc::WIFSIGNALED(status) {
            Self::Signal(libc::WTERMSIG(status))
        } else {
            Self::Code(libc::WEXITSTATUS(status))
        }
    }
}

/// Waits for a child. Its status as waitpid gives it; `None`: another thread has waited for it.
fn wait(pid: u32) -> Option<u32> {
    let mut status = 0;
    // SAFETY: an int of ours.
    let got = unsafe { libc::waitpid(pid as i32, &raw mut status, 0) };
    (got == pid as i32).then_some(status as u32)
}

/// A process, to be looked at without waiting for it.
struct Process(Option<OwnedFd>);

impl Process {
    fn open(pid: u32) -> Self {
        let pid = rustix::process::Pid::from_raw(pid as i32);
        Self(pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()))
    }

    /// Whether it has ended. Without a pidfd (Linux before 5.3) that cannot be told.
    fn has_ended(&self) -> bool {
        let ready = |fd| poll(&mut [PollFd::new(fd, PollFlags::POLLIN)], PollTimeout::ZERO);
        self.fd().is_none_or(|fd| ready(fd).is_ok_and(|count| count > 0))
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.0.as_ref().map(AsFd::as_fd)
    }
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// How the command ended.
    pub exit: Exit,
    /// Whether the shim got into the command's first process.
    pub loaded: bool,
    /// What was recorded.
    pub status: Status,
    /// The same, process by process, in order of first sight.
    pub recorded: Vec<Recorded>,
    /// Processes that ran unrecorded, and why.
    pub unseen: Vec<Unseen>,
}

/// Records a command until it ends. Its children that are still running then go on being recorded, but nobody looks any more.
///
/// # Errors
///
/// When the session cannot be made or the command cannot be started: before anything of it ran.
pub fn record(options: Options, command: &[OsString]) -> Result<Outcome, Error> {
    let mut session = Session::create(&options.folder, options.geometry, options.faults)?;
    // Children of the command that outlive their parent stay below this process, where they can be told from others.
    let _ = nix::sys::prctl::set_child_subreaper(true);
    let (child, tracer) = match begin(&session, &options, command) {
        Ok(begun) => begun,
        Err(error) => {
            session.discard();
            return Err(error);
        }
    };
    let pid = child.id();
    session.ends = Ends::reaping_all_but(pid);
    let mut keeper = Keeper::new(session, options.live);
    let status = watch(&child, &mut keeper, options.signals);
    let traced = tracer.map(Tracer::end).unwrap_or_default();
    let status = status.or_else(|| traced.ended.get(&pid).copied());
    if let Some(status) = status {
        keeper.ended(pid, status);
    }
    let exit = status.map_or(Exit::Code(-1), Exit::decode);
    let loaded = keeper.saw(pid);
    let program = command.first().map(PathBuf::from);
    let (status, recorded, mut unseen) = keeper.finish(pid, program);
    for unseen in &mut unseen {
        unseen.reason = traced.refused.get(&unseen.pid).copied().unwrap_or(unseen.reason);
    }
    Ok(Outcome { exit, loaded, status, recorded, unseen })
}

/// Starts the command, and before it whoever brings the shim in from outside.
fn begin(
    session: &Session,
    options: &Options,
    command: &[OsString],
) -> Result<(Child, Option<Tracer>), Error> {
    if options.entry != Entry::Raw {
        return Ok((start(session, options, command, None)?, None));
    }
    let (tracer, requests) = trace(session)?;
    let child = start(session, options, command, Some(requests))?;
    tracer.reap();
    Ok((child, Some(tracer)))
}

/// Starts the thread that brings the shim into programs from outside.
fn trace(session: &Session) -> Result<(Tracer, Arc<Requests>), Error> {
    if !raw::is_supported() {
        return Err(Error::Dispatch);
    }
    let image = Image::new(crate::shim::OBJECT).map_err(|error| Error::Image(error.to_string()))?;
    let pool = session.folder().join(fencelab_abi::POOL_FILE);
    let requests = Arc::new(Requests::open(&pool).map_err(Error::write(&pool))?);
    Ok((Tracer::start(Arc::clone(&requests), image, session.folder()), requests))
}

fn start(
    session: &Session,
    options: &Options,
    command: &[OsString],
    requests: Option<Arc<Requests>>,
) -> Result<Child, Error> {
    let (program, arguments) =
        command.split_first().map_or((OsStr::new(""), &[][..]), |(first, rest)| (first, rest));
    let mut run = Command::new(program);
    run.args(arguments).envs(options.environment.iter().cloned());
    if let Some(requests) = requests {
        let ask = move || {
            requests.ask();
            Ok(())
        };
        // SAFETY: between fork and exec it uses atomics and makes system calls, nothing else.
        unsafe { run.pre_exec(ask) };
    } else {
        preload(&mut run, session, options);
    }
    run.spawn().map_err(|source| Error::Run { command: program.to_string_lossy().into_owned(), source })
}

/// Has ld.so load the shim.
fn preload(run: &mut Command, session: &Session, options: &Options) {
    let variable = if options.entry == Entry::Audit { "LD_AUDIT" } else { "LD_PRELOAD" };
    let given = options.environment.iter().find(|(name, _)| name == variable).map(|(_, value)| value.clone());
    let before = given.or_else(|| std::env::var_os(variable));
    run.env(SESSION_VARIABLE, session.folder()).env(variable, chained(session.shim(), before));
}

/// Sends the command a signal. One that has ended, or that the user may not signal, needs none.
fn pass_on(child: &Child, signal: i32) {
    let signal = nix::sys::signal::Signal::try_from(signal);
    let _ = signal.and_then(|signal| nix::sys::signal::kill(Pid::from_raw(child.id() as i32), signal));
}

/// Waits for the command, and lets the keeper look meanwhile.
///
/// A wait for a child would take a stop of its that is the tracing thread's to wait for; so it is not waited for before it has
/// ended. Its status as waitpid gives it; `None`: the tracing thread was quicker.
fn watch(child: &Child, keeper: &mut Keeper, mut signals: Option<Signals>) -> Option<u32> {
    let process = Process::open(child.id());
    let mut ticks = 0;
    loop {
        if let Some(signal) = signals.as_mut().and_then(|signals| signals()) {
            pass_on(child, signal);
        }
        if ticks % (TICK.as_millis() / WAIT.as_millis()) == 0 {
            keeper.tick();
        }
        ticks += 1;
        keeper.wait(process.fd(), WAIT);
        if process.has_ended() {
            return wait(child.id());
        }
    }
}
