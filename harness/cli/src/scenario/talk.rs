//! A scenario's program as it runs: it says when nothing moves, and is asked to go on as long as that may still change.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

use anyhow::{Context, Result};

/// What the program says where nothing has moved for [`QUIET_MS`] (`waits_on()` in scenario's runtime.c).
const STILL: &str = "nothing moves";

/// For how long nothing must have moved: a little more than the second that the analyser wants of a wait.
const QUIET_MS: &str = "1200";

/// How it ended.
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    /// What it printed.
    pub(super) said: String,
    /// What it complained of, line by line.
    pub(super) complaints: String,
}

impl Ended {
    /// Its exit status, in the manner of a shell.
    pub(super) fn code(&self) -> Option<i32> {
        self.status.code().or(self.status.signal().map(|signal| 128 + signal))
    }
}

/// Starts the program.
pub(super) fn start(program: &str) -> Result<Child> {
    let mut command = Command::new(program);
    command.args(["--ask", QUIET_MS]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().with_context(|| format!("run {program}"))
}

/// Hears it to its end. Whenever nothing moves, `goes_on` says whether to wait on.
pub(super) fn hear(mut child: Child, goes_on: &mut dyn FnMut() -> Result<bool>) -> Result<Ended> {
    let mut answers = child.stdin.take();
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let complaints = std::thread::spawn(move || err.map_or_else(String::new, |err| all(BufReader::new(err))));
    let mut said = String::new();
    for line in out.map(BufReader::new).into_iter().flat_map(BufRead::lines) {
        let line = line.context("read what the scenario's program says")?;
        if line == STILL {
            answer(&mut answers, goes_on()?);
        } else {
            said += &line;
            said.push('\n');
        }
    }
    drop(answers);
    let status = child.wait().context("wait for the scenario's program")?;
    Ok(Ended { status, said, complaints: complaints.join().unwrap_or_default() })
}

/// A byte has it wait on, the end of its input has it let everybody go. One that is gone by now hears neither.
fn answer(answers: &mut Option<ChildStdin>, goes_on: bool) {
    let heard = goes_on && answers.as_mut().is_some_and(|to| to.write_all(b"\n").is_ok());
    if !heard {
        *answers = None;
    }
}

fn all(reader: impl BufRead) -> String {
    let lines = reader.lines().map_while(Result::ok);
    lines.map(|line| line + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Child {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    #[test]
    fn it_is_asked_to_go_on_until_it_is_not() {
        let script =
            "until ! { echo nothing moves; read -r answer; }; do :; done; echo stuck; echo why >&2; exit 1";
        let mut asked = 0;
        let ended = hear(shell(script), &mut || {
            asked += 1;
            Ok(asked < 3)
        });
        let ended = ended.unwrap();
        assert_eq!((asked, ended.code()), (3, Some(1)));
        assert_eq!((ended.said.as_str(), ended.complaints.as_str()), ("stuck\n", "why\n"));
    }

    #[test]
    fn one_that_comes_to_its_end_is_not_asked() {
        let ended = hear(shell("echo done"), &mut || panic!("asked")).unwrap();
        assert_eq!((ended.code(), ended.said.as_str()), (Some(0), "done\n"));
    }
}
