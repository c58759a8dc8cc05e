//! Scenarios in a guest: those that come along hang as they say, and small C programs of them do too.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Those in configs/scenarios.
const COME_ALONG: [&str; 5] =
    ["h7-cycle.yaml", "h9-points.yaml", "h12-never-submitted.yaml", "lost-signal.yaml", "pipeline.yaml"];

fn fencelab() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fencelab"));
    command.stdin(Stdio::null());
    command
}

fn scenario(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/scenarios").join(name)
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The C program that came of it, which a plain compiler takes without a warning.
fn compiles(source: &Path) {
    let program = source.with_extension("strict");
    let flags = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-pthread", "-o"];
    let output = Command::new("cc").args(flags).arg(&program).arg(source).output().expect("run cc");
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn a_mistake_is_told_with_its_place() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let path = scratch.path().join("wrong.yaml");
    let text = "about: x\nexpect: D2\nprocesses:\n  p:\n    main:\n      - wiat: {points: [a]}\n";
    std::fs::write(&path, text).expect("write a scenario");
    let output = fencelab().arg("run").arg(&path).args(["-b", "local"]).output().expect("run fencelab");
    assert_eq!(output.status.code(), Some(3));
    let said = said(&output);
    assert!(said.contains("wrong.yaml:6:9") && said.contains("wiat"), "{said}");
}

#[test]
fn a_replay_keeps_off_this_machines_devices() {
    let session = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fences/tests/sessions/H9");
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let mut command = fencelab();
    command.arg("replay").arg(session).args(["-b", "local", "-o"]).arg(scratch.path().join("replay"));
    let output = command.output().expect("run fencelab");
    let said = said(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("it would use virtio-gpu; --allow virtio-gpu"), "{said}");
}

#[test]
fn devices_stay_with_splat_so_that_asking_for_it_is_refused() {
    let mut command = fencelab();
    command.args(["minimize", "x.yaml", "--splat=k3:circular:a > b", "--keep-devices"]);
    let output = command.output().expect("run fencelab");
    let said = said(&output);
    assert!(
        !output.status.success() && said.contains("--keep-devices") && said.contains("cannot be used with"),
        "{said}"
    );
}

#[test]
fn a_session_becomes_a_scenario_and_a_program() {
    let session = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fences/tests/sessions/H7");
    let yaml = fencelab().arg("replay").arg(&session).arg("--yaml").output().expect("run fencelab");
    assert_eq!(yaml.status.code(), Some(0), "{}", said(&yaml));
    let text = String::from_utf8_lossy(&yaml.stdout).into_owned();
    assert!(text.contains("expect: D1") && text.contains("poll: {files: ["), "{text}");
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let source = scratch.path().join("replay.c");
    let c = fencelab().arg("replay").arg(&session).arg("--c").output().expect("run fencelab");
    std::fs::write(&source, &c.stdout).expect("write the program");
    compiles(&source);
}

#[test]
#[ignore = "boots a guest; run by ci/test"]
fn scenarios_that_come_along_come_to_their_verdict() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let folder = scratch.path().join("session");
    let mut command = fencelab();
    command.arg("run").args(COME_ALONG.map(scenario)).arg("-o").arg(&folder);
    let output = command.output().expect("run fencelab");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let csv = std::fs::read_to_string(folder.join("results.csv")).expect("the results");
    for name in COME_ALONG {
        let case = format!("scenario/{},Pass", name.trim_end_matches(".yaml"));
        assert!(csv.contains(&case), "{csv}");
    }
}

#[test]
#[ignore = "boots a guest; run by ci/test"]
fn hangs_become_programs_of_twenty_ioctls_that_hang() {
    let sessions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fences/tests/sessions");
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let hangs = [
        ("H7", sessions.join("H7"), "D1"),
        ("H7 on two displays", scenario("h7-cycle.yaml"), "D1"),
        ("H12", sessions.join("H12"), "D2"),
    ];
    for (name, path, verdict) in hangs {
        let folder = scratch.path().join(name);
        let mut command = fencelab();
        command.arg("minimize").arg(path).args(["--tries", "2", "-o"]).arg(&folder);
        let output = command.output().expect("run fencelab");
        let said = said(&output);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(said.contains(&format!("minimized: 2 of 2 tries came to {verdict}")), "{said}");
        let ioctls = said.split(" ioctls in").next().and_then(|text| text.split_whitespace().last());
        let ioctls: usize = ioctls.and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("{said}"));
        eprintln!("{name}: {ioctls} ioctls come to {verdict}");
        assert!((1..=20).contains(&ioctls), "{said}");
        compiles(&folder.join("minimized.c"));
        let report = std::fs::read_to_string(folder.join("report.md")).expect("the report");
        assert!(report.contains("```yaml") && report.contains("int main(int argc"), "{report}");
    }
}

/// What the kernel reports where a job's buffer is bound with an allocation that may wait for that job.
const SPLAT: &str = "k3:circular:dma_fence_map > fs_reclaim > mmu_notifier_invalidate_range_start";

/// The second job and the timeline have nothing to do with that.
const BINDS: &str = "about: Jobs of which the first one's buffer is bound
expect: clean
objects: {render: queue on i915-twin, first: sync_file, second: sync_file, idle: timeline}
processes:
  app:
    main:
      - signal: [idle+1]
      - submit: {queue: render, out: [first]}
      - submit: {queue: render, in: [first], out: [second]}
      - poll: {files: [second], timeout: 8s}
";

#[test]
#[ignore = "boots a guest; run by ci/test"]
fn a_report_of_the_kernel_becomes_one_job() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let (binds, folder) = (scratch.path().join("binds.yaml"), scratch.path().join("small"));
    std::fs::write(&binds, BINDS).expect("write the scenario");
    let mut command = fencelab();
    command.arg("minimize").arg(&binds).arg(format!("--splat={SPLAT}"));
    command.args(["--plant", "bind-gfp-kernel", "--tries", "1", "-o"]).arg(&folder);
    let output = command.output().expect("run fencelab");
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        said.contains("from 4 steps to 1") && said.contains("1 of 1 tries made the kernel report"),
        "{said}"
    );
    let small = std::fs::read_to_string(folder.join("minimized.yaml")).expect("the scenario");
    assert!(small.contains("- submit: {queue: render}"), "{small}");
    compiles(&folder.join("minimized.c"));
}

/// Races that went well when they were recorded, with what they ran on.
const RACES: [&str; 10] = [
    "race/reset-waited-on@virtio-gpu",
    "race/reset-waited-on@i915-twin",
    "race/any-takes-both@virtio-gpu",
    "race/any-takes-both@i915-twin",
    "race/replace-waited-on@virtio-gpu",
    "race/replace-waited-on@i915-twin",
    "race/commit-order@vkms",
    "race/commit-order@virtio-gpu",
    "race/commit-order@bochs",
    "race/commit-order@cirrus",
];

#[test]
#[ignore = "boots a guest; run by ci/test"]
fn nine_of_ten_predicted_hangs_hang() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let session = scratch.path().join("session");
    let mut command = fencelab();
    command.arg("run").args(RACES).arg("-o").arg(&session);
    let output = command.output().expect("run fencelab");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let mut command = fencelab();
    command.arg("replay").arg(&session).args(["--predicted", "-o"]).arg(scratch.path().join("replay"));
    let said = said(&command.output().expect("run fencelab"));
    for race in RACES {
        let name = race.replace(['/', '@'], "-");
        assert!(said.contains(&name), "nothing is predicted of {race}: {said}");
    }
    let lines: Vec<&str> = said.lines().collect();
    let came = |lines: &&[&str]| lines[0].contains(" tries came to a hang");
    let all: Vec<&[&str]> = lines.windows(3).filter(came).collect();
    let hung: Vec<&&[&str]> = all.iter().filter(|lines| lines[0].contains(": 1 of 1 ")).collect();
    let slowest = hung.iter().filter_map(|lines| seconds(lines[2])).fold(0.0, f64::max);
    // How fast the machine is does not tell whether a prediction is right, so that the time is only printed.
    eprintln!("{} of {} predicted hangs hang, the slowest in {slowest:.1} s", hung.len(), all.len());
    assert!(all.len() >= RACES.len() && hung.len() * 10 >= all.len() * 9, "{said}");
}

/// The time in `  12 ioctls in 3.4 s; ...`.
fn seconds(line: &str) -> Option<f64> {
    line.split(" ioctls in ").nth(1)?.split(' ').next()?.parse().ok()
}
