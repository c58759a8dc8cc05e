//! The streaming parser: bytes or records in, events out.

mod bytes;
mod notes;
mod options;
mod records;

use std::collections::VecDeque;
use std::time::Duration;

use crate::analyse::analyse;
use crate::collector::Collector;
use crate::event::{Event, Loss};
use crate::line::{JournalJson, Line, Meta, Piece, Record, clean, parse_text};
use crate::lockdep_state::LockdepState;
use crate::needles::Needles;
use crate::source::Source;
use crate::streams::Streams;
pub use options::Options;

/// How text in UTF-16 begins, as some terminals save it.
const BYTE_ORDER_MARKS: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// Reads a kernel log piece by piece. Memory is bounded by the options, whatever the input.
///
/// A report comes out as soon as its last line is in: `</TASK>` or `---[ end trace` where the kernel prints one.
/// Other reports end when their caller prints something else, when the log's own time stamps show that they are over,
/// or when the input has been quiet for a second ([`Parser::flush_idle`]). Of a GPU's hang or reset a line more is waited for
/// where amdgpu prints one.
///
/// ```
/// use fencelab_klog::{Kind, Options, Parser};
///
/// let mut parser = Parser::new(Options::default());
/// parser.push_text(b"[    1.000000] INFO: task kworker/0:1:7 blocked for more than 20 seconds.\n");
/// parser.finish();
/// let report = parser.drain().find_map(|event| event.into_report()).unwrap();
/// assert_eq!(report.kind, Kind::HungTask);
/// assert!(!report.complete);
/// ```
#[derive(Debug)]
pub struct Parser {
    options: Options,
    needles: &'static Needles,
    streams: Streams,
    lockdep: LockdepState,
    events: VecDeque<Event>,
    /// The bytes after the last line end, bounded by `line_bytes`.
    partial: Vec<u8>,
    partial_cut: bool,
    /// Lines or records so far.
    number: u64,
    last_seq: Option<u64>,
    /// Prefix of the last line that had one.
    last_meta: Meta,
    source: Source,
    /// The text is UTF-16.
    wide: bool,
    /// A record of which netconsole sent only some pieces yet.
    fragments: Option<Record>,
    /// The line in which the kernel last started.
    start: Option<u64>,
}

impl Parser {
    /// A parser at the start of a log.
    pub fn new(options: Options) -> Parser {
        Parser {
            options,
            needles: Needles::shared(),
            streams: Streams::default(),
            lockdep: LockdepState::default(),
            events: VecDeque::new(),
            partial: Vec::new(),
            partial_cut: false,
            number: 0,
            last_seq: None,
            last_meta: Meta::default(),
            source: Source::default(),
            wide: false,
            fragments: None,
            start: None,
        }
    }

    /// Takes a piece of a text log, of any size; lines may be split anywhere.
    pub fn push_text(&mut self, bytes: &[u8]) {
        let begins = self.number == 0 && self.partial.is_empty();
        self.wide |= begins && BYTE_ORDER_MARKS.iter().any(|mark| bytes.starts_with(mark));
        if self.wide {
            // The kernel's own text is ASCII, of which UTF-16 makes every second byte a NUL.
            let narrow: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
            return self.push_bytes(&narrow);
        }
        self.push_bytes(bytes);
    }

    /// The kernel told a reader of /dev/kmsg that it was too slow (EPIPE).
    pub fn note_overrun(&mut self) {
        self.lost(Loss::Overrun { line: self.number });
    }

    /// Call this when the input has been quiet for `quiet_for`: reports that may be over are closed.
    pub fn flush_idle(&mut self, quiet_for: Duration) {
        if quiet_for >= self.options.quiet && !self.streams.is_idle() {
            self.streams.finish(&self.options);
            self.collect();
        }
    }

    /// Is a report half told?
    pub fn is_inside_report(&self) -> bool {
        !self.streams.is_idle()
    }

    /// Ends the log: everything that is open is closed. The parser can go on with another log.
    pub fn finish(&mut self) {
        self.take_partial();
        let rest = match &mut self.source {
            Source::Journal(journal) => journal.finish(self.number),
            Source::JsonFields(fields) => fields.finish(self.number),
            Source::Parts(parts) => {
                let pieces = parts.finish();
                self.push_pieces(pieces);
                Vec::new()
            }
            _ => Vec::new(),
        };
        rest.into_iter().for_each(|line| self.push_line(line));
        self.source = Source::default();
        (self.fragments, self.wide) = (None, false);
        self.streams.finish(&self.options);
        self.collect();
    }

    /// Takes the events that are ready, in the order in which they ended.
    pub fn drain(&mut self) -> impl Iterator<Item = Event> + '_ {
        self.events.drain(..)
    }

    /// Is lockdep still armed, as far as the log tells?
    pub fn lockdep(&self) -> &LockdepState {
        &self.lockdep
    }

    /// The line in which the kernel last started, where the log has it. With it lockdep is armed again.
    pub fn last_start(&self) -> Option<u64> {
        self.start
    }

    /// How many lines or records there were so far.
    pub fn lines(&self) -> u64 {
        self.number
    }

    /// A new boot begins in the same log: lockdep is armed again, and sequence numbers start over.
    pub fn note_boot(&mut self) {
        self.finish();
        self.lockdep = LockdepState::default();
        self.last_seq = None;
    }

    fn push_text_line(&mut self, bytes: &[u8], cut_before: bool) {
        if let Source::Unknown(_) = self.source {
            self.source.look(&clean(bytes, self.options.line_bytes).0);
        }
        if matches!(self.source, Source::Records) {
            return self.push_saved_record(bytes);
        }
        self.number += 1;
        let binary = matches!(&self.source, Source::Journal(journal) if journal.expects_binary());
        let bytes = if binary { bytes.get(8..).unwrap_or_default() } else { bytes };
        let limit = match self.source {
            // An entry has many fields, and its message is one of them.
            Source::JournalJson | Source::JsonFields(_) => 8 * self.options.line_bytes,
            _ => self.options.line_bytes,
        };
        let (text, cut) = clean(bytes, limit);
        self.note_cut(cut || cut_before);
        let lines = match &mut self.source {
            Source::Journal(journal) => journal.push(self.number, &text),
            Source::JournalJson => JournalJson::lines(self.number, &text),
            Source::JsonFields(fields) => fields.push(self.number, &text),
            Source::Parts(parts) => {
                let pieces = parts.push(self.number, &text);
                return self.push_pieces(pieces);
            }
            Source::Unknown(_) | Source::Lines | Source::Records => {
                let line = self.with_last_prefix(parse_text(self.number, &text));
                return self.push_and_collect(line);
            }
        };
        lines.into_iter().for_each(|line| self.push_line(line));
        self.collect();
    }

    /// Takes a crash dump, whole and in order.
    fn push_pieces(&mut self, pieces: Vec<Piece>) {
        let mut before = 0;
        for piece in pieces {
            match piece {
                Piece::Line(line) => {
                    before = line.number;
                    self.push_and_collect(line);
                }
                Piece::Hole => self.lost(Loss::MissingPart { line: before }),
            }
        }
    }

    fn push_and_collect(&mut self, line: Line) {
        self.push_line(line);
        self.collect();
    }

    /// In a log whose lines have prefixes, a line without one is a further line of the record above.
    fn with_last_prefix(&mut self, mut line: Line) -> Line {
        if line.meta.bare {
            line.meta = Meta { bare: true, ..self.last_meta.clone() };
        } else {
            self.last_meta = line.meta.clone();
        }
        line
    }

    fn push_line(&mut self, line: Line) {
        let candidate = self.needles.find(line.text.as_bytes()).is_some();
        if candidate {
            self.note_start(&line);
            self.note_dropped(&line);
            self.events.extend(self.lockdep.see_line(&line).map(Event::LockdepOff));
        }
        if candidate || !self.streams.is_idle() {
            self.streams.push(line, candidate, &self.options);
        }
    }

    /// Analyses the reports that have ended.
    fn collect(&mut self) {
        for collector in self.streams.take_done() {
            self.analyse(collector);
        }
    }

    fn analyse(&mut self, collector: Collector) {
        if let Some(report) = analyse(collector, &self.options) {
            self.events.extend(self.lockdep.see_report(&report).map(Event::LockdepOff));
            self.events.push_back(Event::Report(Box::new(report)));
        }
    }
}

/// Parses a whole text log at once.
pub fn parse_log(bytes: &[u8], options: Options) -> Vec<Event> {
    let mut parser = Parser::new(options);
    parser.push_text(bytes);
    parser.finish();
    parser.drain().collect()
}
