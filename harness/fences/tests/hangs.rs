//! Hangs recorded in a guest (the suite `hang`, Linux 6.12): each gets the verdict that its maker says it must.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use fencelab_fences::finding::{Certainty, Finding, Kind};
use fencelab_fences::graph::Nobody;
use fencelab_fences::{Analysis, Options, analyse, timeline};
use fencelab_trace::Session;

fn session(name: &str) -> Session {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sessions").join(name);
    Session::open(&folder).unwrap()
}

fn analysis(name: &str) -> Analysis {
    analyse(&session(name), Options::default(), &Nobody).unwrap()
}

/// The one finding, of that kind.
fn only(name: &str, kind: Kind) -> Finding {
    let analysis = analysis(name);
    let [finding] = &analysis.findings[..] else { panic!("{name}: {:#?}", analysis.findings) };
    assert_eq!(finding.kind, kind, "{name}: {}", finding.sentence);
    assert!(finding.gaps.is_empty());
    finding.clone()
}

#[test]
fn a_stuck_in_fence_is_a_wait_for_its_owner() {
    let finding = only("H1", Kind::Pending);
    assert!(!finding.is_verdict());
    assert!(finding.culprit.contains("sw-sync:1"), "{}", finding.culprit);
    let ended = finding.ended.unwrap();
    assert!(ended.by.contains("SW_SYNC_IOC_INC"), "{}", ended.by);
    assert!(
        finding.stuck.iter().any(|stuck| stuck.what.starts_with("commit to CRTC")),
        "{:?}",
        finding.stuck
    );
}

#[test]
fn what_piles_up_behind_it_is_stuck_for_the_same_fence() {
    let finding = only("H3", Kind::Pending);
    let calls: Vec<&str> = finding.stuck.iter().map(|stuck| stuck.at.as_str()).collect();
    for call in ["DRM_IOCTL_MODE_ATOMIC", "DRM_IOCTL_MODE_GETCRTC", "poll"] {
        assert!(calls.contains(&call), "{calls:?}");
    }
}

#[test]
fn a_fence_within_a_buffer_is_found_through_the_framebuffer() {
    let finding = only("H5", Kind::Pending);
    assert!(finding.culprit.contains("vgem"), "{}", finding.culprit);
    assert!(finding.unless.iter().any(|who| who.contains("10 s")), "{:?}", finding.unless);
}

#[test]
fn a_circle_over_two_devices_is_found_with_explicit_and_with_implicit_fences() {
    for name in ["H7", "H8"] {
        let finding = only(name, Kind::Cycle);
        assert_eq!(finding.certainty, Certainty::Modulo);
        // The watchdog, which in the end cut it.
        assert_eq!(finding.unless.len(), 1, "{:?}", finding.unless);
        for word in ["vkms", "virtio_gpu", "sw-sync:1", "poll"] {
            assert!(finding.sentence.contains(word), "{name}: {}", finding.sentence);
        }
        assert_eq!(finding.witness.first(), finding.witness.last());
        assert!(finding.calls.iter().all(|call| !call.text.is_empty()), "{:?}", finding.calls);
        assert!(finding.ended.is_some());
    }
}

#[test]
fn two_threads_that_should_submit_for_each_other_are_a_cycle() {
    let finding = only("H9", Kind::Cycle);
    assert!(
        finding.sentence.contains("syncobj:1") && finding.sentence.contains("syncobj:2"),
        "{}",
        finding.sentence
    );
    assert_eq!(finding.stuck.len(), 2);
    // ETIME, in both.
    assert!(finding.stuck.iter().all(|stuck| stuck.ended.is_some_and(|(result, _)| result == -62)));
}

#[test]
fn a_point_that_nobody_submits_is_named() {
    let finding = only("H12", Kind::NeverSubmitted);
    assert!(finding.culprit.starts_with("syncobj:1 point 1"), "{}", finding.culprit);
    assert!(finding.ended.is_none());
}

#[test]
fn shorter_waits_than_are_asked_for_are_not_told() {
    let options = Options { quiet: std::time::Duration::from_secs(30), ..Options::default() };
    assert_eq!(analyse(&session("H7"), options, &Nobody).unwrap().findings, []);
}

#[test]
fn findings_are_read_back_from_json() {
    let analysis = analysis("H7");
    let json = serde_json::to_string(&analysis).unwrap();
    assert_eq!(serde_json::from_str::<Analysis>(&json).unwrap(), analysis);
}

#[test]
fn a_timeline_marks_what_the_witness_rests_on() {
    let session = session("H7");
    let finding = only("H7", Kind::Cycle);
    let timeline = timeline(&session, &finding).unwrap();
    let marked = timeline.rows.iter().flat_map(|row| &row.slices).filter(|slice| slice.marked).count();
    assert_eq!(marked, finding.calls.len());
    assert!(timeline.rows.len() >= 2 && timeline.left_out == 0);
}

#[test]
fn a_trace_that_was_cut_short_is_analysed_as_far_as_it_goes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sessions/H7/pool");
    let whole = std::fs::read(folder).unwrap();
    for keep in (4096..whole.len()).step_by(5_000) {
        let session = Session::from_pool(whole[..keep].to_vec()).unwrap();
        let analysis = analyse(&session, Options::default(), &Nobody).unwrap();
        assert!(!analysis.gaps.is_empty(), "{keep} bytes");
        for finding in &analysis.findings {
            assert_eq!(finding.certainty, Certainty::Possible, "{keep} bytes: {}", finding.sentence);
        }
    }
}
