use fencelab_scenario::{Scenario, Verdict, simulate};

use super::*;

const NOISY: &str = "about: A circle among much else.
expect: D1
objects:
  clock: timeline
  other: timeline
  left: queue on software
  right: queue on software
  idle: syncobj on vgem
  ours: sync_file
  first: sync_file
  second: sync_file
  more: sync_file
processes:
  app:
    main:
      - signal: [idle@1]
      - fence: {timeline: clock, value: 1, to: ours}
      - fence: {timeline: other, value: 1, to: more}
      - signal: [other+1]
      - {submit: {queue: left, in: [ours, more], out: [first, idle@7], lasts: 5ms}, label: given}
      - submit: {queue: right, in: [first], out: [second]}
      - sleep: 3ms
      - poll: {files: [second]}
      - signal: [clock+1]
    worker:
      - {wait: {points: [idle@1], for_submit: true}, after: [given]}
      - signal: [idle@9]
  bystander:
    main:
      - sleep: 1ms
";

#[test]
fn what_is_no_part_of_the_circle_goes() {
    let noisy = Scenario::read("noisy.yaml", NOISY).unwrap();
    let before = simulate(&noisy);
    assert_eq!((before.verdict, before.told), (Verdict::D1, true));
    let shrunk = minimize(&noisy, Devices::Kept, &mut |candidate| {
        let outcome = simulate(candidate);
        outcome.verdict == Verdict::D1 && outcome.told
    });
    let small = shrunk.scenario.to_string();
    assert!(shrunk.scenario.len() <= 5, "{small}");
    for gone in ["bystander", "worker", "other", "idle", "sleep", "lasts"] {
        assert!(!small.contains(gone), "{gone} is still in\n{small}");
    }
    for kept in ["fence", "submit", "poll", "signal: [clock+1]"] {
        assert!(small.contains(kept), "{kept} is gone from\n{small}");
    }
    // It is written as it is read.
    assert_eq!(Scenario::read("small.yaml", &small).unwrap(), shrunk.scenario);
    assert_eq!(shrunk.way.last(), Some(&shrunk.scenario));
}

#[test]
fn what_never_comes_to_the_same_stays_as_it_is() {
    let noisy = Scenario::read("noisy.yaml", NOISY).unwrap();
    let shrunk = minimize(&noisy, Devices::Kept, &mut |_| false);
    assert_eq!(shrunk.scenario, tidy(noisy));
    assert!(shrunk.way.is_empty() && shrunk.tried > 10);
}

const SCREENS: &str = "about: A circle through two displays.
expect: D1
objects:
  clock: timeline
  left: crtc on vkms
  right: crtc on cirrus
  ours: sync_file
  first: sync_file
processes:
  compositor:
    main:
      - fence: {timeline: clock, value: 1, to: ours}
      - commit: {crtc: left, in: ours, out: first}
      - commit: {crtc: right, in: first, blocking: true}
      - signal: [clock+1]
";

#[test]
fn software_stands_in_for_displays_unless_they_are_to_stay() {
    let screens = Scenario::read("screens.yaml", SCREENS).unwrap();
    let mut circle = |candidate: &Scenario| {
        let outcome = simulate(candidate);
        outcome.verdict == Verdict::D1 && outcome.told
    };
    let kept = minimize(&screens, Devices::Kept, &mut circle).scenario;
    assert_eq!(kept.devices(), ["cirrus", "vkms"]);
    let small = minimize(&screens, Devices::StoodInFor, &mut circle).scenario;
    assert!(small.devices().is_empty(), "{small}");
    // What a blocking commit waited for is still waited for.
    let text = small.to_string();
    assert!(text.contains("poll: {files: [right_done_1]}") && small.len() == 5, "{text}");
    assert_eq!(Scenario::read("small.yaml", &text).unwrap(), small);
}

#[test]
fn what_a_stand_in_signals_takes_nobodys_name() {
    let text = SCREENS
        .replace("  ours: sync_file\n", "  ours: sync_file\n  right_done_1: timeline\n")
        .replace("      - signal: [clock+1]", "      - signal: [right_done_1+1]\n      - signal: [clock+1]");
    let screens = Scenario::read("screens.yaml", &text).unwrap();
    let at = screens.objects.keys().position(|name| name.to_string() == "right").unwrap();
    let stood_in = stand_ins::object(&screens, at).unwrap();
    assert_eq!(stood_in.check(), Ok(()));
    let text = stood_in.to_string();
    assert!(text.contains("right_done_1: timeline") && text.contains("right_done_2: sync_file"), "{text}");
    assert!(text.contains("poll: {files: [right_done_2]}"), "{text}");
}
