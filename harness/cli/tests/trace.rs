//! `fencelab trace` on a session that was recorded in a guest.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn session() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../trace/tests/golden/lineage")
}

fn trace(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fencelab"));
    command.arg("trace").args(arguments).stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    trace(arguments).output().expect("run fencelab")
}

/// What it shows of the session.
fn shown(arguments: &[&str]) -> Vec<String> {
    let folder = session().display().to_string();
    let output = run(&[&[folder.as_str()], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect()
}

fn calls(arguments: &[&str]) -> Vec<String> {
    shown(arguments).into_iter().filter(|line| !line.starts_with('#')).collect()
}

#[test]
fn a_session_has_a_head_and_a_line_for_each_call() {
    let all = shown(&[]);
    assert!(all[0].starts_with("# 60 calls of 3 threads in 2 processes, CLOCK_MONOTONIC 32."), "{}", all[0]);
    assert_eq!(all.iter().filter(|line| !line.starts_with('#')).count(), 60);
    assert!(!all.iter().any(|line| line.contains('\x1b')), "colour where no terminal is");
    assert!(shown(&["--color", "always"]).iter().any(|line| line.contains("\x1b[33m")));
}

#[test]
fn filters_narrow_it_down() {
    let all = calls(&[]);
    assert_eq!(calls(&["--limit", "3"]), all[..3]);
    assert_eq!(calls(&["--tail", "2"]), all[58..]);
    assert!(calls(&["--process", "64"]).iter().all(|line| line.contains(" lineage[64] ")));
    assert_eq!(calls(&["--process", "lineage"]).len(), 60);
    assert_eq!(calls(&["--thread", "65"]).len(), 1);
    assert_eq!(calls(&["--kind", "wait"]).len(), 3);
    assert_eq!(calls(&["--kind", "fork,socketpair"]).len(), 2);
    assert_eq!(calls(&["--object", "syncobj:1"]).len(), 11);
    let fd = calls(&["--fd", "8"]);
    assert!(fd.len() > 5 && fd.iter().all(|line| line.contains("8<") || line.contains("[8")), "{fd:#?}");
}

#[test]
fn the_wait_that_hangs_is_marked() {
    let pending = calls(&["--thread", "65"]);
    assert!(pending[0].contains("handles=[syncobj:1@9]"), "{pending:?}");
    assert!(pending[0].ends_with("= ? <unfinished: waiting for 103.1 ms>"), "{pending:?}");
}

#[test]
fn programs_read_one_object_a_line() {
    let lines = shown(&["--json"]);
    assert_eq!(lines.len(), 61);
    let objects: Vec<serde_json::Value> =
        lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((&objects[0]["type"], &objects[0]["calls"]), (&"session".into(), &60.into()));
    let wait = objects.iter().find(|object| object["state"] == "waiting").expect("the wait that hangs");
    assert_eq!(wait["arguments"]["handles"][0]["object"], "syncobj:1");
    assert_eq!(wait["arguments"]["handles"][0]["point"], 9);
    let effect = wait["effects"].as_array().expect("effects").last().expect("one");
    assert_eq!(
        (&effect["do"], &effect["for"][0], &effect["forever"]),
        (&"wait".into(), &"syncobj:1@9".into(), &true.into())
    );
}

#[test]
fn a_picture_is_json_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("picture.json");
    shown(&["--perfetto", path.to_str().expect("text")]);
    let text = std::fs::read_to_string(path).expect("the picture");
    let picture: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert!(picture["traceEvents"].as_array().is_some_and(|events| events.len() > 100));
}

#[test]
fn mistakes_are_named() {
    let folder = session().display().to_string();
    let error = |arguments: &[&str]| {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        String::from_utf8(output.stderr).expect("text")
    };
    assert!(error(&[&folder, "--object", "syncobj"]).contains("read --object: syncobj is no object"));
    assert!(error(&[&folder, "--object", "syncobj:99"]).contains("find syncobj:99 in the session"));
    assert!(error(&[&folder, "--kind", "ioctls"]).contains("read --kind: ioctls is no kind of call"));
    assert!(error(&["/nonexistent"]).contains("/nonexistent"));
    assert!(error(&["Cargo.toml"]).contains("read Cargo.toml"));
}

#[test]
fn a_filter_that_matches_nothing_says_so() {
    let folder = session().display().to_string();
    for [option, value] in
        [["--process", "nobody"], ["--process", "99999"], ["--fd", "99"], ["--thread", "99999"]]
    {
        let output = run(&[&folder, option, value]);
        let said = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert_eq!(said, format!("fencelab: no call of the session matches {option} {value}\n"));
    }
    let output = run(&[&folder, "--kind", "wait"]);
    assert!(output.stderr.is_empty() && output.status.success(), "{output:?}");
}

#[test]
fn a_torn_session_is_read_as_far_as_it_goes() {
    let folder = tempfile::tempdir().expect("a folder");
    let pool = std::fs::read(session().join("pool")).expect("the pool");
    std::fs::write(folder.path().join("pool"), &pool[..pool.len() - 10_000]).expect("a shorter one");
    let output = run(&[folder.path().to_str().expect("text")]);
    let text = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(0));
    assert!(
        text.contains("# INCOMPLETE: this is a partial read") && text.contains("behind the end of the file"),
        "{text}"
    );
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = trace(&[session().to_str().expect("text"), "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("run fencelab");
    let mut first = String::new();
    let mut out = BufReader::with_capacity(16, child.stdout.take().expect("its output"));
    out.read_line(&mut first).expect("a line");
    drop(out);
    let mut said = String::new();
    child.stderr.take().expect("its errors").read_to_string(&mut said).expect("text");
    assert_eq!((child.wait().expect("its end").code(), said.as_str()), (Some(0), ""));
}

#[test]
fn a_session_whose_recorder_is_gone_is_followed_to_its_end() {
    // The recorder's pid was one in the guest; here it is some process or none: made none.
    let folder = tempfile::tempdir().expect("a folder");
    let mut pool = std::fs::read(session().join("pool")).expect("the pool");
    // offset_of!(PoolHeader, recorder) of the trace format.
    let recorder = 36;
    pool[recorder..recorder + 4].copy_from_slice(&0x7fff_fff0u32.to_le_bytes());
    std::fs::write(folder.path().join("pool"), &pool).expect("a copy");
    let output = run(&[folder.path().to_str().expect("text"), "--follow"]);
    let text = String::from_utf8(output.stdout).expect("text");
    assert_eq!(text.lines().filter(|line| !line.starts_with('#')).count(), 60, "{text}");
}

#[test]
#[ignore = "boots a guest; run by ci/test"]
fn what_is_recorded_in_a_guest_is_followed_through_its_processes() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("lineage");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../trace/tests/programs/lineage.c");
    let cc = Command::new("cc").args(["-O1", "-pthread", "-o"]).arg(&program).arg(source).status();
    assert!(cc.expect("run cc").success());
    let script = format!(
        "modprobe vgem; modprobe virtio-gpu; {fencelab} record -o /dev/shm/trace -- {program} && {fencelab} trace /dev/shm/trace",
        fencelab = env!("CARGO_BIN_EXE_fencelab"),
        program = program.display()
    );
    let output = Command::new(env!("CARGO_BIN_EXE_fencelab"))
        .args(["vm", "--", "sh", "-c", &script])
        .stdin(Stdio::null())
        .output()
        .expect("run fencelab");
    let text = String::from_utf8_lossy(&output.stdout);
    let find = |parts: &[&str]| {
        let found = text.lines().find(|line| parts.iter().all(|part| line.contains(part)));
        found.unwrap_or_else(|| panic!("{parts:?} in:\n{text}\n{}", String::from_utf8_lossy(&output.stderr)))
    };
    let pid = |line: &str| {
        line.split_once('[').map(|(_, rest)| rest.split(['/', ']']).next().unwrap_or("").to_owned())
    };
    let signal = find(&["SYNCOBJ_TIMELINE_SIGNAL", "syncobj:1@3", " = 0 "]);
    let wait = find(&["SYNCOBJ_TIMELINE_WAIT", "syncobj:1@3", "WAIT_FOR_SUBMIT", " = 0 "]);
    assert_ne!(pid(signal), pid(wait), "two processes with one timeline");
    find(&["syncobj:1@9", " = ? <unfinished: waiting for "]);
    find(&["DMA_BUF_IOCTL_EXPORT_SYNC_FILE", "<dma-buf:1>"]);
    find(&["PRIME_FD_TO_HANDLE", "fd=", "<dma-buf:1>"]);
    assert!(!text.contains("INCOMPLETE"), "{text}");
}
