//! Scenarios read: what is right as it is meant, what is wrong with its place.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use fencelab_scenario::{Error, Expect, Scenario, simulate};

const GOOD: &str = "about: A wait
expect: D2
objects:
  acquire: syncobj on virtio-gpu
  done: sync_file
processes:
  app:
    main:
      - {signal: [acquire@1], label: given}
      - export: {from: acquire@1, to: done}
    other:
      - {wait: {points: [acquire@2], for_submit: true}, after: [given]}
";

/// The mistake that comes of putting one text in place of another.
fn wrong(from: &str, to: &str) -> (usize, usize, String) {
    assert!(GOOD.contains(from), "{from}");
    match Scenario::read("x.yaml", &GOOD.replacen(from, to, 1)).unwrap_err() {
        Error::At { file, line, column, what } => {
            assert_eq!(file, "x.yaml");
            (line, column, what)
        }
        Error::Whole { what, .. } => (0, 0, what),
    }
}

#[test]
fn what_is_written_is_read_back() {
    let scenario = Scenario::read("x.yaml", GOOD).unwrap();
    assert_eq!(Scenario::read("y.yaml", &scenario.to_string()).unwrap(), scenario);
    assert!(Scenario::is_one(GOOD) && !Scenario::is_one("about: x\ninclude: [atomic]\n"));
}

#[test]
fn mistakes_are_told_with_their_place() {
    for (from, to, line, says) in [
        ("signal: [acquire@1]", "singal: [acquire@1]", 9, "singal"),
        ("[acquire@2]", "[aquire@2]", 12, "unknown object `aquire`: did you mean `acquire`?"),
        ("after: [given]", "after: [gone]", 12, "unknown label `gone`"),
        ("acquire@2", "acquire@two", 12, "`two` is no number"),
        ("[acquire@2]", "[done]", 12, "`done` is a sync_file, where a syncobj is needed"),
        ("signal: [acquire@1]", "signal: [done@1]", 9, "only a syncobj has points"),
        ("syncobj on virtio-gpu", "mutex", 4, "unknown sort of object `mutex`"),
        ("expect: D2", "expect: D9", 2, "unknown verdict `D9`"),
        ("for_submit: true", "for_submit: maybe", 12, "bool"),
        ("label: given", "label: 2fast", 9, "no name"),
    ] {
        let (at, column, what) = wrong(from, to);
        assert!(what.contains(says), "{to}: {what}");
        assert_eq!(at, line, "{to}: {what}");
        assert!(column > 0, "{to}");
    }
}

#[test]
fn what_only_the_whole_shows_is_told_too() {
    let (.., what) =
        wrong("      - export: {from: acquire@1, to: done}\n", "      - poll: {files: [done]}\n");
    assert!(what.contains("app/main uses `done`, which app neither makes nor receives"), "{what}");
    let (.., what) = wrong("      - export:", "      - {sleep: 1ms, label: given}\n      - export:");
    assert!(what.contains("two steps have the label `given`"), "{what}");
}

#[test]
fn the_scenarios_that_come_along_come_to_what_they_say() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/scenarios");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let scenario =
            Scenario::read(&path.display().to_string(), &std::fs::read_to_string(&path).unwrap()).unwrap();
        let found = simulate(&scenario).verdict.expect();
        let hangs = scenario.expect == Expect::Hang && found != Expect::Clean;
        assert!(hangs || found == scenario.expect, "{}: {found}", path.display());
        seen += usize::from(scenario.expect != Expect::Clean);
    }
    assert!(seen >= 2);
}
