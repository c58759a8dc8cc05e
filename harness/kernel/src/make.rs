//! Runs the programs of a build, with one log for all of them.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::pipe::{PipeFlags, pipe_with};

use crate::error::{Error, IoContext, Reason};
use crate::first_error::first_error;
use crate::progress::Phase;

/// The log of one build, and what its programs have as standard input.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    file: File,
    input: File,
}

impl Log {
    /// Starts an empty log, replacing that of an earlier build. Every program gets `input`, which should be empty.
    pub(crate) fn create(path: PathBuf, input: File) -> Result<Log, Error> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).doing("create", folder)?;
        }
        let file = File::create(&path).doing("create", &path)?;
        Ok(Log { path, file, input })
    }

    /// Runs `command` to its end. Everything that it prints goes to the log, and line by line to `each`; a failure becomes
    /// the first error of what this command printed, with files named relative to the folder it ran in.
    pub(crate) fn run(
        &mut self,
        phase: Phase,
        program: &'static str,
        command: Command,
        each: &mut dyn FnMut(&str),
    ) -> Result<(), Error> {
        let folder = command.get_current_dir().map(Path::to_owned);
        let spawned = self.input.try_clone().and_then(|input| spawn(command, input));
        let (mut child, output) = spawned.map_err(|source| Error::Run { program, source })?;
        let printed = self.copy(output, each);
        if printed.is_err() {
            // Nobody listens any more; the first failure is the one to report.
            let _ = child.kill();
        }
        let status = child.wait().map_err(|source| Error::Run { program, source })?;
        let printed = printed?;
        if status.success() {
            return Ok(());
        }
        let reason = match (first_error(&printed), folder) {
            (Some(first), Some(folder)) => Reason::Log(first.relative_to(&folder)),
            (Some(first), None) => Reason::Log(first),
            (None, _) => Reason::Exit(format!("{program} ended with {status}")),
        };
        Err(Error::Step { phase, reason, log: self.path.clone() })
    }

    /// A build that succeeded leaves no log.
    pub(crate) fn remove(self) -> Result<(), Error> {
        fs::remove_file(&self.path).doing("remove", &self.path)
    }

    fn copy(&mut self, output: File, each: &mut dyn FnMut(&str)) -> Result<String, Error> {
        let mut output = BufReader::new(output);
        let mut printed = String::new();
        let mut line = Vec::new();
        while output.read_until(b'\n', &mut line).doing("read the output for", &self.path)? > 0 {
            self.file.write_all(&line).doing("write", &self.path)?;
            let text = String::from_utf8_lossy(&line);
            each(text.trim_end());
            printed.push_str(&text);
            line.clear();
        }
        Ok(printed)
    }
}

/// Starts `command` with both output streams on one pipe, so that their lines keep their order.
fn spawn(mut command: Command, input: File) -> std::io::Result<(Child, File)> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    command.stdin(Stdio::from(input)).stdout(Stdio::from(write.try_clone()?)).stderr(Stdio::from(write));
    // `command` holds our copies of the pipe's write end; it goes out of scope here, or reading would never end.
    let child = command.spawn()?;
    Ok((child, File::from(read)))
}

/// Variables that a caller's shell, cargo or another make may have set for builds of their own.
const FOREIGN: &[&str] = &[
    "ARCH",
    "CROSS_COMPILE",
    "KBUILD_EXTMOD",
    "KBUILD_MODPOST_WARN",
    "KBUILD_OUTPUT",
    "KBUILD_VERBOSE",
    "KCONFIG_CONFIG",
    "KCONFIG_ALLCONFIG",
    "LLVM",
    "M",
    "MAKEFLAGS",
    "MAKELEVEL",
    "MFLAGS",
    "O",
    "V",
    "W",
];

/// `make` in a kernel tree with the objects elsewhere, for the given targets and variables.
pub(crate) fn kernel_make(source: &Path, object: &Path, jobs: usize) -> Command {
    let mut make = Command::new("make");
    make.current_dir(source).arg(format!("-j{jobs}")).arg(format!("O={}", object.display()));
    settle(&mut make);
    make
}

/// `make` of modules in `folder`, which is outside of any kernel tree, for the kernel that keeps its headers in `build`.
pub(crate) fn external_make(build: &Path, folder: &Path, jobs: usize) -> Command {
    let mut make = Command::new("make");
    make.current_dir(folder).arg(format!("-j{jobs}")).arg("-C").arg(build);
    make.arg(format!("M={}", folder.display()));
    settle(&mut make);
    make
}

/// Equal inputs, equal kernels: who builds it, where and when is no input, nor is what the caller's environment holds.
fn settle(make: &mut Command) {
    // Set but empty: or a tree under git gets a "+" behind its version.
    make.arg("LOCALVERSION=");
    for name in FOREIGN {
        make.env_remove(name);
    }
    make.env("LC_ALL", "C")
        .env("KBUILD_BUILD_USER", "fencelab")
        .env("KBUILD_BUILD_HOST", "fencelab")
        .env("KBUILD_BUILD_VERSION", "1")
        .env("KBUILD_BUILD_TIMESTAMP", "Thu Jan  1 00:00:00 UTC 1970");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn log() -> (tempfile::TempDir, Log) {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::create(dir.path().join("logs/build.log"), File::open("/dev/null").unwrap()).unwrap();
        (dir, log)
    }

    #[test]
    fn both_streams_arrive_in_order_and_are_logged() {
        let (_dir, mut log) = log();
        let mut seen = Vec::new();
        let script = "echo '  CC      a.o'; echo two >&2; printf 'no newline'";
        log.run(Phase::Compile, "sh", shell(script), &mut |line| seen.push(line.to_owned())).unwrap();
        assert_eq!(seen, ["  CC      a.o", "two", "no newline"]);
        assert_eq!(fs::read_to_string(&log.path).unwrap(), "  CC      a.o\ntwo\nno newline");
    }

    #[test]
    fn a_failure_is_the_first_error_of_this_command_and_the_log_stays() {
        let (_dir, mut log) = log();
        log.run(Phase::Configure, "sh", shell("echo 'a.c:1:1: error: harmless, exit was 0'"), &mut |_| ())
            .unwrap();
        let error = log
            .run(Phase::Compile, "sh", shell("echo 'b.c:2:2: error: real' >&2; exit 2"), &mut |_| ())
            .unwrap_err();
        let message = error.to_string();
        assert!(message.contains("b.c:2:2: error: real") && !message.contains("harmless"), "{message}");
        assert!(fs::read_to_string(&log.path).unwrap().contains("harmless"));
    }

    #[test]
    fn files_are_named_from_the_folder_of_the_command() {
        let (dir, mut log) = log();
        let mut command = shell("echo \"$PWD/a.c:1:1: error: x\"; exit 1");
        command.current_dir(dir.path()).env("PWD", dir.path());
        let message = log.run(Phase::Compile, "sh", command, &mut |_| ()).unwrap_err().to_string();
        assert!(message.contains("    a.c:1:1: error: x\n"), "{message}");
        let command = shell("echo '/a/b.c:1:1: error: x'; exit 1");
        let message = log.run(Phase::Compile, "sh", command, &mut |_| ()).unwrap_err().to_string();
        assert!(message.contains("    /a/b.c:1:1: error: x\n"), "{message}");
    }

    #[test]
    fn a_silent_failure_says_how_the_program_ended() {
        let (_dir, mut log) = log();
        let error = log.run(Phase::Compile, "sh", shell("exit 3"), &mut |_| ()).unwrap_err();
        assert!(error.to_string().contains("sh ended with exit status: 3"), "{error}");
        let error = log.run(Phase::Compile, "sh", shell("kill -9 $$"), &mut |_| ()).unwrap_err();
        assert!(error.to_string().contains("signal: 9"), "{error}");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let (_dir, mut log) = log();
        let command = Command::new("fencelab-no-such-program");
        let error = log.run(Phase::Source, "tar", command, &mut |_| ()).unwrap_err();
        assert_eq!(error.to_string(), "run tar");
    }
}
