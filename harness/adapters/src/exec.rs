//! A case's process: runs the program, passes its output on, tells its result.

use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitCode, Stdio};
use std::thread;

use fencelab_events::Program;
use fencelab_suites::report::{Note, Reporter};

use crate::verdict::{Ended, judge};

/// How much of a program's output is kept for its verdict; all of it is passed on.
const KEPT: usize = 8 << 20;

/// Runs the program to its end and reports on `reporter`. A program that a signal ends has no result: this process then
/// ends without one too, which the harness sees as the crash that it is.
pub fn run(program: &Program, reporter: &Reporter) -> ExitCode {
    match start(program) {
        Ok(child) => match finish(child, reporter) {
            Ok(ended) => tell(program, &ended, reporter),
            Err(error) => broken(&format!("its output cannot be read: {error}")),
        },
        Err(error) => broken(&error),
    }
}

fn broken(why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::FAILURE
}

fn start(program: &Program) -> Result<Child, String> {
    let (name, args) = program.argv.split_first().ok_or("there is no program to run")?;
    let mut command = Command::new(name);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().map_err(|error| format!("failed to run {name}: {error}"))
}

/// What a program came to, and the signal that ended it.
struct Finished {
    ended: Ended,
    signal: Option<i32>,
}

fn finish(mut child: Child, reporter: &Reporter) -> io::Result<Finished> {
    // A report of the kernel that names the program's process belongs to this case.
    reporter.send(&Note::Thread { tid: i32::try_from(child.id()).unwrap_or(0) });
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let other = thread::spawn(move || stderr.map(|s: ChildStderr| pass_on(s, io::stderr())));
    let stdout = stdout.map(|s: ChildStdout| pass_on(s, io::stdout())).transpose()?;
    let stderr = other.join().map_err(|_| io::Error::other("the reader panicked"))?.transpose()?;
    let status = child.wait()?;
    let text = |bytes: Option<Vec<u8>>| String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
    let ended = Ended { status: status.code(), stdout: text(stdout), stderr: text(stderr) };
    Ok(Finished { ended, signal: status.signal() })
}

/// Copies a stream as it comes, and keeps its beginning.
fn pass_on(mut from: impl Read, mut to: impl Write) -> io::Result<Vec<u8>> {
    let (mut kept, mut piece) = (Vec::new(), [0; 16 << 10]);
    loop {
        let len = from.read(&mut piece)?;
        if len == 0 {
            return Ok(kept);
        }
        let room = KEPT.saturating_sub(kept.len()).min(len);
        kept.extend_from_slice(&piece[..room]);
        // Who no longer listens misses it; the program's result counts.
        let _ = to.write_all(&piece[..len]).and_then(|()| to.flush());
    }
}

fn tell(program: &Program, finished: &Finished, reporter: &Reporter) -> ExitCode {
    if let Some(signal) = finished.signal {
        let name = nix::sys::signal::Signal::try_from(signal).map_or("a signal", |s| s.as_str());
        return broken(&format!("the program was killed by {name}"));
    }
    let verdict = judge(program.adapter, &finished.ended);
    for part in verdict.parts {
        reporter.send(&Note::Subtest { name: part.name, outcome: part.outcome, reason: part.reason });
    }
    reporter.send(&Note::Done { outcome: verdict.outcome, reason: verdict.reason });
    ExitCode::SUCCESS
}
