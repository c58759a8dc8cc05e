//! Tests of the KTAP parser, on text as 6.12 prints it.

use super::ktap::{Ktap, Test, Verdict, parse};

fn read(text: &str) -> Ktap {
    parse(text.lines())
}

fn names(tests: &[Test]) -> Vec<&str> {
    tests.iter().map(|t| t.name.as_str()).collect()
}

/// As a module of two cases prints it, one of them with parameters.
const SUITE: &str = "\
KTAP version 1
1..1
    KTAP version 1
    # Subtest: drm_rect
    # module: drm_rect_test
    1..3
    ok 1 drm_test_rect_clip_scaled_div_by_zero
        KTAP version 1
        # Subtest: drm_test_rect_intersect
        ok 1 top-left x bottom-right: 2x2+1+1 x 2x2+0+0
        ok 2 top-right x bottom-left: 2x2+0+0 x 2x2+1-1
    # drm_test_rect_intersect: pass:2 fail:0 skip:0 total:2
    ok 2 drm_test_rect_intersect
    ok 3 drm_test_rect_hw # SKIP no hardware
# drm_rect: pass:2 fail:0 skip:1 total:3
# Totals: pass:3 fail:0 skip:1 total:4
ok 1 drm_rect
";

#[test]
fn parts_belong_to_the_result_behind_them() {
    let ktap = read(SUITE);
    assert!(ktap.seen && ktap.unfinished.is_empty() && ktap.bail.is_none());
    assert_eq!(names(&ktap.tests), ["drm_rect"]);
    let suite = &ktap.tests[0];
    assert_eq!((suite.planned, suite.off_plan()), (Some(3), None));
    assert_eq!(
        names(&suite.parts),
        ["drm_test_rect_clip_scaled_div_by_zero", "drm_test_rect_intersect", "drm_test_rect_hw"]
    );
    assert_eq!(suite.parts[1].parts.len(), 2);
    assert_eq!(suite.parts[1].parts[0].name, "top-left x bottom-right: 2x2+1+1 x 2x2+0+0");
    assert!(suite.parts[0].parts.is_empty());
}

#[test]
fn a_skip_is_not_a_pass() {
    let ktap = read(SUITE);
    let skipped = &ktap.tests[0].parts[2];
    assert_eq!((skipped.verdict, skipped.reason.as_str()), (Verdict::Skip, "no hardware"));
    let ktap = read("KTAP version 1\n1..2\nok 1 # SKIP\nok 2 - named # skip later\n");
    assert_eq!(names(&ktap.tests), ["1", "named"]);
    assert!(ktap.tests.iter().all(|t| t.verdict == Verdict::Skip));
}

#[test]
fn a_failure_keeps_what_was_said_before_it() {
    let ktap = read(
        "KTAP version 1\n1..1\n    KTAP version 1\n    # Subtest: drm_mm\n    1..1\n    \
         # drm_test_mm_init: EXPECTATION FAILED at drivers/gpu/drm/tests/drm_mm_test.c:12\n    \
         Expected a == b, but\n    not ok 1 drm_test_mm_init\nnot ok 1 drm_mm\n",
    );
    let case = &ktap.tests[0].parts[0];
    assert_eq!((ktap.tests[0].verdict, case.verdict), (Verdict::Fail, Verdict::Fail));
    assert!(
        case.reason.contains("EXPECTATION FAILED at drivers/gpu/drm/tests/drm_mm_test.c:12"),
        "{}",
        case.reason
    );
}

#[test]
fn kernel_log_prefixes_are_not_depth() {
    let log: String = SUITE
        .lines()
        .zip(1..)
        .map(|(line, n)| match n % 4 {
            0 => format!("[   {n}.123456][  T{n}] {line}\n"),
            1 => format!("[ {n}.123456] {line}\n"),
            2 => format!("<6>[    {n}.000001] [   C0] {line}\n"),
            _ => format!("<6>{line}\n"),
        })
        .collect();
    assert_eq!(read(&log), read(SUITE));
}

#[test]
fn other_writers_lines_are_passed_over() {
    let noisy = SUITE
        .replace("    ok 2 drm", "[drm] Initialized vgem 1.0.0 on minor 0\nokay so far\n1..x\n    ok 2 drm");
    assert_eq!(read(&noisy).tests, read(SUITE).tests);
    assert!(!read("[drm] Initialized\n# a shell comment\nokay\nok then\n").seen);
}

#[test]
fn a_cut_text_says_what_is_missing() {
    let cut: String = SUITE.lines().take(8).map(|line| format!("{line}\n")).collect();
    let ktap = read(&cut);
    assert_eq!(ktap.unfinished, ["1 of 1 tests", "drm_rect", "depth 8"]);
    assert_eq!(names(&ktap.tests), ["drm_test_rect_clip_scaled_div_by_zero"]);
}

#[test]
fn a_missing_plan_is_no_fault_and_a_wrong_one_is() {
    let ktap = read("KTAP version 1\nok 1 one\nok 2 two\n");
    assert!(ktap.unfinished.is_empty());
    let off = read(&SUITE.replace("    1..3", "    1..4"));
    assert_eq!(off.tests[0].off_plan().unwrap(), "4 planned, 3 ran");
}

#[test]
fn a_bail_out_ends_it() {
    let ktap = read("TAP version 14\n1..3\nok 1 one\nBail out! no memory\nok 2 two\n");
    assert_eq!(ktap.bail.as_deref(), Some("no memory"));
    assert_eq!(names(&ktap.tests), ["one"]);
}

#[test]
fn two_suites_stay_apart() {
    let two = format!("{SUITE}{}", SUITE.replace("drm_rect", "drm_mm"));
    let ktap = read(&two);
    assert_eq!(names(&ktap.tests), ["drm_rect", "drm_mm"]);
    assert_eq!(ktap.tests[1].parts.len(), 3);
}

#[test]
fn the_second_of_two_texts_may_be_cut() {
    let cut: String = SUITE.lines().take(7).map(|line| format!("{line}\n")).collect();
    let ktap = read(&format!("{SUITE}{cut}"));
    assert_eq!(ktap.unfinished, ["1 of 1 tests", "drm_rect"]);
}

#[test]
fn bad_lines_do_no_harm() {
    for text in [
        "ok",
        "ok ",
        "not ok x",
        "1..",
        "1..99999999999999999999",
        "#",
        "Bail out!",
        "[",
        "<",
        "[]",
        "\u{fffd}ok 1",
    ] {
        let _ = read(text);
        let _ = read(&format!("{SUITE}{text}\n{SUITE}"));
    }
}
