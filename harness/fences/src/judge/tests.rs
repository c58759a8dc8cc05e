use fencelab_trace::ThreadId;
use fencelab_trace::model::{Effect, Target, Until};

use crate::finding::Kind;
use crate::graph::{Doing, Key, Nobody, Task};
use crate::testing::{Known, Play, keys, object};

const TIMELINE: u32 = 100;
const FILE: u32 = 102;
const ONE: u32 = 110;
const TWO: u32 = 120;

fn file(number: u32) -> Target {
    Target::File(object(number))
}

fn point(of: u32, point: u64) -> Target {
    Target::Point(object(of), point)
}

fn in_futex(tid: u32) -> Task {
    Task { tid, doing: Doing::Futex }
}

fn busy(tid: u32) -> Task {
    Task { tid, doing: Doing::Other }
}

/// A fence of process 10, and an out-fence of a commit that waits for it.
fn one_commit() -> Play {
    let mut play = Play::new();
    play.holds(10, TIMELINE).lives(10, 1);
    play.fence(1, TIMELINE, 1, 101, FILE);
    play.commit(1, 1, &[file(FILE)], ONE, false);
    play
}

/// Two commits on two devices, the second behind the first, and thread 2 waits for the second.
fn two_commits() -> Play {
    let mut play = one_commit();
    let copy = |fence, to| Effect::Copy { from: Target::Fence(object(fence)), to: file(to), adds: false };
    play.call(1, &[copy(ONE, ONE + 1)], &[]);
    play.commit(1, 2, &[file(ONE + 1)], TWO, false);
    play.call(1, &[copy(TWO, TWO + 1)], &[]);
    play.lives(10, 2);
    play.wait(2, &[file(TWO + 1)], true, Until::Forever);
    play
}

#[test]
fn a_circle_over_two_devices_is_a_cycle_unless_somebody_acts() {
    let mut play = two_commits();
    let (graph, verdicts) = play.judge(&Nobody);
    let [verdict] = &verdicts[..] else { panic!("{verdicts:?}") };
    assert_eq!(verdict.kind, Kind::Cycle);
    assert_eq!(keys(&graph, &verdict.unless), [Key::Live(10, 1)]);
    let way = keys(&graph, &verdict.witness);
    assert_eq!((way.first(), way.last()), (Some(&Key::Thread(ThreadId(2))), Some(&Key::Thread(ThreadId(2)))));
    assert_eq!(way.iter().filter(|key| matches!(key, Key::Job(_))).count(), 2, "{way:?}");
}

#[test]
fn it_is_proven_when_the_other_thread_sleeps_until_this_one_wakes_it() {
    let mut play = two_commits();
    let known = Known(vec![(10, in_futex(1)), (10, busy(2))]);
    // Whatever way is taken from the process leads back.
    assert_eq!(play.kinds(&known), [(Kind::Knot, true)]);
}

#[test]
fn a_thread_that_the_trace_did_not_see_may_act() {
    let mut play = two_commits();
    let known = Known(vec![(10, in_futex(1)), (10, busy(2)), (10, busy(3))]);
    assert_eq!(play.kinds(&known), [(Kind::Cycle, false)]);
}

#[test]
fn a_fence_whose_owner_is_dead_is_an_orphan_unless_somebody_else_acts() {
    let mut play = one_commit();
    play.holds(20, TIMELINE).lives(20, 11);
    play.holders.bury(object(TIMELINE), 30);
    let (graph, verdicts) = play.judge(&Nobody);
    let [verdict] = &verdicts[..] else { panic!("{verdicts:?}") };
    assert_eq!(verdict.kind, Kind::Orphan);
    let mut could: Vec<Key> = keys(&graph, &verdict.unless);
    could.retain(|key| matches!(key, Key::Live(pid, _) if [10, 20].contains(pid)));
    assert!(!could.is_empty() && could.len() == verdict.unless.len(), "those who have it");
}

#[test]
fn who_holds_the_timeline_may_signal() {
    let mut play = one_commit();
    assert_eq!(play.kinds(&Nobody), [(Kind::Pending, false)]);
}

#[test]
fn a_dead_owner_leaves_an_orphan() {
    let mut play = one_commit();
    let (graph, verdicts) = play.judge(&Known(Vec::new()));
    let [verdict] = &verdicts[..] else { panic!("{verdicts:?}") };
    assert_eq!((verdict.kind, verdict.until_timeout), (Kind::Orphan, false));
    assert!(matches!(graph.node(verdict.culprit).key, Key::Fence(_)));
}

#[test]
fn a_signal_ends_it_all() {
    let mut play = two_commits();
    play.call(1, &[Effect::Signal(0..1)], &[Target::Timeline(object(TIMELINE), 1)]);
    let kinds = play.kinds(&Nobody);
    assert!(kinds.iter().all(|(kind, _)| *kind == Kind::Device), "{kinds:?}");
}

#[test]
fn a_wait_for_ones_own_signal_is_no_circle_between_parties() {
    let mut play = one_commit();
    play.lives(10, 2);
    play.commit(2, 1, &[], TWO, true);
    assert_eq!(play.kinds(&Nobody), [(Kind::Pending, false)]);
}

#[test]
fn what_the_kernel_holds_up_stands_behind_the_stuck_commit() {
    let mut play = one_commit();
    play.lives(20, 11);
    play.query(11, 1);
    let (graph, verdicts) = play.judge(&Nobody);
    let [verdict] = &verdicts[..] else { panic!("{verdicts:?}") };
    assert!(keys(&graph, &verdict.stuck).contains(&Key::Thread(ThreadId(11))));
}

#[test]
fn two_threads_that_should_submit_for_each_other_are_a_cycle() {
    let mut play = Play::new();
    play.holds(10, 1).holds(10, 2).lives(10, 1).lives(10, 2).lives(10, 3);
    play.wait(1, &[point(1, 1)], true, Until::At(5_000));
    play.wait(2, &[point(2, 1)], true, Until::At(5_000));
    assert_eq!(play.kinds(&Nobody), [(Kind::Cycle, false)]);
    let known = Known(vec![(10, busy(1)), (10, busy(2)), (10, in_futex(3))]);
    let (_, verdicts) = play.judge(&known);
    let [verdict] = &verdicts[..] else { panic!("{verdicts:?}") };
    assert!(verdict.kind == Kind::Knot || verdict.kind == Kind::Cycle);
    assert!(verdict.unless.is_empty() && verdict.until_timeout);
}

#[test]
fn a_point_that_nobody_submits_is_said() {
    let mut play = Play::new();
    play.holds(10, 1).lives(10, 1).lives(10, 2);
    play.wait(1, &[point(1, 3)], true, Until::Forever);
    assert_eq!(play.kinds(&Nobody), [(Kind::NeverSubmitted, false)]);
    // A later point will do.
    let signal = Effect::Signal(0..1);
    play.call(2, &[signal], &[point(1, 4)]);
    assert_eq!(play.kinds(&Nobody), []);
}

#[test]
fn only_the_one_who_waits_could_submit() {
    let mut play = Play::new();
    play.holds(10, 1).lives(10, 1);
    play.wait(1, &[point(1, 1)], true, Until::Forever);
    assert_eq!(play.kinds(&Known(vec![(10, busy(1))])), [(Kind::Orphan, true)]);
}

#[test]
fn any_of_several_is_enough() {
    let mut play = Play::new();
    play.holds(10, 1).holds(20, 2).lives(10, 1).lives(20, 11);
    play.wait(1, &[point(1, 1), point(2, 1)], false, Until::Forever);
    let dead = Known(vec![(10, busy(1))]);
    assert!(
        play.kinds(&dead).iter().any(|(kind, proven)| *kind == Kind::Orphan && *proven),
        "{:?}",
        play.kinds(&dead)
    );
    let alive = Known(vec![(10, busy(1)), (20, busy(11))]);
    assert!(play.kinds(&alive).iter().all(|(_, proven)| !proven), "{:?}", play.kinds(&alive));
}

#[test]
fn a_job_that_has_been_the_devices_for_long_is_the_devices() {
    let mut play = Play::new();
    play.lives(10, 1);
    play.commit(1, 1, &[], ONE, true);
    let (graph, verdicts) = play.judge(&Nobody);
    let [verdict] = &verdicts[..] else { panic!("{verdicts:?}") };
    assert_eq!(verdict.kind, Kind::Device);
    assert!(matches!(graph.node(verdict.culprit).key, Key::Job(_)));
}

#[test]
fn what_came_from_outside_may_be_signalled_there() {
    let mut play = Play::new();
    play.lives(10, 1);
    play.wait(1, &[file(FILE)], true, Until::Forever);
    let kinds = play.kinds(&Known(vec![(10, busy(1))]));
    assert!(kinds.iter().all(|(_, proven)| !proven) && !kinds.is_empty(), "{kinds:?}");
}

#[test]
fn a_reset_cell_is_empty_again_and_its_past_is_known() {
    let mut play = Play::new();
    play.holds(10, 1).lives(10, 1).lives(10, 2);
    play.call(2, &[Effect::Signal(0..1)], &[point(1, 0)]);
    play.call(2, &[Effect::Reset(0..1)], &[point(1, 0)]);
    play.wait(1, &[point(1, 0)], true, Until::Forever);
    assert_eq!(play.kinds(&Nobody), [(Kind::NeverSubmitted, false)]);
    let past = play.world.past(object(1));
    assert!(past.given.unwrap().ticks < past.taken.unwrap().ticks);
}

#[test]
fn whoever_waits_has_the_fence_that_came_first_though_it_was_taken_away() {
    let mut play = Play::new();
    play.holds(10, 1).holds(10, TIMELINE).lives(10, 1).lives(10, 2);
    play.wait(1, &[point(1, 0)], true, Until::Forever);
    play.fence(2, TIMELINE, 1, 101, FILE);
    play.call(2, &[Effect::Copy { from: file(FILE), to: point(1, 0), adds: false }], &[]);
    play.call(2, &[Effect::Reset(0..1)], &[point(1, 0)]);
    // It waits for the timeline now, not for the cell.
    assert_eq!(play.kinds(&Nobody), [(Kind::Pending, false)]);
    play.call(2, &[Effect::Signal(0..1)], &[Target::Timeline(object(TIMELINE), 1)]);
    assert_eq!(play.kinds(&Nobody), []);
}

#[test]
fn a_closed_timeline_signals_what_is_pending() {
    let mut play = one_commit();
    play.call(1, &[Effect::Ended(object(TIMELINE))], &[]);
    assert_eq!(play.kinds(&Nobody), []);
}

#[test]
fn a_merged_file_waits_for_both() {
    let mut play = Play::new();
    play.holds(10, 100).holds(10, 200).lives(10, 1).lives(10, 2);
    play.fence(2, 100, 1, 101, 102);
    play.fence(2, 200, 1, 201, 202);
    let copy = |from, adds| Effect::Copy { from: file(from), to: file(300), adds };
    play.call(2, &[copy(102, false), copy(202, true)], &[]);
    play.wait(1, &[file(300)], true, Until::Forever);
    assert_eq!(play.kinds(&Nobody).len(), 2);
    play.call(2, &[Effect::Signal(0..1)], &[Target::Timeline(object(100), 1)]);
    assert_eq!(play.kinds(&Nobody), [(Kind::Pending, false)]);
}

#[test]
fn a_wait_that_saw_its_signal_tells_of_all_before_on_the_queue() {
    let mut play = one_commit();
    play.commit(1, 1, &[], TWO, false);
    let copy = Effect::Copy { from: Target::Fence(object(TWO)), to: file(TWO + 1), adds: false };
    play.call(1, &[copy], &[]);
    let at = play.wait(1, &[file(TWO + 1)], true, Until::Forever);
    assert_eq!(play.kinds(&Nobody), [(Kind::Pending, false)]);
    play.end(at, 0);
    assert_eq!(play.kinds(&Nobody), []);
}
