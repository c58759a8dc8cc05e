//! Recordings that are watched while they run: `fencelab trace --follow`, and the live line on a terminal.

mod terminal;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use terminal::Terminal;

/// Makes a call that is recorded for each line that it reads, else every 10 ms; ends with 3.
const MARKS: &str = r#"
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
int main(int argc, char **argv) {
	int fd = open("/dev/null", O_RDWR);
	char line[64];
	for (uint32_t n = 1;; n++) {
		if (argc > 1) poll(0, 0, 10);
		else if (!fgets(line, sizeof line, stdin)) return 3;
		uint32_t argument[2] = { n, 0 };
		ioctl(fd, 0xc00864c0UL, argument);
	}
}
"#;

fn program(folder: &Path) -> PathBuf {
    let (source, program) = (folder.join("marks.c"), folder.join("marks"));
    std::fs::write(&source, MARKS).expect("a source");
    let cc = Command::new("cc").args(["-O1", "-o"]).arg(&program).arg(&source).status();
    assert!(cc.expect("run cc").success());
    program
}

fn fencelab(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fencelab"));
    command.args(arguments);
    command
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path that is text")
}

/// The lines of a session that is over.
fn lines(folder: &Path) -> Vec<String> {
    let output = fencelab(&["trace", path(folder)]).output().expect("run fencelab");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect()
}

fn await_file(path: &Path) {
    for _ in 0..1000 {
        if path.exists() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("no {}", path.display());
}

#[test]
fn a_session_is_followed_while_its_program_runs() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let (program, folder) = (program(scratch.path()), scratch.path().join("trace"));
    let mut recorder = fencelab(&["record", "--size", "4", "-o", path(&folder), "--", path(&program)]);
    recorder.stdin(Stdio::piped()).stderr(Stdio::null());
    let mut recorder = recorder.spawn().expect("run fencelab");
    let mut program = recorder.stdin.take();
    // The folder's last file: the pool is whole.
    await_file(&folder.join("libfencelab.so"));
    let mut follower = fencelab(&["trace", path(&folder), "--follow"]);
    let mut follower = follower.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("run fencelab");
    let mut seen = BufReader::new(follower.stdout.take().expect("its output")).lines();
    let mut next = || loop {
        let line = seen.next().expect("a line").expect("text");
        if line.contains("SYNCOBJ_DESTROY") || line.contains("+++") {
            return line;
        }
    };
    for mark in 1..=5 {
        std::io::Write::write_all(&mut program.as_mut().expect("its input"), b"\n").expect("write a line");
        // It reads the next one only when it is asked to: so this one came while it ran.
        let line = next();
        assert!(line.contains(&format!("{{handle={mark}}}")), "{line}");
        assert_eq!(recorder.try_wait().expect("look"), None);
    }
    drop(program.take());
    assert!(next().contains("+++ exited with 3 +++"));
    assert_eq!(recorder.wait().expect("its end").code(), Some(3));
    assert_eq!(follower.wait().expect("its end").code(), Some(0), "the follower ends with the recorder");
}

#[test]
fn the_live_line_is_drawn_in_place_and_taken_away() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let (program, folder) = (program(scratch.path()), scratch.path().join("trace"));
    let mut terminal = Terminal::open();
    let options = ["record", "--size", "4", "-o", path(&folder), "--", path(&program), "clock"];
    let mut record = terminal.run(fencelab(&options), false);
    let mut counts: Vec<u64> = Vec::new();
    while counts.len() < 4 {
        let rows = terminal.changed();
        let live: Vec<(usize, &String)> =
            rows.iter().enumerate().filter(|(_, row)| row.contains(" events, ")).collect();
        assert!(live.len() <= 1 && live.iter().all(|(row, _)| *row == 0), "it moved: {rows:#?}");
        let words = live.first().and_then(|(_, row)| row.split(" events, ").next()?.split(' ').next_back());
        let count = words.and_then(|word| word.parse().ok());
        counts.extend(count.filter(|count| counts.last().is_none_or(|last| last < count)));
    }
    terminal.type_text("\x03");
    assert_eq!(record.wait().expect("its end").code(), Some(130), "as a shell says of SIGINT");
    let rows = terminal.rest();
    let left: Vec<&String> = rows.iter().filter(|row| !row.trim().is_empty() && *row != "^C").collect();
    assert!(left.is_empty(), "it is taken away: {left:#?}");
}

#[test]
fn ctrl_c_ends_the_program_and_the_session_is_whole() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let (program, folder) = (program(scratch.path()), scratch.path().join("trace"));
    let mut terminal = Terminal::open();
    let options = ["record", "--live", "--size", "4", "-o", path(&folder), "--", path(&program), "clock"];
    let mut record = terminal.run(fencelab(&options), true);
    while !terminal.changed().iter().any(|row| row.contains(" events, ")) {}
    terminal.type_text("\x03");
    assert_eq!(record.wait().expect("its end").code(), Some(130));
    let rows = terminal.rest();
    let summary = rows.iter().position(|row| row.contains("fencelab: recorded "));
    let summary = summary.unwrap_or_else(|| panic!("no summary in {rows:#?}"));
    assert!(rows[..summary].iter().all(|row| !row.contains(" events, ")), "the line is gone: {rows:#?}");
    let lines = lines(&folder);
    assert!(lines.iter().any(|line| line.contains("{handle=1}")), "{lines:#?}");
    assert!(lines.last().expect("a line").ends_with("+++ killed by SIGINT +++"), "{:?}", lines.last());
    assert!(!lines.iter().any(|line| line.contains("INCOMPLETE")), "{lines:#?}");
}
