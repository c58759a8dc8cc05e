//! `fencelab klog`: the reports in kernel logs, as text, JSON, distinct bugs, or a lock graph; and lockdep's own tables.

mod archive;
mod input;
mod print;
mod pstore;
mod state;
mod tables;

use std::path::Path;

use anyhow::Result;
use fencelab_klog::group::{Bug, Groups, Order, Sighting};
use fencelab_klog::lockdep::graph::LockGraph;
use fencelab_klog::{Event, Kernel, Kind, Options, Parser, Report, SCHEMA, Text, known_rules};
use fencelab_report::exit::Exit;

use crate::args::KlogArgs;
use crate::outcome::Outcome;

use input::Input;
use print::print;
use state::State;

pub(crate) fn run(args: &KlogArgs) -> Result<Outcome> {
    if args.schema {
        return print(SCHEMA).map(|()| Outcome::CLEAN);
    }
    if args.lockdep {
        return tables::run(args);
    }
    let (inputs, mut bad) = input::find(&args.files);
    let several = inputs.len() > 1;
    let mut work = Work {
        args,
        several,
        groups: Groups::default(),
        graph: LockGraph::default(),
        reports: 0,
        is_evidence: false,
    };
    let bar = input::bar(&inputs, args.group || !print::to_terminal());
    let mut all = State::default();
    let mut read = 0;
    for input in &inputs {
        match work.read(input, &bar) {
            Ok(state) => {
                read += 1;
                if several { all.add(&state) } else { all = state }
            }
            Err(error) => bad.push(error),
        }
    }
    bar.finish_and_clear();
    work.end()?;
    if read > 0 {
        eprintln!("{}", all.sentence(read));
    }
    bad.iter().for_each(|error| eprintln!("fencelab: failed to {error:#}"));
    if args.fail && args.files.first().is_some_and(|file| is_value(file)) {
        eprintln!("fencelab: --fail takes no value: any report counts, whatever its kind or rule");
    }
    Ok(Outcome::Exit(work.exit(bad.is_empty())))
}

/// Is this no file, but the name of a kind or a rule, as if it were the flag's value?
fn is_value(file: &Path) -> bool {
    let name = file.to_string_lossy();
    let known =
        || Kind::ALL.iter().any(|kind| kind.as_str() == name) || known_rules().any(|(id, _)| id == name);
    !file.exists() && known()
}

/// What was found so far.
struct Work<'a> {
    args: &'a KlogArgs,
    /// There is more than one log, so that each report says which it is of.
    several: bool,
    groups: Groups,
    graph: LockGraph,
    reports: usize,
    /// Some log has lines, and is no binary.
    is_evidence: bool,
}

impl Work<'_> {
    /// Reads a log to its end, piece by piece, and takes each report as soon as it is whole.
    fn read(&mut self, input: &Input, bar: &indicatif::ProgressBar) -> Result<State> {
        let kernel = if self.args.annotated { Kernel::Annotated } else { Kernel::Unknown };
        let mut parser = Parser::new(Options { kernel, ..Options::default() });
        let mut state = State::default();
        let mut binary = None;
        input.read(&mut |piece| {
            binary = binary.or_else(|| piece.map(input::is_binary));
            match piece {
                Some(bytes) => parser.push_text(bytes),
                None => parser.finish(),
            }
            bar.inc(piece.map_or(0, <[u8]>::len) as u64);
            let events: Vec<Event> = parser.drain().collect();
            events.into_iter().try_for_each(|event| {
                state.see(&event);
                event.into_report().map_or(Ok(()), |report| self.take(&input.name(), report))
            })
        })?;
        state.end(&parser);
        let is_binary = binary == Some(true) && state.is_quiet();
        if is_binary {
            eprintln!("{} looks like no kernel log: it is binary", input.name());
        }
        self.is_evidence |= parser.lines() > 0 && !is_binary;
        Ok(state)
    }

    fn take(&mut self, source: &str, mut report: Report) -> Result<()> {
        self.reports += 1;
        if self.args.dot || self.args.svg {
            self.graph.extend(LockGraph::of_report(&report));
        } else if self.args.group {
            self.groups.add(source, &report);
        } else if self.args.json {
            report.source = Some(source.to_owned());
            return print(&(serde_json::to_string(&report)? + "\n"));
        } else {
            report.source = self.several.then(|| source.to_owned());
            return print(&format!("{}\n", Text(&report)));
        }
        Ok(())
    }

    /// The code that `args::klog` explains.
    fn exit(&self, all_read: bool) -> Exit {
        match (self.reports, all_read) {
            (1.., _) if self.args.fail => Exit::Findings,
            (_, false) => Exit::Infrastructure,
            _ if self.args.fail && !self.is_evidence => {
                eprintln!("fencelab: failed to find a line of a log: that nothing is reported says nothing");
                Exit::Infrastructure
            }
            _ => Exit::Clean,
        }
    }

    /// Prints what only the end shows.
    fn end(&mut self) -> Result<()> {
        if self.args.dot || self.args.svg {
            return print::graph(&self.graph, self.args.dot);
        }
        for bug in std::mem::take(&mut self.groups).into_bugs() {
            print(&if self.args.json { serde_json::to_string(&bug)? + "\n" } else { line(&bug) })?;
        }
        Ok(())
    }
}

/// A bug in a few lines: how often, what, which rules, where.
fn line(bug: &Bug) -> String {
    let rules = if bug.rules.is_empty() { String::new() } else { format!(" [{}]", bug.rules.join(", ")) };
    let logs = bug.sources.len();
    let times = if bug.count == 1 {
        "once".to_owned()
    } else {
        format!("{} times in {}", bug.count, count(logs, "log"))
    };
    let last = match bug.count {
        1 => String::new(),
        _ => format!(", last {} ({})", place(&bug.last, bug.order), told(bug.order)),
    };
    format!(
        "{times}  {}: {}{rules}\n      first {}{last}\n      {}\n",
        bug.kind,
        bug.title,
        place(&bug.first, bug.order),
        bug.signature
    )
}

/// Log, line, and the time that it was put in order by.
fn place(sighting: &Sighting, order: Order) -> String {
    let boot = sighting.time_us.map(|us| format!(" at {}.{:06} s", us / 1_000_000, us % 1_000_000));
    let wall = sighting.wall.as_ref().map(|wall| format!(" at {wall}"));
    let time = if order == Order::WallClock { wall.or(boot) } else { boot.or(wall) };
    format!("{}:{}{}", sighting.source, sighting.line, time.unwrap_or_default())
}

/// By what the first and the last were told.
fn told(order: Order) -> &'static str {
    match order {
        Order::WallClock => "by the wall clock",
        Order::SinceBoot => "by the time since boot",
        Order::Read => "in the order read: their times do not compare",
    }
}

/// `1 log`, `3 logs`.
fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// The paths that stand for standard input.
fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}
