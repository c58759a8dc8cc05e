//! One boot's kernel log, heard as it comes: reports, lockdep's state, losses.

use std::collections::HashSet;
use std::time::Duration;

use fencelab_events::LockdepCause;
use fencelab_klog::{Event, Kernel, Kind, OffCause, Options, Parser, Report};

/// What the kernel let be known.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A report, with the sequence numbers of its first and last record; none for a panic's last words, which only
    /// the console has.
    Report(Box<Report>, Option<(u64, u64)>),
    /// Lockdep is off from here on.
    Off {
        /// Why.
        cause: LockdepCause,
        /// The line that says so.
        line: String,
    },
    /// Records were lost.
    Gap {
        /// The first.
        from: u64,
        /// How many.
        lost: u64,
    },
}

/// Listens to the kernel log of one boot, and to its console for the words that a panicking kernel could not
/// send any other way.
pub(crate) struct Watch {
    log: Parser,
    console: Parser,
    next_seq: Option<u64>,
    heard: Vec<Heard>,
    told: HashSet<(Kind, String)>,
}

impl Watch {
    pub(crate) fn new(annotated: bool) -> Watch {
        let kernel = if annotated { Kernel::Annotated } else { Kernel::Stock };
        let parser = || Parser::new(Options { kernel, ..Options::default() });
        Watch { log: parser(), console: parser(), next_seq: None, heard: Vec::new(), told: HashSet::new() }
    }

    /// Takes one raw /dev/kmsg record and returns it as a person reads it.
    pub(crate) fn record(&mut self, raw: &[u8]) -> String {
        let text = String::from_utf8_lossy(raw);
        let record = Readable::of(&text);
        if let Some(seq) = record.seq {
            self.note_gap(seq);
            self.next_seq = Some(seq + 1);
        }
        self.log.push_record(raw);
        self.collect();
        record.line()
    }

    /// Takes one line of the console. It repeats what the log has, so its reports count only after a panic.
    pub(crate) fn console(&mut self, line: &[u8]) {
        self.console.push_text(line);
        self.console.push_text(b"\n");
    }

    /// The machine is down: what was half told is taken as it is. After a panic the console's last words count.
    pub(crate) fn finish(&mut self, panicked: bool) {
        self.log.finish();
        self.collect();
        self.console.finish();
        let last_words: Vec<Report> = self.console.drain().filter_map(Event::into_report).collect();
        let news =
            last_words.into_iter().filter(|r| panicked && !self.told.contains(&(r.kind, r.title.clone())));
        self.heard.extend(news.map(|report| Heard::Report(Box::new(report), None)));
    }

    /// The log has been quiet: reports that may be over are over.
    pub(crate) fn flush(&mut self) {
        self.log.flush_idle(Duration::MAX);
        self.collect();
    }

    /// The next record will have this number, as the agent says: a log that is heard from its middle has no gap
    /// before its first record.
    pub(crate) fn expect(&mut self, seq: u64) {
        self.next_seq.get_or_insert(seq);
    }

    /// A report is half told.
    pub(crate) fn is_inside_report(&self) -> bool {
        self.log.is_inside_report()
    }

    /// The sequence number after the last record; 0 before the first.
    pub(crate) fn next_seq(&self) -> u64 {
        self.next_seq.unwrap_or(0)
    }

    /// Takes what was heard since the last time.
    pub(crate) fn take(&mut self) -> Vec<Heard> {
        std::mem::take(&mut self.heard)
    }

    fn note_gap(&mut self, seq: u64) {
        if let Some(expected) = self.next_seq.filter(|expected| seq > *expected) {
            self.heard.push(Heard::Gap { from: expected, lost: seq - expected });
        }
    }

    fn collect(&mut self) {
        let here = self.next_seq();
        for event in self.log.drain() {
            match event {
                Event::Report(report) => {
                    self.told.insert((report.kind, report.title.clone()));
                    let seq = report.seq.or(Some((here, here)));
                    self.heard.push(Heard::Report(report, seq));
                }
                Event::LockdepOff(off) => {
                    self.heard.push(Heard::Off { cause: cause(&off.cause), line: off.text });
                }
                // Gaps are counted above; the parser's other losses are of text logs, not of records.
                Event::Loss(_) => {}
            }
        }
    }
}

fn cause(cause: &OffCause) -> LockdepCause {
    match cause {
        OffCause::Splat { .. } => LockdepCause::Splat,
        OffCause::TableFull { .. } => LockdepCause::TableFull,
        OffCause::Taint => LockdepCause::Taint,
        OffCause::Oops => LockdepCause::Oops,
        OffCause::Unknown => LockdepCause::Unknown,
    }
}

/// The head of a /dev/kmsg record (Documentation/ABI/testing/dev-kmsg), as far as a reader's line needs it.
struct Readable<'a> {
    seq: Option<u64>,
    us: u64,
    caller: Option<&'a str>,
    text: &'a str,
}

impl<'a> Readable<'a> {
    fn of(raw: &'a str) -> Readable<'a> {
        let (head, rest) = raw.split_once(';').unwrap_or(("", raw));
        let mut fields = head.split(',');
        let seq = fields.nth(1).and_then(|field| field.parse().ok());
        let us = fields.next().and_then(|field| field.parse().ok()).unwrap_or(0);
        let caller = fields.find_map(|field| field.strip_prefix("caller="));
        Readable { seq, us, caller, text: rest.lines().next().unwrap_or_default() }
    }

    fn line(&self) -> String {
        let caller = self.caller.map(|caller| format!("[{caller:>6}]")).unwrap_or_default();
        format!("[{:5}.{:06}]{caller} {}\n", self.us / 1_000_000, self.us % 1_000_000, self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_in_the_sequence_is_heard_once_with_its_size() {
        let mut watch = Watch::new(false);
        assert_eq!(
            watch.record(b"6,7,1500000,-,caller=T12;hello\n SUBSYSTEM=x\n"),
            "[    1.500000][   T12] hello\n"
        );
        assert_eq!(watch.next_seq(), 8);
        watch.record(b"6,11,1600000,-;again\n");
        watch.record(b"6,12,1600001,-;and on\n");
        let heard = watch.take();
        assert!(matches!(heard[..], [Heard::Gap { from: 8, lost: 3 }]), "{heard:?}");
    }

    #[test]
    fn a_full_table_is_told_from_a_splat() {
        let mut watch = Watch::new(false);
        watch.record(b"7,1,1000000,-,caller=T1;BUG: MAX_LOCKDEP_ENTRIES too low!\n");
        watch.record(b"7,2,1000001,-,caller=T1;turning off the locking correctness validator.\n");
        watch.finish(false);
        let off = watch.take().into_iter().find_map(|heard| match heard {
            Heard::Off { cause, .. } => Some(cause),
            _ => None,
        });
        assert_eq!(off, Some(LockdepCause::TableFull));
    }

    #[test]
    fn an_oops_takes_lockdep_with_it() {
        let mut watch = Watch::new(false);
        watch.record(
            b"1,1,1000000,-,caller=T1;BUG: kernel NULL pointer dereference, address: 0000000000000000\n",
        );
        watch.record(b"4,2,1000001,-,caller=T1;Oops: Oops: 0000 [#1] PREEMPT SMP NOPTI\n");
        let off = watch.take().into_iter().find(|heard| matches!(heard, Heard::Off { .. }));
        let Some(Heard::Off { cause, line }) = off else { panic!("nothing says that lockdep is off") };
        assert_eq!((cause, line.as_str()), (LockdepCause::Oops, "Oops: Oops: 0000 [#1] PREEMPT SMP NOPTI"));
    }

    #[test]
    fn the_console_speaks_only_for_a_kernel_that_panicked() {
        let line = b"[    2.000000][    T1] Kernel panic - not syncing: sysrq triggered crash";
        let mut quiet = Watch::new(false);
        quiet.console(line);
        quiet.finish(false);
        assert!(quiet.take().is_empty());
        let mut panicked = Watch::new(false);
        panicked.console(line);
        panicked.finish(true);
        assert!(matches!(&panicked.take()[..], [Heard::Report(report, _)] if report.kind == Kind::Panic));
    }
}
