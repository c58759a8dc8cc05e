//! The streaming parser: bytes or records in, events out.

use std::collections::VecDeque;
use std::time::Duration;

use crate::analyse::analyse;
use crate::annotation::Kernel;
use crate::banner::LINUX;
use crate::collector::Collector;
use crate::event::{Event, Loss};
use crate::line::{JournalJson, Line, Meta, Piece, Record, clean, parse_text};
use crate::lockdep_state::LockdepState;
use crate::needles::Needles;
use crate::source::Source;
use crate::streams::Streams;

/// How the parser works. The defaults fit live use on a test machine.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether the kernel under test carries dma-fence annotations that mainline does not.
    pub kernel: Kernel,
    /// Bytes kept of one line; the rest is dropped and said ([`Loss::CutLine`]).
    pub line_bytes: usize,
    /// Lines kept of one report; further ones are counted ([`crate::Report::omitted`]).
    pub report_lines: usize,
    /// Bytes of message kept of one report.
    pub report_bytes: usize,
    /// How long the input must have been quiet for [`Parser::flush_idle`] to close what is open.
    pub quiet: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            kernel: Kernel::Unknown,
            line_bytes: 8 << 10,
            report_lines: 4000,
            report_bytes: 1 << 20,
            quiet: Duration::from_secs(1),
        }
    }
}

/// How text in UTF-16 begins, as some terminals save it.
const BYTE_ORDER_MARKS: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// Reads a kernel log piece by piece. Memory is bounded by the options, whatever the input.
///
/// A report comes out as soon as its last line is in: `</TASK>` or `---[ end trace` where the kernel prints one.
/// Other reports end when their caller prints something else, when the log's own time stamps show that they are over,
/// or when the input has been quiet for a second ([`Parser::flush_idle`]).
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

/// The kernel's first line comes before its clock runs; later on it is somebody else's.
const START_US: u64 = 10_000_000;

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

    /// Takes what one `read()` of /dev/kmsg returned: one record. Records of user space are skipped.
    pub fn push_record(&mut self, bytes: &[u8]) {
        self.number += 1;
        let Ok(record) = Record::parse(bytes) else {
            self.lost(Loss::BadRecord { line: self.number });
            return;
        };
        if let Some(record) = self.joined(record) {
            self.note_sequence(record.meta.seq);
            if record.facility == 0 {
                self.push_record_lines(&record);
            }
        }
    }

    fn push_record_lines(&mut self, record: &Record) {
        let (number, limit) = (self.number, self.options.line_bytes);
        for (line, cut) in record.lines(number, limit) {
            self.note_cut(cut);
            self.push_line(line);
        }
        self.collect();
    }

    /// Puts the pieces of a record together that netconsole had to cut; `None` while some are still to come.
    fn joined(&mut self, record: Record) -> Option<Record> {
        let Some((offset, total)) = record.fragment else { return Some(record) };
        let whole = match self.fragments.take().filter(|begun| begun.meta.seq == record.meta.seq) {
            Some(mut begun) if offset > 0 && begun.message.len() < self.options.line_bytes => {
                begun.message.push_str(&record.message);
                begun
            }
            _ => record,
        };
        if whole.message.len() >= total {
            return Some(whole);
        }
        self.fragments = Some(whole);
        None
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

    fn push_bytes(&mut self, bytes: &[u8]) {
        let Some(end) = memchr::memrchr(b'\n', bytes) else {
            self.keep_partial(bytes);
            return;
        };
        let mut whole = &bytes[..=end];
        if !self.partial.is_empty() {
            let first = memchr::memchr(b'\n', whole).map_or(whole.len(), |at| at + 1);
            self.keep_partial(&whole[..first]);
            self.take_partial();
            whole = &whole[first..];
        }
        self.push_whole_lines(whole);
        self.keep_partial(&bytes[end + 1..]);
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

    fn push_whole_lines(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.streams.is_idle() && matches!(self.source, Source::Lines) {
                bytes = self.skip_to_candidate(bytes);
            }
            let Some(end) = memchr::memchr(b'\n', bytes) else { return };
            self.push_text_line(&bytes[..end], false);
            bytes = &bytes[end + 1..];
        }
    }

    /// While no report is open, only lines with one of the needles matter.
    fn skip_to_candidate<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let start = self
            .needles
            .find(bytes)
            .map_or(bytes.len(), |found| memchr::memrchr(b'\n', &bytes[..found]).map_or(0, |at| at + 1));
        self.number += memchr::memchr_iter(b'\n', &bytes[..start]).count() as u64;
        &bytes[start..]
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

    /// A line of a file that /dev/kmsg was saved to. What begins with a blank belongs to the record's dictionary.
    fn push_saved_record(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() && !bytes.starts_with(b" ") {
            self.push_record(bytes);
        }
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

    fn keep_partial(&mut self, bytes: &[u8]) {
        let room = (self.options.line_bytes + 1).saturating_sub(self.partial.len());
        self.partial_cut |= bytes.len() > room;
        self.partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn take_partial(&mut self) {
        if !self.partial.is_empty() {
            let bytes = std::mem::take(&mut self.partial);
            let cut = std::mem::take(&mut self.partial_cut);
            self.push_text_line(&bytes, cut);
        }
    }

    fn lost(&mut self, loss: Loss) {
        self.streams.note_loss();
        self.events.push_back(Event::Loss(loss));
    }

    fn note_cut(&mut self, cut: bool) {
        if cut {
            self.events.push_back(Event::Loss(Loss::CutLine { line: self.number }));
        }
    }

    fn note_sequence(&mut self, seq: Option<u64>) {
        let Some(seq) = seq else { return };
        if let Some(last) = self.last_seq.filter(|last| seq > last + 1) {
            self.lost(Loss::Gap { after: last, before: seq });
        }
        self.last_seq = Some(seq);
    }

    /// A serial console's log may hold several boots. What the one before left open has ended, and lockdep is armed again.
    fn note_start(&mut self, line: &Line) {
        let meta = &line.meta;
        let early = match meta.time_us {
            Some(us) if !meta.bare => us < START_US,
            // `cat /proc/version` prints the same, without the prefix that the log's lines have.
            _ => !meta.bare || !self.last_meta.has_time(),
        };
        if early && line.text.starts_with(LINUX) && line.text.contains(" (") {
            self.streams.finish(&self.options);
            self.collect();
            self.lockdep = LockdepState::default();
            self.start = Some(line.number);
        }
    }

    /// `** 12 printk messages dropped **` (kernel/printk/printk.c), on whichever console.
    fn note_dropped(&mut self, line: &Line) {
        let Some((before, _)) = line.text.split_once(" messages dropped") else { return };
        let count = before.trim_end_matches("printk").trim().rsplit(' ').next().and_then(|n| n.parse().ok());
        if let Some(count) = count.filter(|_| line.text.contains("**")) {
            self.lost(Loss::Dropped { count, line: line.number });
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
