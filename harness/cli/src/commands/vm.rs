//! `fencelab vm -- CMD`.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use fencelab_bench::protocol::{Exec, Exit, FromAgent, ToAgent};
use fencelab_bench::{Down, Incoming, Machine, Order};

use crate::args::VmArgs;
use crate::benches;
use crate::outcome::Outcome;

/// How long input may lie before it is passed on.
const PAUSE: Duration = Duration::from_millis(10);

/// What a shell answers for a command that it cannot start.
const NOT_STARTED: u8 = 127;

pub(crate) fn run(args: &VmArgs) -> Result<Outcome> {
    let mut chosen = benches::choose(&args.bench, &args.kernel, args.accel)?;
    if chosen.is_here {
        bail!("run a command in a guest: `local` is this machine");
    }
    let (sender, incoming) = mpsc::channel();
    let mut machine = chosen
        .bench
        .up(&Order::default(), sender, &mut |text| eprintln!("fencelab: {text}"))
        .context("bring the guest up")?;
    let cwd = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let exec = Exec { argv: args.command.clone(), env: environment(), cwd: cwd.display().to_string() };
    machine.send(&ToAgent::Exec(exec)).context("start the command")?;
    let status = follow(machine.as_mut(), &incoming, args.log);
    machine.down();
    status.map(Outcome::Theirs)
}

/// What the command gets of this environment: how to speak to its user, and no more.
fn environment() -> Vec<(String, String)> {
    std::env::vars().filter(|(name, _)| name == "TERM" || name == "LANG" || name.starts_with("LC_")).collect()
}

/// Passes streams until the command ends; its status, as a shell would give it.
fn follow(machine: &mut dyn Machine, incoming: &Receiver<Incoming>, log: bool) -> Result<u8> {
    let mut input = Some(read_input());
    loop {
        match incoming.recv_timeout(PAUSE) {
            Ok(Incoming::Agent(FromAgent::Output { fd, data })) => pass(fd, &data)?,
            Ok(Incoming::Agent(FromAgent::Exited { exit })) => return Ok(shell_status(exit)),
            Ok(Incoming::Agent(FromAgent::ExecFailed { error })) => {
                eprintln!("fencelab: failed to start the command: {error}");
                return Ok(NOT_STARTED);
            }
            Ok(Incoming::Klog(record)) if log => eprintln!("{}", dmesg_line(&record)),
            Ok(Incoming::Down(down)) => bail!("the guest went down: {}", in_words(&down)),
            Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => bail!("the guest went away"),
        }
        pass_input(machine, &mut input)?;
    }
}

fn pass(fd: u8, data: &[u8]) -> Result<()> {
    let written = match fd {
        1 => io::stdout().write_all(data).and_then(|()| io::stdout().flush()),
        _ => io::stderr().write_all(data),
    };
    written.context("pass the command's output on")
}

/// Reads standard input on a thread of its own, since it may never end.
fn read_input() -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::sync_channel(4);
    std::thread::spawn(move || {
        let mut buffer = [0; 16 << 10];
        while let Ok(n) = io::stdin().read(&mut buffer) {
            if sender.send(buffer[..n].to_vec()).is_err() || n == 0 {
                break;
            }
        }
    });
    receiver
}

/// Passes on what was read; an empty piece is the end of the input, said once.
fn pass_input(machine: &mut dyn Machine, input: &mut Option<Receiver<Vec<u8>>>) -> Result<()> {
    while let Some(data) = input.as_ref().and_then(|receiver| receiver.try_recv().ok()) {
        if data.is_empty() {
            *input = None;
        }
        machine.send(&ToAgent::Input { data }).context("pass input on")?;
    }
    Ok(())
}

fn shell_status(exit: Exit) -> u8 {
    match exit {
        Exit::Status(status) => u8::try_from(status & 0xff).unwrap_or(u8::MAX),
        Exit::Signal(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
    }
}

fn in_words(down: &Down) -> String {
    match down {
        Down::Clean => "it powered off".into(),
        Down::Panic { message } => format!("its kernel panicked: {message}"),
        Down::Silent { after_ms } => format!("it was silent for {after_ms} ms"),
        Down::Vanished { how } => format!("it vanished: {how}"),
    }
}

/// A kernel log record as dmesg prints it.
fn dmesg_line(record: &[u8]) -> String {
    let text = String::from_utf8_lossy(record);
    let (head, line) = text.split_once(';').unwrap_or(("", &text));
    let line = line.lines().next().unwrap_or_default();
    let micros: u64 = head.split(',').nth(2).and_then(|us| us.parse().ok()).unwrap_or(0);
    format!("[{:5}.{:06}] {line}", micros / 1_000_000, micros % 1_000_000)
}
