//! `fencelab record -- CMD`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use anyhow::{Context, Result, bail};
use fencelab_record::{
    Entry, Error, Exit, Faults, Geometry, Mode, Options, Signals, obstacle, parse_faults, record,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use crate::args::{RecordArgs, WhenFull};
use crate::live::{Live, has_terminal};
use crate::outcome::Outcome;
use crate::{paths, recorded};

pub(crate) fn run(args: &RecordArgs) -> Result<Outcome> {
    let folder = args.output.clone().unwrap_or_else(|| Path::new(".").join(paths::new_folder("trace")));
    let mut options = Options::new(&folder);
    options.geometry = geometry(args)?;
    options.faults =
        args.fault.as_deref().map_or(Ok(Faults::default()), parse_faults).context("read --fault")?;
    options.entry = entry(args)?;
    options.signals = Some(pass_signals()?);
    let live = Live::new(args.live, options.faults);
    options.live = Some(live.observer());
    let recorded = record(options, &args.command);
    let passed = live.end();
    let outcome = match recorded {
        Ok(outcome) => outcome,
        Err(Error::Run { command, source }) => return Ok(cannot_run(&command, &source)),
        Err(error) => return Err(error).context("record the command"),
    };
    recorded::tell(&outcome, passed, &folder);
    Ok(Outcome::Theirs(shell_status(outcome.exit)))
}

fn geometry(args: &RecordArgs) -> Result<Geometry> {
    const MOST: u64 = 16 << 10;
    if !(1..=MOST).contains(&args.size) {
        bail!("read --size: {} MiB is not from 1 to {MOST}", args.size);
    }
    let mode = match args.mode {
        WhenFull::Flight => Mode::Flight,
        WhenFull::Stop => Mode::Stop,
    };
    Ok(Geometry { bytes: args.size << 20, mode, ..Geometry::default() })
}

/// The way in: as asked for; else by LD_PRELOAD, which every libc has and other preloads know how to live with, unless the
/// program has no ld.so that would take it.
fn entry(args: &RecordArgs) -> Result<Entry> {
    if args.raw || args.audit || args.preload {
        return Ok(if args.raw {
            Entry::Raw
        } else if args.audit {
            Entry::Audit
        } else {
            Entry::Preload
        });
    }
    let Some(program) = args.command.first().and_then(find) else { return Ok(Entry::Preload) };
    match obstacle(&program) {
        Some(fencelab_record::Reason::Static) => {
            eprintln!("fencelab: {} is linked statically: recording it as with --raw", program.display());
            Ok(Entry::Raw)
        }
        _ => Ok(Entry::Preload),
    }
}

/// A program as exec will find it.
fn find(name: &OsString) -> Option<PathBuf> {
    if name.as_bytes().contains(&b'/') {
        return Some(PathBuf::from(name));
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// SIGTERM and SIGHUP are meant for the command. So are SIGINT and SIGQUIT, but a terminal has sent it those itself. They do
/// not end the recorder: it ends when the command does. Handlers, unlike ignored signals, are not inherited.
fn pass_signals() -> Result<Signals> {
    let (sender, receiver) = mpsc::channel();
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGQUIT, SIGTERM, SIGHUP])
        .context("listen for signals")?;
    let from_terminal = has_terminal();
    std::thread::spawn(move || {
        for signal in signals.forever() {
            let reached = from_terminal && (signal == SIGINT || signal == SIGQUIT);
            if !reached && sender.send(signal).is_err() {
                break;
            }
        }
    });
    Ok(Box::new(move || receiver.try_recv().ok()))
}

/// As a shell says it, whose 126 and 127 no program's own status is taken for.
fn cannot_run(command: &str, error: &std::io::Error) -> Outcome {
    eprintln!("fencelab: failed to run {command}: {error}");
    Outcome::Theirs(if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 })
}

fn shell_status(exit: Exit) -> u8 {
    match exit {
        Exit::Code(code) => u8::try_from(code & 0xff).unwrap_or(u8::MAX),
        Exit::Signal(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
    }
}
