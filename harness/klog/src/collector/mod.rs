//! Gathers the lines of one report while it is being printed.

mod absorb;
mod patience;
mod phase;

use crate::aftermath;
use crate::banner;
use crate::interleave::{self, Mixed};
use crate::kind::Kind;
use crate::line::Line;
use crate::parser::Options;
use crate::shape::Shape;
use phase::Phase;
pub(crate) use phase::is_arm_frame;

/// A line that a report has taken.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub(crate) line: Line,
    pub(crate) shape: Shape,
    /// No other report was being printed at that time by somebody who may have printed this line.
    pub(crate) alone: bool,
}

/// What became of a line that was offered to a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// It is part of the report, which goes on.
    Taken,
    /// It is the report's last line.
    Last,
    /// It is not part of the report, which ended before it.
    Ended,
}

/// A report that is being printed.
#[derive(Debug)]
pub(crate) struct Collector {
    /// Not known while only `cut here` was seen.
    pub(crate) kind: Option<Kind>,
    pub(crate) lines: Vec<Taken>,
    pub(crate) omitted: u64,
    /// The last line that reports of this kind have was seen.
    pub(crate) ended: bool,
    phase: Phase,
    /// Backtraces still to come before the last one.
    traces_left: u32,
    /// Held locks still to come.
    held_left: u32,
    /// How many lines at the end of `lines` look like somebody else's.
    strangers: usize,
    /// The list of modules is being printed. Where others print too, each name stands on a line of its own.
    in_modules: bool,
    /// `<TASK>` was seen, and `</TASK>` is still to come.
    in_task_stack: bool,
    /// Messages were lost while it was being printed.
    pub(crate) lossy: bool,
    /// What of another report may stand between its lines.
    pub(crate) mixed: Mixed,
    /// Another report is being printed by nobody knows whom.
    in_company: bool,
    bytes: usize,
    last_time: Option<u64>,
}

impl Collector {
    /// Opens a report with its banner.
    pub(crate) fn open(kind: Option<Kind>, line: Line) -> Collector {
        let last_time = line.meta.time_us;
        Collector {
            kind,
            bytes: line.text.len(),
            lines: vec![Taken { line, shape: Shape::Other, alone: true }],
            omitted: 0,
            ended: kind.is_some_and(is_one_line),
            phase: Phase::Body,
            traces_left: if kind == Some(Kind::NestedNotHeld) { 1 } else { 0 },
            held_left: 0,
            strangers: 0,
            in_modules: false,
            in_task_stack: false,
            lossy: false,
            mixed: Mixed::No,
            in_company: false,
            last_time,
        }
    }

    /// Is all of it there, so that no later line can be its?
    pub(crate) fn is_whole(&self) -> bool {
        interleave::is_whole(self, self.in_task_stack)
    }

    /// Another report was printed at the same time, by nobody knows whom.
    pub(crate) fn mix(&mut self, mixed: Mixed) {
        self.mixed = self.mixed.max(mixed);
    }

    /// From here on lines may be another report's, by their look.
    pub(crate) fn meet(&mut self) {
        self.in_company = true;
        // Of two warnings whose place is still to come, nobody knows which is whose.
        let placeless = self.kind.is_none();
        self.lines.iter_mut().for_each(|taken| taken.alone &= !placeless);
    }

    /// The log has lost messages here.
    pub(crate) fn note_loss(&mut self) {
        self.lossy |= !self.ended;
    }

    /// Offers the next line. `own` tells that the log has caller ids and this line has the report's.
    pub(crate) fn offer(&mut self, line: Line, shape: Shape, own: bool, options: &Options) -> Offer {
        let goes_on = self.phase != Phase::After || matches!(shape, Shape::Detail | Shape::Blank);
        if !goes_on || self.paused_too_long(line.meta.time_us, shape) {
            return Offer::Ended;
        }
        let module = self.in_modules && shape == Shape::Other && is_module(&line.text);
        if shape != Shape::Other {
            self.in_modules = line.text.trim_start().starts_with("Modules linked in:");
        }
        let shape = if module { Shape::Detail } else { shape };
        let stranger = self.is_stranger(shape, &line.text);
        if stranger && self.strangers >= self.patience(own) {
            return Offer::Ended;
        }
        if !stranger {
            self.last_time = line.meta.time_us.or(self.last_time);
        }
        self.strangers = if stranger { self.strangers + 1 } else { 0 };
        self.advance(shape, &line.text);
        let last = self.is_last(shape);
        let panicked = line.text.contains("end Kernel panic");
        self.keep(line, shape, options);
        self.ended |= last;
        if last && !panicked && self.kind.is_some_and(aftermath::may_follow) {
            self.phase = Phase::After;
            return Offer::Taken;
        }
        if last { Offer::Last } else { Offer::Taken }
    }

    /// Takes the lines off that turned out to be somebody else's.
    pub(crate) fn trim(&mut self) {
        let noise = |taken: &Taken| matches!(taken.shape, Shape::Blank | Shape::Rule);
        let strangers = if self.in_tail() || self.ended { self.strangers } else { 0 };
        self.lines.truncate(self.lines.len().saturating_sub(strangers).max(1));
        while self.lines.len() > 1 && self.lines.last().is_some_and(noise) {
            self.lines.pop();
        }
    }

    /// Adds a line that is known to be the report's.
    pub(crate) fn add(&mut self, line: Line, options: &Options) {
        self.keep(line, Shape::Detail, options);
    }

    /// Keeps a line, unless the report is too long already: then it is only counted.
    fn keep(&mut self, line: Line, shape: Shape, options: &Options) {
        if self.lines.len() >= options.report_lines || self.bytes >= options.report_bytes {
            self.omitted += 1;
            return;
        }
        self.bytes += line.text.len();
        self.lines.push(Taken { line, shape, alone: !self.in_company });
    }
}

/// Is the banner all there is?
pub(crate) fn is_one_line(kind: Kind) -> bool {
    matches!(kind, Kind::GpuHang | Kind::GpuReset | Kind::FlipTimeout)
}

/// ` sd_mod`, ` foo(OE+)`, ` [last unloaded: foo]`: a piece of the list of modules (`print_modules`, kernel/module/main.c).
fn is_module(text: &str) -> bool {
    let Some(name) = text.strip_prefix(' ') else { return false };
    let named = |b: u8| b.is_ascii_alphanumeric() || b"_-()+".contains(&b);
    name.starts_with("[last unloaded: ") || !name.is_empty() && name.bytes().all(named)
}

/// Does this message open a report? `cut here` opens one whose kind the next lines tell.
pub(crate) fn opening(message: &str) -> Option<Option<Kind>> {
    match banner::find(message) {
        Some(kind) => Some(Some(kind)),
        None => message.contains(banner::CUT_HERE).then_some(None),
    }
}
