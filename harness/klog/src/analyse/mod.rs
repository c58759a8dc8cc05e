//! From the gathered lines of one report to its structure.

mod complete;
mod facts;
mod first_line;
mod gpu;
mod header;
mod interleaved;
mod lockdep;
mod rows;
mod title;

use crate::annotation;
use crate::blame::blame;
use crate::collector::Collector;
use crate::die_line;
use crate::entry::entry;
use crate::interleave::Mixed;
use crate::kind::Kind;
use crate::parser::Options;
use crate::report::{Details, Report, Section};
use crate::shape::Shape;
use crate::{rules, signature};
use header::Header;
use rows::{Row, rows};

/// Analyses a report. `None` if it was only `cut here` and nothing that followed was a report.
pub(crate) fn analyse(mut collector: Collector, options: &Options) -> Option<Report> {
    collector.trim();
    let kind = collector.kind?;
    let rows = rows(kind, &collector.lines);
    let mut report = outline(kind, &collector, &rows);
    let own = interleaved::certain(kind, rows, collector.mixed);
    let header = if collector.mixed == Mixed::No { Header::read(kind, &own) } else { Header::default() };
    if kind.is_lockdep() {
        lockdep::read(&mut report, &own);
    }
    facts::read(&mut report, &own, &header);
    header.fill(&mut report);
    let frames = collector.lines.iter().any(|taken| taken.shape == Shape::Frame);
    let of_program = is_of_program(&report) && !collector.lossy;
    if (is_only_text(&report) || of_program) && !(collector.mixed > Mixed::No && frames) {
        return None;
    }
    finish(&mut report, &collector, &own, options);
    Some(report)
}

/// Drivers print "WARNING:" in front of any text. A warning of the kernel's has a place or a backtrace.
fn is_only_text(report: &Report) -> bool {
    // "WARNING: CPU: 1 PID: 2 at" is a warning even when its place is lost, and so are the unwinder's own
    // (arch/x86/kernel/unwind_frame.c).
    let real =
        |line: &String| ["WARNING: CPU: ", "WARNING: kernel stack"].iter().any(|start| line.contains(start));
    let known = report.text.iter().take(3).any(real);
    report.kind == Kind::Warn
        && !known
        && report.place.is_none()
        && report.frames.is_empty()
        && report.details.traces.is_empty()
}

/// Is it a fault of a program, which the kernel kills for it? Of its own the kernel dies, and says so.
fn is_of_program(report: &Report) -> bool {
    let unhandled = |text: &String| die_line::UNHANDLED.iter().any(|start| text.trim().starts_with(start));
    report.kind == Kind::Oops
        && report.frames.is_empty()
        && report.text.first().is_some_and(unhandled)
        && !report.text.iter().any(|text| die_line::is_of_die(text))
}

/// What every report has, whatever its kind.
fn outline(kind: Kind, collector: &Collector, rows: &[Row]) -> Report {
    let first = &collector.lines[0].line;
    let last = collector.lines.last().map_or(first, |taken| &taken.line);
    let foreign = |row: &&Row| row.foreign;
    Report {
        kind,
        title: String::new(),
        signature: String::new(),
        rules: Vec::new(),
        complete: false,
        missing: Vec::new(),
        chain: Vec::new(),
        acquiring: None,
        held: Vec::new(),
        task: None,
        // The parts of a crash dump may stand in the file in another order than they were printed in.
        first_line: first.number.min(last.number),
        last_line: first.number.max(last.number),
        source: None,
        seq: first.meta.seq.zip(last.meta.seq),
        time_us: first.meta.time_us,
        wall: first.meta.wall.as_deref().filter(|wall| !wall.is_empty()).map(str::to_owned),
        caller: first.meta.caller,
        cpu: None,
        kernel: None,
        workqueue: None,
        entry: None,
        place: None,
        frames: Vec::new(),
        interrupt: 0,
        blame: None,
        annotation: None,
        details: Details::default(),
        foreign: rows.iter().filter(foreign).map(|row| row.text.trim().to_owned()).collect(),
        omitted: collector.omitted,
        text: rows.iter().filter(|row| !row.foreign).map(|row| row.text.clone()).collect(),
    }
}

/// What follows from the structure.
fn finish(report: &mut Report, collector: &Collector, rows: &[Row], options: &Options) {
    report.blame = blame(report);
    report.entry = entry(report);
    report.title = title::title(report);
    report.missing = complete::missing(report, collector.ended, rows);
    report.missing.extend((collector.mixed > Mixed::No).then_some(Section::Interleaved));
    report.missing.extend(collector.lossy.then_some(Section::Messages));
    report.complete = report.missing.is_empty() && report.omitted == 0;
    report.signature = signature::signature(report);
    report.annotation = annotation::find(report, options.kernel);
    report.rules = rules::matching(report);
}
