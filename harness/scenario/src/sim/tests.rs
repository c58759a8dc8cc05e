use super::*;

fn of(processes: &str) -> Outcome {
    let objects = "objects: {a: syncobj on vgem, b: syncobj on vgem, t: timeline, f: sync_file, g: sync_file, h: sync_file, q: queue on software, r: queue on software}";
    let text = format!("about: x\nexpect: D1\n{objects}\nprocesses: {processes}\n");
    // What is declared and not used is no mistake here.
    simulate(&Scenario::read("x.yaml", &text).unwrap())
}

#[test]
fn a_wait_for_what_nobody_submits_is_an_orphan() {
    let outcome = of("{p: {m: [{wait: {points: [a@1], for_submit: true}}]}}");
    assert_eq!((outcome.verdict, outcome.blocked.len(), outcome.told), (Verdict::D2, 1, false));
    // Somebody who lives a little longer submits it.
    let outcome =
        of("{p: {m: [{wait: {points: [a@1], for_submit: true}}], n: [{sleep: 2s}, {signal: [a@2]}]}}");
    assert_eq!(outcome.verdict, Verdict::Clean);
}

#[test]
fn two_threads_that_should_submit_for_each_other_are_a_circle() {
    let outcome = of("{p: {m: [{wait: {points: [a@1], for_submit: true}}, {signal: [b@1]}], \
                       n: [{wait: {points: [b@1], for_submit: true}}, {signal: [a@1]}]}}");
    assert_eq!((outcome.verdict, outcome.told), (Verdict::D1, true));
}

#[test]
fn jobs_that_wait_for_each_other_through_user_space_are_a_circle() {
    let circle = "{p: {m: [{fence: {timeline: t, value: 1, to: f}}, {submit: {queue: q, in: [f], out: [g]}}, \
                   {submit: {queue: r, in: [g], out: [h]}}, {poll: {files: [h]}}, {signal: [t+1]}]}}";
    let outcome = of(circle);
    assert_eq!((outcome.verdict, outcome.told), (Verdict::D1, true));
    let clean =
        circle.replace("{poll: {files: [h]}}, {signal: [t+1]}", "{signal: [t+1]}, {poll: {files: [h]}}");
    assert_eq!(of(&clean).verdict, Verdict::Clean);
    // A wait that soon gives up is none.
    let short = circle.replace("files: [h]", "files: [h], timeout: 500ms");
    assert_eq!(of(&short).verdict, Verdict::Clean);
}

#[test]
fn a_fence_that_a_reset_took_away_is_a_lost_signal() {
    let lost = "{p: {m: [{signal: [a]}, {reset: [a], label: gone}], \
                 n: [{wait: {points: [a], for_submit: true}, after: [gone]}]}}";
    assert_eq!(of(lost).verdict, Verdict::D3);
    let found = lost.replace("after: [gone]", "at: 0s");
    assert_eq!(of(&found).verdict, Verdict::D3, "the reset comes first by its place");
}

#[test]
fn who_began_to_wait_before_the_reset_has_the_fence() {
    let outcome =
        of("{p: {m: [{fence: {timeline: t, value: 1, to: f}}, {import: {from: f, to: a}, label: given}, \
                       {reset: [a], after: [w begun]}, {signal: [t+1]}], \
                       n: [{wait: {points: [a]}, label: w, after: [given]}]}}");
    assert_eq!(outcome.verdict, Verdict::Clean);
}

#[test]
fn fences_of_a_dead_owner_are_signalled_with_its_timeline() {
    let outcome = of(
        "{p: {m: [{create: t}, {fence: {timeline: t, value: 1, to: f}}, {send: {object: f, to: q}}, {exit: 0}]}, \
                       q: {m: [{receive: {object: f, from: p}}, {poll: {files: [f]}}]}}",
    );
    assert_eq!(outcome.verdict, Verdict::Clean);
}

#[test]
fn any_point_is_enough_and_a_later_one_does() {
    let outcome =
        of("{p: {m: [{wait: {points: [a@1, b@3], any: true, for_submit: true}}], n: [{signal: [b@7]}]}}");
    assert_eq!((outcome.verdict, outcome.done), (Verdict::Clean, 2));
}
