//! Other people's programs as suites, from the selection to the verdicts: the built-in mocks on this machine, and the kernel's own
//! sync selftests in a guest.

#[path = "common/journal.rs"]
mod journal;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use fencelab_events::{Session, Verdict};
use journal::session;

const FENCELAB: &str = env!("CARGO_BIN_EXE_fencelab");

fn fencelab(arguments: &[&str]) -> Output {
    Command::new(FENCELAB).args(arguments).stdin(Stdio::null()).output().expect("run fencelab")
}

/// A program that becomes a mock.
fn mock(path: &Path, kind: &str) {
    fs::write(path, format!("#!/bin/sh\nexec {FENCELAB} mock-program {kind} \"$@\" # TAP version\n"))
        .expect("write a script");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("make it a program");
}

fn outcomes(session: &Session) -> BTreeMap<&str, (fencelab_events::Outcome, &str)> {
    let finished = session.cases.iter().filter_map(|record| Some((record, record.finished()?)));
    finished.map(|(record, end)| (record.plan.id.as_str(), (end.outcome, end.reason.as_str()))).collect()
}

/// A profile with a good test and a bad one, and their program where piglit has it.
fn piglit(folder: &Path) {
    let test = |name: &str, word: &str| {
        format!(
            "<Test type=\"gl\" name=\"spec@{name}\"><option name=\"command\" value=\"['mock', '{word}']\"/></Test>"
        )
    };
    let profile = format!("<PiglitTestList>{}{}</PiglitTestList>", test("good", "good"), test("bad", "bad"));
    fs::create_dir_all(folder.join("profiles")).expect("a folder");
    fs::create_dir_all(folder.join("bin")).expect("a folder");
    fs::write(folder.join("profiles/quick.xml"), profile).expect("write a profile");
    mock(&folder.join("bin/mock"), "piglit");
}

/// A selection over mocks of everything.
fn selection(folder: &Path) -> String {
    fs::create_dir(folder.join("igt")).expect("a folder");
    mock(&folder.join("igt/mock_basic"), "igt");
    mock(&folder.join("igt/mock_whole"), "igt-whole");
    mock(&folder.join("deqp-mock"), "deqp");
    fs::create_dir(folder.join("ks")).expect("a folder");
    mock(&folder.join("ks/sync"), "kselftest");
    piglit(&folder.join("piglit"));
    let here = folder.display();
    let text = format!(
        "about: mocks\nadapters:\n\
         - {{suite: igt, adapter: igt, path: {here}/igt, limit_s: 30}}\n\
         - {{suite: vk, adapter: deqp, path: {here}/deqp-mock}}\n\
         - {{suite: ks, adapter: kselftest, path: {here}/ks}}\n\
         - {{suite: gl, adapter: piglit, path: {here}/piglit/profiles/quick.xml}}\n\
         - {{suite: cmd, adapter: command, args: [sh, -c, 'echo \"$WORD\"; exit 77'], env: {{WORD: not here}}}}\n"
    );
    let path = folder.join("mocks.yaml");
    fs::write(&path, text).expect("write the selection");
    path.display().to_string()
}

#[test]
fn every_kind_of_program_has_its_verdict() {
    use fencelab_events::Outcome::{Crash, Fail, Pass, Skip};
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let selection = selection(scratch.path());
    let folder = scratch.path().join("session");
    let output = fencelab(&["run", &selection, "--bench", "local", "-o", &folder.display().to_string()]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let session = session(&folder);
    let outcomes = outcomes(&session);
    let of = |id: &str| outcomes.get(id).copied().unwrap_or_else(|| panic!("{id}: {outcomes:?}"));
    assert_eq!(of("igt/mock_basic@pass").0, Pass);
    assert_eq!(of("igt/mock_basic@skip"), (Skip, "Test requirement: has_hardware()"));
    assert_eq!(of("igt/mock_basic@fail"), (Fail, "failed assertion: one == two"));
    assert_eq!(of("igt/mock_basic@crash").0, Crash);
    assert!(of("igt/mock_basic@crash").1.contains("killed by SIGABRT"), "{outcomes:?}");
    assert_eq!(of("igt/mock_whole").0, Pass);
    assert_eq!(of("vk/dEQP-MOCK.pass").0, Pass);
    assert_eq!(of("vk/dEQP-MOCK.fail"), (Fail, "Fail (Image mismatch)"));
    assert_eq!(of("vk/dEQP-MOCK.skip").0, Skip);
    assert_eq!(of("ks/sync").0, Pass);
    assert_eq!((of("gl/spec@good").0, of("gl/spec@bad").0), (Pass, Fail));
    assert_eq!(of("cmd/sh"), (Skip, "not here"));
    let record = session.cases.iter().find(|record| record.plan.id == "ks/sync").expect("its record");
    let parts: Vec<&str> =
        record.finished().expect("its end").subtests.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(parts, ["alloc", "merge"]);
}

#[test]
fn what_is_wrong_with_a_suite_is_told_before_the_run() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let selection = scratch.path().join("mine.yaml");
    fs::create_dir(scratch.path().join("empty")).expect("a folder");
    let text = "about: x\nadapters: [{suite: igt, adapter: igt, path: EMPTY}]\n";
    let text = text.replace("EMPTY", &scratch.path().join("empty").display().to_string());
    fs::write(&selection, text).expect("write the selection");
    let folder = scratch.path().join("session");
    let words = ["run", selection.to_str().expect("a path"), "--bench", "local", "-o"];
    let output = fencelab(&[&words[..], &[folder.to_str().expect("a path")]].concat());
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("find IGT's binaries in") && told.contains("mine.yaml"), "{told}");
    assert!(!folder.exists(), "a run that cannot start left a session");
}

#[test]
fn a_machine_without_the_gpu_explains_itself() {
    let devices = fencelab(&["list", "--what", "devices", "--bench", "local"]);
    if String::from_utf8_lossy(&devices.stdout).contains("amdgpu") {
        println!("skipped: this machine has the GPU");
        return;
    }
    let output = fencelab(&["run", "userptr", "--bench", "local"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("it needs a GPU that takes pages of a process"), "{told}");
    assert!(told.contains("fencelab doctor"), "{told}");
}

#[test]
fn this_machine_cannot_be_run_beside_itself() {
    let output = fencelab(&["run", "sync-file", "--bench", "local", "--jobs", "2"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("--jobs"), "{output:?}");
    let output = fencelab(&["run", "sync-file", "--jobs", "0"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("1..=32"), "{output:?}");
}

#[test]
fn a_duration_needs_the_suite_that_it_is_for() {
    let output = fencelab(&["run", "sync-file", "--bench", "local", "--duration", "5s"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("`stress`"), "{output:?}");
}

#[test]
#[ignore = "boots a guest; run by ci/test"]
fn the_kernel_s_sync_selftests_run_as_a_suite() {
    let Some(folder) = std::env::var_os("FENCELAB_TEST_SELFTESTS") else {
        println!(
            "skipped: FENCELAB_TEST_SELFTESTS is not set; `ci/selftests` builds them and prints their folder"
        );
        return;
    };
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let selection = scratch.path().join("selftests.yaml");
    let path = Path::new(&folder).display().to_string();
    let text = format!(
        "about: x\nadapters: [{{suite: selftests, adapter: kselftest, path: {path}, limit_s: 900}}]\n"
    );
    fs::write(&selection, text).expect("write the selection");
    let session_folder = scratch.path().join("session");
    let words = [selection.display().to_string(), session_folder.display().to_string()];
    let output = fencelab(&["run", &words[0], "-o", &words[1]]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let session = session(&session_folder);
    assert_eq!(session.cases.len(), 1);
    let record = &session.cases[0];
    assert_eq!(Verdict::of(&session, record), Verdict::Pass);
    let parts = &record.finished().expect("its end").subtests;
    assert!(parts.len() >= 10, "only {} tests: {parts:?}", parts.len());
}
