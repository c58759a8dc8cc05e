//! Windows and threads alone.

mod traced;

use super::*;

fn windows() -> Vec<Window> {
    let window =
        |case: &str, first, end, tids| Window { case: case.into(), first, end, tids, ..Window::default() };
    vec![window("a", 10, Some(20), vec![100, 101]), window("b", 22, None, vec![200])]
}

/// Without a trace.
fn attribute(clues: &Clues, windows: &[Window]) -> Attribution {
    super::attribute(clues, &Evidence { windows, trace: None, fences: &Fences::default(), devices: &[] })
}

fn clues(seq: u64, caller: Option<i32>, task: Option<(&str, i32)>) -> Clues {
    let task = task.map(|(c, p)| (c.into(), p));
    Clues { seq, caller, task, entry: Some("commit_work".into()), ..Clues::default() }
}

#[test]
fn a_callers_thread_is_surer_than_the_window_in_which_its_line_lies() {
    let late = attribute(&clues(25, Some(101), Some(("kworker/0:1", 9))), &windows());
    assert_eq!((late.case.as_deref(), late.how), (Some("a"), How::Caller));
    let printed = attribute(&clues(25, Some(7), Some(("a-case", 100))), &windows());
    assert_eq!((printed.case.as_deref(), printed.how), (Some("a"), How::CommPid));
}

#[test]
fn a_tid_that_was_used_again_goes_to_the_later_case_and_never_to_a_future_one() {
    let mut windows = windows();
    windows[1].tids.push(100);
    assert_eq!(attribute(&clues(25, Some(100), None), &windows).case.as_deref(), Some("b"));
    assert_eq!(attribute(&clues(15, Some(100), None), &windows).case.as_deref(), Some("a"));
}

#[test]
fn workers_and_strangers_go_by_the_window_and_say_so() {
    let worker = attribute(&clues(12, Some(9), Some(("kworker/u4:1", 9))), &windows());
    assert_eq!((worker.case.as_deref(), worker.how), (Some("a"), How::Worker));
    assert!(worker.reason.contains("commit_work"), "{}", worker.reason);
    let stranger = attribute(&clues(30, Some(9), Some(("khungtaskd", 9))), &windows());
    assert_eq!((stranger.case.as_deref(), stranger.how), (Some("b"), How::Window));
}

#[test]
fn between_two_cases_it_goes_to_the_one_before_and_before_the_first_to_none() {
    let between = attribute(&clues(21, None, None), &windows());
    assert_eq!((between.case.as_deref(), between.how), (Some("a"), How::Window));
    assert_eq!(attribute(&clues(3, None, None), &windows()).how, How::Outside);
}
