//! Running a command under the recorder.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

use fencelab_abi::SESSION_VARIABLE;

use crate::keeper::Keeper;
use crate::session::chained;
use crate::{Error, Faults, Geometry, Session, Status, Unseen};

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
}

/// Called about twice a second while the command runs.
pub type LiveStatus = Box<dyn FnMut(&Status) + Send>;

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

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// How the command ended.
    pub exit: Exit,
    /// Whether the shim got into the command's first process.
    pub loaded: bool,
    /// What was recorded.
    pub status: Status,
    /// Processes that ran unrecorded, and why.
    pub unseen: Vec<Unseen>,
}

/// Records a command until it ends. Its children that are still running then go on being recorded, but nobody looks any more.
///
/// # Errors
///
/// When the session cannot be made or the command cannot be started: before anything of it ran.
pub fn record(options: Options, command: &[OsString]) -> Result<Outcome, Error> {
    let session = Session::create(&options.folder, options.geometry, options.faults)?;
    // Children of the command that outlive their parent stay below this process, where they can be told from others.
    let _ = nix::sys::prctl::set_child_subreaper(true);
    let mut child = start(&session, &options, command)?;
    let pid = child.id();
    let mut keeper = Keeper::new(session, options.live);
    let exit = watch(&mut child, &mut keeper);
    let loaded = keeper.saw(pid);
    let program = command.first().map(PathBuf::from);
    let (status, unseen) = keeper.finish(pid, program);
    Ok(Outcome { exit, loaded, status, unseen })
}

fn start(session: &Session, options: &Options, command: &[OsString]) -> Result<Child, Error> {
    let (program, arguments) =
        command.split_first().map_or((OsStr::new(""), &[][..]), |(first, rest)| (first, rest));
    let variable = match options.entry {
        Entry::Preload => "LD_PRELOAD",
        Entry::Audit => "LD_AUDIT",
    };
    let mut run = Command::new(program);
    run.args(arguments).envs(options.environment.iter().cloned());
    let given = options.environment.iter().find(|(name, _)| name == variable).map(|(_, value)| value.clone());
    let before = given.or_else(|| std::env::var_os(variable));
    run.env(SESSION_VARIABLE, session.folder()).env(variable, chained(session.shim(), before));
    run.spawn().map_err(|source| Error::Run { command: program.to_string_lossy().into_owned(), source })
}

/// Waits for the command, and lets the keeper look meanwhile.
fn watch(child: &mut Child, keeper: &mut Keeper) -> Exit {
    let mut ticks = 0;
    loop {
        if ticks % (TICK.as_millis() / WAIT.as_millis()) == 0 {
            keeper.tick();
        }
        ticks += 1;
        match child.try_wait() {
            Ok(Some(status)) => {
                let signal = || Exit::Signal(status.signal().unwrap_or_default());
                return status.code().map_or_else(signal, Exit::Code);
            }
            Ok(None) => std::thread::sleep(WAIT),
            Err(_) => return Exit::Code(-1),
        }
    }
}
