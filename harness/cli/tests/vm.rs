//! The command on real guests: what it answers, what survives a kill, what an annotated kernel shows.

#[path = "common/journal.rs"]
mod journal;

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use fencelab_events::{Event, How, Place, RunCoverage, Session, SessionEnd, Verdict};
use journal::{entries, session};

fn fencelab(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fencelab"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    fencelab(arguments).output().expect("run fencelab")
}

struct Scratch(tempfile::TempDir);

impl Scratch {
    fn new() -> Scratch {
        Scratch(tempfile::tempdir().expect("a scratch folder"))
    }

    fn session(&self) -> PathBuf {
        self.0.path().join("session")
    }

    fn word(&self) -> String {
        self.session().display().to_string()
    }
}

fn verdicts(session: &Session) -> HashMap<&str, Verdict> {
    session.cases.iter().map(|record| (record.plan.name.as_str(), Verdict::of(session, record))).collect()
}

/// Every report that machines read must parse at every moment.
fn junit_parses(folder: &Path) {
    let text = fs::read_to_string(folder.join("junit.xml")).expect("junit.xml");
    let mut reader = quick_xml::Reader::from_str(&text);
    let mut cases = 0;
    loop {
        match reader.read_event().expect("well-formed XML") {
            quick_xml::events::Event::Start(tag) | quick_xml::events::Event::Empty(tag) => {
                cases += usize::from(tag.name().as_ref() == b"testcase");
            }
            quick_xml::events::Event::Eof => break,
            _ => {}
        }
    }
    assert!(cases > 0, "junit.xml has no cases");
}

/// Waits until so many cases have ended.
fn await_ended(folder: &Path, cases: usize) {
    let deadline = Instant::now() + Duration::from_secs(300);
    loop {
        let text = fs::read_to_string(folder.join("events.jsonl")).unwrap_or_default();
        if text.matches(r#""event":"case-finished""#).count() >= cases {
            return;
        }
        assert!(Instant::now() < deadline, "the run does not get on:\n{text}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The processes below `pid` whose program's name begins so.
fn descendants(pid: u32, program: &str) -> Vec<i32> {
    let mut found = Vec::new();
    let mut parents = vec![pid];
    while let Some(parent) = parents.pop() {
        for entry in fs::read_dir("/proc").expect("/proc").flatten() {
            let Ok(child) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
            let stat = fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
            let Some((name, rest)) = stat.rsplit_once(')') else { continue };
            if rest.split_whitespace().nth(1) == Some(&parent.to_string()) {
                parents.push(child);
                if name.contains(&format!("({program}")) {
                    found.push(i32::try_from(child).expect("a pid"));
                }
            }
        }
    }
    found
}

fn kill(pid: i32, signal: nix::sys::signal::Signal) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal).expect("kill");
}

fn pid(child: &Child) -> i32 {
    i32::try_from(child.id()).expect("a pid")
}

#[test]
#[ignore = "boots a guest; run by ci/test"]
fn a_command_in_the_guest_has_its_streams_and_its_status() {
    let output = run(&["vm", "--", "sh", "-c", "uname -r; echo to-stderr >&2; exit 7"]);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    assert!(stdout.contains("fencelab"), "{stdout}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("to-stderr"));
    assert_eq!(run(&["vm", "--", "sh", "-c", "kill -9 $$"]).status.code(), Some(137));
    assert_eq!(run(&["vm", "--", "no-such-program"]).status.code(), Some(127));
}

#[test]
#[ignore = "boots a guest; run by ci/test"]
fn a_command_in_the_guest_reads_what_it_is_given() {
    let mut command = fencelab(&["vm", "--", "wc", "-c"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("run fencelab");
    child.stdin.take().expect("its input").write_all(&[0xff; 100_000]).expect("write to it");
    let output = child.wait_with_output().expect("its output");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "100000");
}

#[test]
#[ignore = "boots a guest; run by ci/test"]
fn a_case_that_ends_in_any_way_is_a_result() {
    let scratch = Scratch::new();
    let output = run(&["run", "mock", "-o", &scratch.word()]);
    let session = session(&scratch.session());
    let verdicts = verdicts(&session);
    let expected = [
        ("pass", Verdict::Pass),
        ("fail", Verdict::Fail),
        ("skip", Verdict::Skip),
        ("subtests", Verdict::Pass),
        ("exit-odd", Verdict::Crash),
        ("abort", Verdict::Crash),
        ("panic", Verdict::Crash),
        ("flood", Verdict::Pass),
        ("close-pipes", Verdict::Crash),
        ("orphan", Verdict::Pass),
        ("hang", Verdict::Timeout),
        ("sleep", Verdict::Pass),
        ("kernel-panic", Verdict::Lost),
    ];
    for (name, verdict) in expected {
        assert_eq!(verdicts.get(name), Some(&verdict), "{name}");
    }
    assert_eq!(verdicts.len(), expected.len());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let panic =
        session.findings.iter().find(|finding| finding.kind == "panic").expect("the panic as a finding");
    assert_eq!(panic.attribution.case.as_deref(), Some("mock/kernel-panic"));
    let hang =
        session.case("mock/hang").expect("the case").attempts[0].dossier.as_ref().expect("its dossier");
    assert!(hang.tasks.iter().any(|task| !task.stack.is_empty()), "stacks before the kill: {hang:?}");
    // Every call up to the panic has reached the host, and no other case's is shown.
    let trace = run(&["trace", &scratch.word(), "--case", "mock/kernel-panic", "--kind", "ioctl"]);
    let text = String::from_utf8_lossy(&trace.stdout);
    assert_eq!(text.matches("SW_SYNC_IOC_CREATE_FENCE").count(), 100, "{text}");
    let none = run(&["trace", &scratch.word(), "--case", "mock/nonesuch"]);
    assert_eq!(none.status.code(), Some(3), "{none:?}");
    junit_parses(&scratch.session());
}

#[test]
#[ignore = "boots a guest; run by ci/test"]
fn a_killed_runner_is_taken_up_and_nothing_is_lost_or_run_twice() {
    let scratch = Scratch::new();
    let mut runner = fencelab(&["run", "sync-file", "-o", &scratch.word()]).spawn().expect("run fencelab");
    await_ended(&scratch.session(), 5);
    let guests = descendants(runner.id(), "qemu");
    runner.kill().expect("kill -9");
    runner.wait().expect("its end");
    junit_parses(&scratch.session());
    assert!(!guests.is_empty(), "no guest was seen");
    let gone = |pid: &i32| !Path::new(&format!("/proc/{pid}/exe")).exists();
    let deadline = Instant::now() + Duration::from_secs(10);
    while !guests.iter().all(gone) {
        assert!(Instant::now() < deadline, "a guest outlived its runner");
        std::thread::sleep(Duration::from_millis(50));
    }

    let before = session(&scratch.session());
    let open = before.cases.iter().filter(|record| record.finished().is_none()).count();
    assert!(open > 0, "the runner was killed too late");
    let output = run(&["resume", &scratch.word()]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let after = session(&scratch.session());
    let mut ends: HashMap<String, usize> = HashMap::new();
    for entry in entries(&scratch.session()) {
        if let Event::CaseFinished(finished) = entry.event {
            *ends.entry(finished.case).or_default() += 1;
        }
    }
    assert_eq!(ends.len(), after.cases.len(), "a case was lost");
    assert!(ends.values().all(|count| *count == 1), "a case ended twice: {ends:?}");
    assert_eq!(after.end, Some(SessionEnd::Complete));
    junit_parses(&scratch.session());
}

#[test]
#[ignore = "boots a guest; run by ci/test"]
fn a_killed_guest_costs_its_case_and_no_other() {
    let scratch = Scratch::new();
    let mut runner =
        fencelab(&["run", "mock/sleep", "sync-file", "-o", &scratch.word()]).spawn().expect("run fencelab");
    await_ended(&scratch.session(), 3);
    descendants(runner.id(), "qemu").iter().for_each(|pid| kill(*pid, nix::sys::signal::SIGKILL));
    runner.wait().expect("its end");
    let session = session(&scratch.session());
    let lost = session.cases.iter().filter(|record| Verdict::of(&session, record) == Verdict::Lost).count();
    assert!(lost <= 1, "{lost} cases were lost");
    assert!(session.cases.iter().all(|record| record.finished().is_some()), "a case has no result");
    assert_eq!(session.boots.len(), 2);
    assert!(
        matches!(&session.boots[0].end, Some(fencelab_events::BootEnd::Vanished { .. })),
        "{:?}",
        session.boots[0].end
    );
    junit_parses(&scratch.session());
}

#[test]
#[ignore = "boots a guest; run by ci/test"]
fn an_interrupted_run_ends_cleanly_with_valid_reports() {
    let scratch = Scratch::new();
    let mut runner = fencelab(&["run", "sync-file", "-o", &scratch.word()]).spawn().expect("run fencelab");
    await_ended(&scratch.session(), 2);
    kill(pid(&runner), nix::sys::signal::SIGINT);
    let status = runner.wait().expect("its end");
    assert!(status.code().is_some(), "{status}");
    assert_eq!(session(&scratch.session()).end, Some(SessionEnd::Interrupted));
    junit_parses(&scratch.session());
    for report in ["summary.txt", "report.html", "results.csv", "kernel.log"] {
        assert!(scratch.session().join(report).exists(), "{report}");
    }
}

#[test]
#[ignore = "boots a guest; run by ci/test"]
fn a_run_counts_the_locks_that_its_cases_took_first() {
    let scratch = Scratch::new();
    // vgem signals its fences in process context, where the kernel's own annotation makes that a section; the selftest
    // unloads its module, and the classes of its locks go with it.
    let selection = ["dma-buf/vgem-fence-usage@vgem", "kunit/dmabuf_selftests-dma_fence"];
    let output = run(&[&["run"][..], &selection, &["--coverage", "always", "-o", &scratch.word()]].concat());
    let session = session(&scratch.session());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let run = RunCoverage::of(&session);
    assert!(run.readings > session.cases.len(), "one at the boot and one for each case: {run:?}");
    let (all, by_cases) = run.count(Place::OverWait);
    assert!(all > by_cases, "what the boot primed is no case's: {run:?}");
    assert!(run.count(Place::InSection).1 > 0, "{run:?}");
    let summary = fs::read_to_string(scratch.session().join("summary.txt")).expect("summary.txt");
    assert!(summary.contains("Contract coverage"), "{summary}");
    junit_parses(&scratch.session());
}

#[test]
#[ignore = "boots a guest; run by ci/test"]
fn an_annotated_kernel_shows_which_drivers_allocate_in_their_commit_tails() {
    let scratch = Scratch::new();
    let output = run(&["run", "atomic/modeset*", "--kernel", "annotated", "-o", &scratch.word()]);
    let session = session(&scratch.session());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(session.cases.iter().all(|record| record.finished().is_some()), "a case has no result");
    let findings: Vec<_> =
        session.findings.iter().filter(|f| f.annotation.as_deref() == Some("06")).collect();
    assert!(!findings.is_empty(), "no driver was found wanting");
    for finding in &findings {
        assert!(finding.rules.iter().any(|rule| rule.id.starts_with("SIG-")), "{finding:?}");
        assert!(finding.attribution.case.is_some() && finding.attribution.how != How::Outside, "{finding:?}");
    }
    // A commit's own ioctl, or for a worker the commit that queued its tail.
    let sure = findings.iter().filter(|f| matches!(f.attribution.how, How::Call | How::Queued));
    let calls: Vec<_> = sure.filter_map(|f| f.attribution.call.as_ref()).collect();
    assert!(!calls.is_empty(), "no finding names its call");
    for call in calls {
        assert_eq!(call.ioctl, "DRM_IOCTL_MODE_ATOMIC", "{call:?}");
        assert!(call.device.as_ref().is_some_and(|device| device.contains(" card")), "{call:?}");
    }
    let kept = session.cases.iter().filter(|record| Verdict::of(&session, record) == Verdict::Pass).count();
    assert!(kept > 0, "every driver was found wanting");
    assert!(session.cases.iter().all(|record| Verdict::of(&session, record) != Verdict::Unarmed));
}
