//! A serial console's log goes on over several boots; lockdep is armed in each.

mod common;

use common::fixtures;
use fencelab_klog::{Event, Options, Parser};

const START: &str = "[    0.000000] Linux version 6.12.0 (user@host) (gcc (Debian) 14.2.0) #1 SMP PREEMPT\n";
const HELLO: &str =
    "[    0.100000] Lock dependency validator: Copyright (c) 2006 Red Hat, Inc., Ingo Molnar\n";

fn circular() -> String {
    let log = fixtures().into_iter().find(|(name, _)| name == "circular").expect("the fixture is there").1;
    String::from_utf8(log).expect("the fixture is text")
}

fn parsed(log: &str) -> (Parser, Vec<Event>) {
    let mut parser = Parser::new(Options::default());
    parser.push_text(log.as_bytes());
    parser.finish();
    let events = parser.drain().collect();
    (parser, events)
}

fn offs(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event, Event::LockdepOff(_))).count()
}

#[test]
fn lockdep_is_armed_again_after_a_boot() {
    let first = format!("{START}{HELLO}{}", circular());
    let (parser, events) = parsed(&first);
    assert!(parser.lockdep().off().is_some() && offs(&events) == 1);
    let (parser, events) = parsed(&format!("{first}{START}{HELLO}"));
    assert!(parser.lockdep().off().is_none() && parser.lockdep().is_present());
    assert_eq!((offs(&events), parser.last_start()), (1, Some(first.lines().count() as u64 + 1)));
    assert_eq!(offs(&parsed(&first.repeat(3)).1), 3);
}

#[test]
fn a_report_does_not_go_on_in_the_next_boot() {
    let half: String = circular().lines().take(40).map(|line| format!("{line}\n")).collect();
    let (_, events) = parsed(&format!("{half}{START}{HELLO}{}", circular()));
    let reports: Vec<_> = events.into_iter().filter_map(Event::into_report).collect();
    assert_eq!(reports.iter().map(|report| report.complete).collect::<Vec<_>>(), [false, true]);
    assert!(reports[0].text.iter().chain(&reports[0].foreign).all(|line| !line.contains("Linux version")));
}

#[test]
fn what_a_shell_prints_is_no_boot() {
    for line in
        ["Linux version 6.12.0 (user@host) #1 SMP\n", "[  900.000000] Linux version 6.12.0 (user@host) #1\n"]
    {
        let (parser, _) = parsed(&format!("{}{line}", circular()));
        assert!(parser.lockdep().off().is_some(), "{line}");
    }
}

#[test]
fn a_banner_that_a_mailer_broke_turns_lockdep_off_as_well() {
    let words = "WARNING: possible circular locking dependency detected";
    let broken = circular().replace(words, "WARNING: possible circular locking\ndependency detected");
    assert_ne!(broken, circular());
    let (parser, events) = parsed(&broken);
    assert_eq!(offs(&events), 1);
    assert!(parser.lockdep().off().is_some());
}
