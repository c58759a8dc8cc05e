//! `fencelab record`: the command's streams, status and signals are its own; what goes wrong is said.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn record(folder: &Path, options: &[&str], command: &[&str]) -> Command {
    let mut fencelab = Command::new(env!("CARGO_BIN_EXE_fencelab"));
    let size = if options.contains(&"--size") { &[][..] } else { &["--size", "4"] };
    fencelab.args(["record", "-o"]).arg(folder).args(size).args(options).arg("--").args(command);
    fencelab.stdin(Stdio::null());
    fencelab
}

fn run(folder: &Path, options: &[&str], command: &[&str]) -> Output {
    record(folder, options, command).output().expect("run fencelab")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_commands_streams_and_status_are_its_own() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    for (way, name) in [("--preload", "preload"), ("--audit", "audit"), ("--raw", "raw")] {
        let folder = scratch.path().join(name);
        let output = run(&folder, &[way], &["sh", "-c", "(:); echo out; echo err >&2; exit 7"]);
        assert_eq!(output.status.code(), Some(7), "{way}: {}", said(&output));
        assert_eq!(String::from_utf8_lossy(&output.stdout), "out\n", "{way}");
        let said = said(&output);
        assert!(said.starts_with("err\nfencelab: recorded "), "{way}: {said}");
        assert!(said.contains(&format!("({name})")), "{way}: {said}");
        assert!(said.contains(&format!("fencelab trace {}", folder.display())), "{way}: {said}");
    }
    let output = run(&scratch.path().join("killed"), &[], &["sh", "-c", "kill -9 $$"]);
    assert_eq!(output.status.code(), Some(137));
}

#[test]
fn signals_reach_the_command_and_the_trace_is_finished() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let script = "trap 'echo bye; exit 9' TERM; echo up; while :; do sleep 0.05; done";
    let mut fencelab = record(&scratch.path().join("trace"), &[], &["sh", "-c", script]);
    let mut fencelab = fencelab.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("run fencelab");
    let mut lines = BufReader::new(fencelab.stdout.take().expect("its output")).lines();
    assert_eq!(lines.next().expect("a line").expect("text"), "up");
    let pid = nix::unistd::Pid::from_raw(i32::try_from(fencelab.id()).expect("a pid"));
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).expect("kill");
    assert_eq!(lines.next().expect("a line").expect("text"), "bye");
    let mut said = String::new();
    fencelab.stderr.take().expect("its errors").read_to_string(&mut said).expect("text");
    assert_eq!(fencelab.wait().expect("its end").code(), Some(9));
    assert!(said.contains("fencelab: recorded "), "{said}");
}

#[test]
fn what_cannot_be_recorded_is_said_and_nothing_runs() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let marker = scratch.path().join("ran");
    let touch = ["touch", marker.to_str().expect("a path")];
    let folder = scratch.path().join("trace");
    assert!(run(&folder, &[], &["true"]).status.success());
    let refused = |folder: &Path, options: &[&str], command: &[&str], words: &str| {
        let output = run(folder, options, command);
        assert_eq!(output.status.code(), Some(3), "{options:?}");
        assert!(said(&output).contains(words), "{options:?}: {}", said(&output));
    };
    refused(&folder, &[], &touch, "already holds a trace");
    let new = scratch.path().join("new");
    refused(&new, &["--fault", "eintr@1%,sleep@1%"], &touch, "`sleep@1%` is no fault");
    refused(&new, &["--size", "0"], &touch, "0 MiB is not from 1");
    refused(&new, &["--raw", "--audit"], &touch, "cannot be used with");
    assert!(!marker.exists(), "the command ran");
}

/// As by a shell, whichever way it would have been recorded; and nothing of a trace stays.
#[test]
fn what_cannot_be_run_is_said_as_a_shell_would() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let folder = scratch.path().join("trace");
    for way in ["--preload", "--audit", "--raw"] {
        for (program, status) in [("/no/such/program", 127), ("/etc/passwd", 126)] {
            for _ in 0..10 {
                let output = run(&folder, &[way], &[program]);
                assert_eq!(output.status.code(), Some(status), "{way} {program}: {}", said(&output));
                assert!(said(&output).contains(&format!("failed to run {program}: ")), "{}", said(&output));
                assert!(!folder.exists(), "{way} {program}");
            }
        }
    }
}

#[test]
fn a_process_that_could_not_be_seen_is_named_with_what_to_do() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let source = scratch.path().join("still.c");
    std::fs::write(&source, "#include <unistd.h>\nint main(void) { return fork() < 0; }").expect("a source");
    let program = scratch.path().join("still");
    let cc = Command::new("cc").arg("-static").arg("-o").arg(&program).arg(&source).status();
    assert!(cc.expect("cc").success());
    let program = program.to_str().expect("a path");
    let output = run(&scratch.path().join("preload"), &["--preload"], &[program]);
    assert!(said(&output).contains("it is linked statically; --raw records it"), "{}", said(&output));
    let output = run(&scratch.path().join("chosen"), &[], &[program]);
    assert!(said(&output).contains("recording it as with --raw"), "{}", said(&output));
    assert!(said(&output).contains("(raw)"), "{}", said(&output));
}
