//! The agent without privileges: no cgroup of its own, no kernel log. It says what that costs, and still nothing of
//! a case outlives it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use common::Talk;
use fencelab_bench::local::Local;
use fencelab_bench::protocol::{FromAgent, Outcome};
use fencelab_bench::{Down, Program};

/// The agent and its mock cases where anybody can reach them, behind a script that sheds privileges.
fn as_nobody(folder: &std::path::Path) -> Program {
    fs::set_permissions(folder, PermissionsExt::from_mode(0o755)).unwrap();
    let (agent, cases) = (folder.join("agent"), folder.join("cases.sh"));
    fs::copy(env!("CARGO_BIN_EXE_fencelab-agent"), &agent).unwrap();
    fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases.sh"), &cases).unwrap();
    let script = folder.join("as-nobody");
    let drop = if nix::unistd::geteuid().is_root() {
        "setpriv --reuid 65534 --regid 65534 --clear-groups"
    } else {
        ""
    };
    fs::write(&script, format!("#!/bin/sh\nexec {drop} {} \"$@\"\n", agent.display())).unwrap();
    fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
    Program::new(script).arg("--case-program").arg(cases)
}

#[test]
fn it_says_what_it_lacks_and_hunts_what_a_case_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let mut bench = Local::new(as_nobody(folder.path())).without_drm();
    let (mut talk, _) = Talk::up(&mut bench);
    let doctor = talk.machine.hello().doctor.join("\n");
    for part in
        ["not root", "the kernel log cannot be read", "stacks cannot be read", "fences are not traced"]
    {
        assert!(doctor.contains(part), "{part} is not in:\n{doctor}");
    }
    for (name, outcome) in [("pass", Outcome::Pass), ("daemon", Outcome::Pass), ("many", Outcome::Pass)] {
        let ran = talk.run(name);
        assert_eq!(
            (ran.finished.outcome, ran.finished.klog),
            (outcome, 0),
            "{name}: {}",
            ran.finished.reason
        );
        let noted = ran.others.iter().any(|m| matches!(m, FromAgent::Note { .. }));
        assert_eq!(noted, name != "pass", "{name}: {:?}", ran.others);
    }
    let id = talk.begin("stubborn", &[], Duration::from_millis(300));
    assert_eq!(talk.end(id).finished.outcome, Outcome::Timeout);
    assert_eq!(talk.machine.down(), Down::Clean);
}
