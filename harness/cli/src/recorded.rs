//! What `record` says when its command has ended.

use std::path::Path;
use std::time::Duration;

use fencelab_record::{Outcome, Reason, Recorded, Seen, Unseen};

/// Processes that are listed one by one.
const MOST: usize = 20;

/// Says on standard error what was recorded, what was not and why, and what to type next.
pub(crate) fn tell(outcome: &Outcome, took: Duration, folder: &Path) {
    eprint!("{}", text(outcome, took));
    eprintln!("fencelab: the trace is in {0}; to read it: fencelab trace {0}", folder.display());
}

fn text(outcome: &Outcome, took: Duration) -> String {
    let status = &outcome.status;
    let mut text = format!(
        "fencelab: recorded {} of {} in {:.1} s",
        many(status.events, "event"),
        many(outcome.recorded.len() as u64, "process"),
        took.as_secs_f64(),
    );
    if status.dropped > 0 {
        text += &format!(
            "; {} of them are lost, as the trace was full: a larger --size keeps more",
            status.dropped
        );
    }
    text += "\n";
    let (told, quiet) = by_weight(&outcome.recorded);
    told.iter().take(MOST).for_each(|process| text += &recorded(process));
    text += &more(told.len());
    if quiet > 0 {
        text += &format!("  and {} without an event\n", many(quiet as u64, "other"));
    }
    if !outcome.unseen.is_empty() {
        text += "fencelab: not recorded:\n";
        outcome.unseen.iter().take(MOST).for_each(|process| text += &unseen(process));
        text += &more(outcome.unseen.len());
    }
    text
}

/// The processes that there is something to say of, the busiest first, and how many others there were: a shell script
/// starts dozens. If there is nothing to say of any, all.
fn by_weight(recorded: &[Recorded]) -> (Vec<&Recorded>, usize) {
    let quiet = |process: &&Recorded| process.events + process.dropped + process.unrecorded == 0;
    let mut told: Vec<_> = recorded.iter().filter(|process| !quiet(process)).collect();
    if told.is_empty() {
        told.extend(recorded);
    }
    told.sort_by_key(|process| std::cmp::Reverse(process.events));
    let quiet = recorded.len() - told.len();
    (told, quiet)
}

fn recorded(process: &Recorded) -> String {
    let mut line = format!(
        "  {:>7} {}: {}, {} ({})",
        process.pid,
        process.program.display(),
        many(process.events, "event"),
        many(process.threads, "thread"),
        way(process),
    );
    if process.dropped > 0 {
        line += &format!(", {} lost", process.dropped);
    }
    if process.unrecorded > 0 {
        line += &format!(", {} before the recorder was ready", many(process.unrecorded, "call"));
    }
    line.push('\n');
    for spot in &process.blind {
        line += &format!("          blind: {spot}\n");
    }
    line
}

fn way(process: &Recorded) -> &'static str {
    match process.entry {
        Some(Seen::Preload) => "preload",
        Some(Seen::Audit) => "audit",
        Some(Seen::Trace) => "raw",
        Some(Seen::Fork) => "forked",
        None => "in a way that this version does not know",
    }
}

fn unseen(process: &Unseen) -> String {
    let program = process.program.as_deref().map_or_else(|| "?".into(), |path| path.display().to_string());
    format!("  {:>7} {program}: {}; {}\n", process.pid, process.reason, advice(process.reason))
}

/// What can be done about it.
fn advice(reason: Reason) -> &'static str {
    match reason {
        Reason::Static => "--raw records it",
        Reason::Foreign => "only 64-bit programs of this machine can be recorded",
        Reason::Privileged => "start it as its owner, or record a copy without the bit",
        Reason::Environment => "keep its environment, or use --raw, which needs none",
        Reason::Confined => "the session's folder must be within its reach: choose one with -o",
        Reason::Traced => "record it without the debugger",
        Reason::Unknown => "--raw may record it",
        _ => "nothing is known that helps",
    }
}

fn more(count: usize) -> String {
    if count > MOST { format!("  and {} more\n", count - MOST) } else { String::new() }
}

fn many(count: u64, what: &str) -> String {
    let plural = if what.ends_with('s') { "es" } else { "s" };
    format!("{count} {what}{}", if count == 1 { "" } else { plural })
}

#[cfg(test)]
mod tests {
    use fencelab_record::{Exit, Status};

    use super::*;

    #[test]
    fn everything_is_said() {
        let process = |pid, entry, events, dropped, blind| Recorded {
            pid,
            parent: 1,
            program: "/usr/bin/glxgears".into(),
            entry: Some(entry),
            threads: 2,
            events,
            dropped,
            unrecorded: 0,
            blind,
        };
        let outcome = Outcome {
            exit: Exit::Code(0),
            loaded: true,
            status: Status { events: 2500, dropped: 7, ..Status::default() },
            recorded: vec![
                process(9, Seen::Preload, 0, 0, vec![]),
                process(10, Seen::Preload, 1200, 7, vec![]),
                process(
                    11,
                    Seen::Fork,
                    1300,
                    0,
                    vec!["it uses user queues: work is submitted without ioctls"],
                ),
            ],
            unseen: vec![Unseen { pid: 12, program: Some("/bin/busybox".into()), reason: Reason::Static }],
        };
        let expected = "\
fencelab: recorded 2500 events of 3 processes in 1.5 s; 7 of them are lost, as the trace was full: a larger --size keeps more
       11 /usr/bin/glxgears: 1300 events, 2 threads (forked)
          blind: it uses user queues: work is submitted without ioctls
       10 /usr/bin/glxgears: 1200 events, 2 threads (preload), 7 lost
  and 1 other without an event
fencelab: not recorded:
       12 /bin/busybox: it is linked statically; --raw records it
";
        assert_eq!(text(&outcome, Duration::from_millis(1500)), expected);
    }
}
