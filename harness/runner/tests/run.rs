//! What becomes of a session when its machines misbehave, told by a bench that plays a script.

#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use common::{Act, Script, case, go_on, planned, planned_cases, play, side_by_side};
use fencelab_bench::Down;
use fencelab_events::{
    BootEnd, Event, How, Lockdep, LockdepCause, Outcome, Place, PlannedCase, RunCoverage, SessionEnd, Verdict,
};
use fencelab_runner::{Error, Folder, Journal, Sync};

const SPLAT: &[&str] = &[
    "",
    "======================================================",
    "WARNING: possible circular locking dependency detected",
    "6.12.117-fencelab #1 Not tainted",
    "------------------------------------------------------",
    "case/101 is trying to acquire lock:",
    "ffff888 (fs_reclaim){+.+.}-{0:0}, at: fs_reclaim_acquire+0x1/0x2",
    "",
    "but task is already holding lock:",
    "ffffffff (dma_fence_map){++++}-{0:0}, at: commit_tail+0x1/0x2",
    "",
];

fn folder() -> (tempfile::TempDir, Folder) {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::new(dir.path().join("session"));
    (dir, folder)
}

fn verdicts(session: &fencelab_events::Session) -> Vec<Verdict> {
    session.cases.iter().map(|record| Verdict::of(session, record)).collect()
}

#[test]
fn a_quiet_session_is_clean_on_one_boot() {
    let (_dir, folder) = folder();
    let mut script = Script::new([("b", Act { outcome: Some(Outcome::Skip), ..Act::default() })]);
    let session = play(&mut script, &folder, &["a", "b"]).unwrap();
    assert_eq!(verdicts(&session), [Verdict::Pass, Verdict::Skip]);
    assert_eq!((script.boots, session.end), (1, Some(SessionEnd::Complete)));
}

#[test]
fn machines_side_by_side_share_the_cases() {
    let (_dir, folder) = folder();
    // The first to take its case is gone with it; whoever is free takes the next.
    let acts = || {
        let lost = Act { gone_before: 1, ..Act::default() };
        [("a", lost), ("c", Act { log: SPLAT.to_vec(), ..Act::default() })]
    };
    let (mut one, mut two) = (Script::new(acts()), Script::new(acts()));
    two.ran = one.ran.clone();
    let names = ["a", "b", "c", "d", "e", "f"];
    let journal = planned(&folder, &names);
    let session = side_by_side(&mut [&mut one, &mut two], &folder, journal).unwrap();
    let splats = verdicts(&session).into_iter().filter(|verdict| *verdict == Verdict::Splat).count();
    assert_eq!((splats, session.end.clone()), (1, Some(SessionEnd::Complete)));
    let mut ran = one.ran.lock().unwrap().clone();
    ran.sort();
    ran.dedup();
    assert_eq!(ran, names.map(|name| format!("suite/{name}")));
    let numbers: Vec<u32> = session.boots.iter().map(|boot| boot.number).collect();
    let mut sorted = numbers.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(sorted.len(), numbers.len(), "two boots of one number: {numbers:?}");
    assert_eq!(usize::try_from(one.boots + two.boots).unwrap(), numbers.len());
    assert!(session.boots.iter().all(|boot| boot.end.is_some()));
}

#[test]
fn a_machine_that_does_not_come_up_leaves_its_cases_to_the_others() {
    let (_dir, folder) = folder();
    let (mut one, mut two) = (Script::new([]), Script::new([]));
    two.failing = (1..=9).collect();
    let journal = planned(&folder, &["a", "b", "c"]);
    let session = side_by_side(&mut [&mut one, &mut two], &folder, journal).unwrap();
    assert_eq!((verdicts(&session), session.boots.len()), (vec![Verdict::Pass; 3], 1));
    // It may have found nothing left to do.
    let left = |note: &String| note.contains("a machine less") || note.contains("did not come up");
    assert!(session.notes.iter().all(left), "{:?}", session.notes);
}

#[test]
fn machines_of_which_none_comes_up_end_the_run() {
    let (_dir, folder) = folder();
    let (mut one, mut two) = (Script::new([]), Script::new([]));
    (one.failing, two.failing) = (vec![1, 2, 3], vec![1, 2, 3]);
    let journal = planned(&folder, &["a", "b"]);
    let ended = side_by_side(&mut [&mut one, &mut two], &folder, journal);
    assert!(matches!(ended, Err(Error::Bench(_))), "{ended:?}");
    let session = Journal::reopen(&folder, Sync::EachCase).unwrap().session().clone();
    assert!(matches!(session.end, Some(SessionEnd::Aborted { .. })));
    assert_eq!(verdicts(&session), [Verdict::NotRun, Verdict::NotRun]);
}

#[test]
fn a_case_is_owed_the_locks_that_it_took_inside_sections_first() {
    let (_dir, folder) = folder();
    let act = |in_section, in_module| Act { in_section, in_module, ..Act::default() };
    let mut script = Script::new([
        ("a", act(vec!["&a->lock"], vec![])),
        ("b", act(vec![], vec!["&module->lock"])),
        ("c", act(vec!["&a->lock"], vec![])),
    ]);
    let session = play(&mut script, &folder, &["a", "b", "c"]).unwrap();
    let coverage = |index: usize| session.cases[index].finished().unwrap().coverage.clone().unwrap();
    assert_eq!(session.boot_coverage.len(), 1, "before any case ran");
    assert_eq!(session.boot_coverage[0].1.signalling.around, ["fs_reclaim"]);
    assert_eq!(coverage(0).signalling.inside, ["&a->lock"]);
    assert_eq!((coverage(1).signalling.inside, coverage(1).took_us), (vec!["&module->lock".to_owned()], 10));
    assert_eq!((coverage(2).new_edges(), coverage(2).signalling.inside_before), (0, 2));
    let run = RunCoverage::of(&session);
    assert_eq!((run.count(Place::InSection), run.count(Place::OverWait), run.readings), ((2, 2), (1, 0), 4));
}

#[test]
fn a_claim_without_a_lock_inside_a_section_is_no_pass() {
    for (in_section, expected) in [(vec![], Verdict::Unexercised), (vec!["&a->lock"], Verdict::Pass)] {
        let (_dir, folder) = folder();
        let mut script = Script::new([("a", Act { in_section, ..Act::default() })]);
        // Dear to read: only what claims a rule that the edges show is followed by a reading.
        script.reading_us = Some(900_000);
        let claim = PlannedCase { rules: vec!["SIG-RECLAIM".into()], ..case("a") };
        let journal = planned_cases(&folder, vec![claim, case("b")]);
        let session = go_on(&mut script, &folder, journal).unwrap();
        assert_eq!(verdicts(&session), [expected, Verdict::Pass]);
        let read = |index: usize| session.cases[index].finished().unwrap().coverage.is_some();
        assert_eq!((read(0), read(1)), (true, false));
        assert_eq!(session.boot_coverage.len(), 2, "at the boot's begin, and for what b did at its end");
    }
}

#[test]
fn coverage_that_cannot_be_read_is_said_once_and_judges_nobody() {
    let (_dir, folder) = folder();
    let mut script = Script::new([]);
    script.reading_us = None;
    let claim = PlannedCase { rules: vec!["SIG-RECLAIM".into()], ..case("a") };
    let journal = planned_cases(&folder, vec![claim, case("b")]);
    let session = go_on(&mut script, &folder, journal).unwrap();
    assert_eq!(verdicts(&session), [Verdict::Pass, Verdict::Pass]);
    let said: Vec<_> = session.notes.iter().filter(|note| note.contains("coverage is not known")).collect();
    assert_eq!(said.len(), 1, "{:?}", session.notes);
}

#[test]
fn a_splat_is_laid_to_its_case_and_the_rest_runs_armed_on_another_boot() {
    let (_dir, folder) = folder();
    let mut script = Script::new([("a", Act { log: SPLAT.to_vec(), ..Act::default() })]);
    let session = play(&mut script, &folder, &["a", "b"]).unwrap();
    assert_eq!(verdicts(&session), [Verdict::Splat, Verdict::Pass]);
    let finding = &session.findings[0];
    assert_eq!(
        (finding.attribution.how, finding.attribution.case.as_deref()),
        (How::Caller, Some("suite/a"))
    );
    assert_eq!(session.lockdep_off[0].1, LockdepCause::Splat);
    assert_eq!(session.cases[1].attempts[0].lockdep, Lockdep::Armed);
    assert_eq!(script.boots, 2);
    let text = std::fs::read_to_string(folder.path().join(&finding.file)).unwrap();
    assert!(text.contains("fs_reclaim"), "{text}");
}

#[test]
fn where_the_machine_cannot_be_rebooted_later_passes_are_unarmed() {
    let (_dir, folder) = folder();
    let mut script = Script::new([("a", Act { log: SPLAT.to_vec(), ..Act::default() })]);
    script.can_reboot = false;
    let session = play(&mut script, &folder, &["a", "b"]).unwrap();
    assert_eq!(verdicts(&session), [Verdict::Splat, Verdict::Unarmed]);
    assert_eq!(script.boots, 1);
}

#[test]
fn a_panic_a_silence_and_a_disappearance_are_told_apart_and_the_rest_runs() {
    let ends = [
        (Down::Panic { message: "not syncing: oh".into() }, "panicked"),
        (Down::Silent { after_ms: 5 }, "silent"),
        (Down::Vanished { how: "killed by signal 9".into() }, "vanished"),
    ];
    for (down, word) in ends {
        let (_dir, folder) = folder();
        let mut script = Script::new([("a", Act { down: Some(down), ..Act::default() })]);
        let session = play(&mut script, &folder, &["a", "b"]).unwrap();
        assert_eq!(verdicts(&session), [Verdict::Lost, Verdict::Pass]);
        let reason = &session.cases[0].finished().unwrap().reason;
        assert!(reason.contains(word), "{reason}");
        assert!(!matches!(session.boots[0].end, Some(BootEnd::Done)), "{:?}", session.boots[0].end);
    }
}

#[test]
fn a_panics_last_words_come_from_the_console() {
    let (_dir, folder) = folder();
    let console = vec!["[    9.000000][  T101] Kernel panic - not syncing: sysrq triggered crash"];
    let down = Some(Down::Panic { message: "sysrq triggered crash".into() });
    let mut script = Script::new([("a", Act { down, console, ..Act::default() })]);
    let session = play(&mut script, &folder, &["a"]).unwrap();
    assert_eq!(session.findings[0].kind, "panic");
    assert_eq!(session.findings[0].attribution.case.as_deref(), Some("suite/a"));
}

#[test]
fn lost_log_records_make_a_pass_doubtful() {
    let (_dir, folder) = folder();
    let log = vec!["a harmless line"];
    let mut script = Script::new([
        ("a", Act { log: log.clone(), ..Act::default() }),
        ("b", Act { lose: 4, log, ..Act::default() }),
    ]);
    let session = play(&mut script, &folder, &["a", "b", "c"]).unwrap();
    assert_eq!(verdicts(&session), [Verdict::Pass, Verdict::Unarmed, Verdict::Pass]);
    assert_eq!(session.gaps, [(1, 2, 4, Some("suite/b".into()))]);
}

#[test]
fn a_task_that_cannot_be_killed_costs_a_reboot() {
    let (_dir, folder) = folder();
    let mut script = Script::new([("a", Act { outcome: Some(Outcome::Stuck), ..Act::default() })]);
    let session = play(&mut script, &folder, &["a", "b"]).unwrap();
    assert_eq!(verdicts(&session), [Verdict::Stuck, Verdict::Pass]);
    assert!(matches!(&session.boots[0].end, Some(BootEnd::Restarted { why }) if why.contains("suite/a")));
}

#[test]
fn a_stop_leaves_the_rest_for_resume_which_runs_nothing_twice() {
    let (_dir, folder) = folder();
    let mut script = Script::new([("b", Act { stop: true, ..Act::default() })]);
    let ran = script.ran.clone();
    let session = play(&mut script, &folder, &["a", "b", "c"]).unwrap();
    assert_eq!(session.end, Some(SessionEnd::Interrupted));
    assert_eq!(verdicts(&session), [Verdict::Pass, Verdict::NotRun, Verdict::NotRun]);

    let mut again = Script::new([]);
    again.ran = ran.clone();
    let journal = Journal::reopen(&folder, Sync::EachCase).unwrap();
    let session = go_on(&mut again, &folder, journal).unwrap();
    assert_eq!(verdicts(&session), [Verdict::Pass; 3]);
    assert_eq!(*ran.lock().unwrap(), ["suite/a", "suite/b", "suite/b", "suite/c"]);
    assert_eq!(session.cases[1].attempts.len(), 2);
}

#[test]
fn a_journal_torn_by_a_kill_is_taken_up_where_it_was_whole() {
    let (_dir, folder) = folder();
    let mut journal = planned(&folder, &["a", "b"]);
    let start = Event::CaseStarted { case: case("a").id, attempt: 1, boot: 1, lockdep: Lockdep::Armed };
    journal.write(start).unwrap();
    drop(journal);
    let path = folder.journal();
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, [&whole[..], br#"{"at_ms":1,"event":"case-fin"#].concat()).unwrap();

    let journal = Journal::reopen(&folder, Sync::EachCase).unwrap();
    let session = go_on(&mut Script::new([]), &folder, journal).unwrap();
    assert_eq!(verdicts(&session), [Verdict::Pass; 2]);
    assert_eq!(session.cases[0].attempts.len(), 2, "the case that was cut short runs again");
}

#[test]
fn a_session_has_one_runner_and_one_beginning() {
    let (_dir, folder) = folder();
    let journal = planned(&folder, &["a"]);
    assert!(matches!(Journal::reopen(&folder, Sync::EachCase), Err(Error::InUse { .. })));
    drop(journal);
    assert!(matches!(Journal::create(&folder, Sync::EachCase), Err(Error::SessionExists { .. })));
}

#[test]
fn a_bench_that_never_comes_up_is_an_error_and_one_that_stumbles_is_tried_again() {
    let (_dir, first) = folder();
    let mut script = Script::new([]);
    script.failing = vec![1];
    assert!(matches!(play(&mut script, &first, &["a"]), Err(Error::Bench(_))));

    let (_dir, second) = folder();
    let mut script = Script::new([("a", Act { log: SPLAT.to_vec(), ..Act::default() })]);
    script.failing = vec![2];
    let session = play(&mut script, &second, &["a", "b"]).unwrap();
    assert_eq!(verdicts(&session), [Verdict::Splat, Verdict::Pass]);

    let (_dir, third) = folder();
    let down = || Act { down: Some(Down::Silent { after_ms: 1 }), ..Act::default() };
    let mut script = Script::new([("a", down()), ("b", Act::default())]);
    script.failing = vec![2, 3, 4];
    let error = play(&mut script, &third, &["a", "b"]).unwrap_err();
    assert!(matches!(error, Error::Unsteady { times: 3, .. }), "{error}");
}

#[test]
fn cases_that_take_the_machine_down_one_after_another_do_not_end_the_night() {
    let (_dir, folder) = folder();
    let down = || Act { down: Some(Down::Silent { after_ms: 1 }), ..Act::default() };
    let mut script = Script::new([("a", down()), ("b", down()), ("c", down()), ("d", down())]);
    let session = play(&mut script, &folder, &["a", "b", "c", "d", "e"]).unwrap();
    assert_eq!(verdicts(&session)[..4], [Verdict::Lost; 4]);
    assert_eq!(verdicts(&session)[4], Verdict::Pass);
}

#[test]
fn a_case_whose_machine_was_gone_before_it_began_is_not_to_blame_and_runs_again() {
    let (_dir, folder) = folder();
    let mut script = Script::new([("b", Act { gone_before: 1, ..Act::default() })]);
    let session = play(&mut script, &folder, &["a", "b", "c"]).unwrap();
    assert_eq!(verdicts(&session), [Verdict::Pass; 3]);
    assert_eq!((session.boots.len(), session.cases[1].attempts.len()), (2, 2));

    let (_other, folder) = self::folder();
    let mut script = Script::new([("b", Act { gone_before: 9, ..Act::default() })]);
    let session = play(&mut script, &folder, &["a", "b", "c"]).unwrap();
    assert_eq!(verdicts(&session), [Verdict::Pass, Verdict::Lost, Verdict::Pass], "it does not run for ever");
}

#[test]
fn a_log_that_does_not_arrive_to_its_end_makes_a_pass_doubtful() {
    let (_dir, folder) = folder();
    let mut script = Script::new([("a", Act { unheard: 2, ..Act::default() })]);
    let session = play(&mut script, &folder, &["a"]).unwrap();
    assert_eq!(verdicts(&session), [Verdict::Unarmed]);
}

#[test]
fn a_run_that_is_stopped_while_it_boots_ends_as_interrupted() {
    let (_dir, folder) = folder();
    let mut script = Script::new([]);
    script.stopped_boot = 1;
    let session = play(&mut script, &folder, &["a"]).unwrap();
    assert_eq!((session.end, session.boots.len()), (Some(SessionEnd::Interrupted), 0));
    assert_eq!(session.cases[0].attempts.len(), 0);
}

const STALL: &[&str] = &[
    "rcu: INFO: rcu_sched detected stalls on CPUs/tasks:",
    "rcu: \t1-...!: (0 ticks this GP) idle=0b84/1/0x4000000000000000 softirq=100/100 fqs=0",
    "rcu: \t(detected by 0, t=26002 jiffies, g=-1111, q=24 ncpus=2)",
];

#[test]
fn an_emulated_guests_stall_at_boot_is_a_note_and_a_real_ones_a_finding() {
    for emulated in [true, false] {
        let (_dir, folder) = folder();
        let mut script = Script::new([]);
        (script.emulated, script.boot_log) = (emulated, STALL.to_vec());
        let session = play(&mut script, &folder, &["a"]).unwrap();
        assert_eq!(session.findings.len(), usize::from(!emulated), "{:?}", session.findings);
        assert_eq!(session.notes.len(), usize::from(emulated), "{:?}", session.notes);
    }
}

#[test]
fn what_lockdep_did_not_watch_runs_once_more_on_a_fresh_boot() {
    let (_dir, folder) = folder();
    let mut script = Script::new([("b", Act { quietly_off: true, ..Act::default() })]);
    let session = play(&mut script, &folder, &["a", "b"]).unwrap();
    assert_eq!(verdicts(&session), [Verdict::Pass, Verdict::Pass]);
    assert_eq!(*script.ran.lock().unwrap(), ["suite/a", "suite/b", "suite/a", "suite/b"]);
    assert_eq!((script.boots, session.lockdep_off.len()), (2, 1));
    assert_eq!(session.end, Some(SessionEnd::Complete));
}
