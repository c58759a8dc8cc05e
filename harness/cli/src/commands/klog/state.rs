//! What a log tells besides its reports: how long it is, whether lockdep was armed, what was lost.

use fencelab_klog::{Event, LockdepOff, Loss, OffCause, Parser};

use super::count;

/// Of one log, or of several together.
#[derive(Default)]
pub(super) struct State {
    reports: usize,
    lines: u64,
    /// Lockdep showed itself.
    present: bool,
    off: Vec<LockdepOff>,
    /// In how many logs it went off.
    logs_off: usize,
    /// It is off at the end.
    off_now: bool,
    /// The line in which the kernel last started.
    start: Option<u64>,
    /// Messages that a console or the ring buffer dropped.
    dropped: u64,
    /// Places where it is not known how many.
    holes: usize,
    cut: usize,
}

impl State {
    /// Takes what the parser says.
    pub(super) fn see(&mut self, event: &Event) {
        match event {
            Event::Report(_) => self.reports += 1,
            Event::LockdepOff(off) => self.off.push(off.clone()),
            Event::Loss(Loss::Gap { after, before }) => self.dropped += before - after - 1,
            Event::Loss(Loss::Dropped { count, .. }) => self.dropped += count,
            Event::Loss(Loss::Overrun { .. } | Loss::BadRecord { .. } | Loss::MissingPart { .. }) => {
                self.holes += 1
            }
            Event::Loss(Loss::CutLine { .. }) => self.cut += 1,
        }
    }

    /// The log has ended.
    pub(super) fn end(&mut self, parser: &Parser) {
        self.lines = parser.lines();
        let reported = self.off.iter().any(|off| off.cause != OffCause::Oops);
        self.present = reported || parser.lockdep().is_present();
        if !self.present {
            // An oops does not show that there was a lockdep to turn off.
            self.off.clear();
        }
        self.off_now = !self.off.is_empty() && parser.lockdep().off().is_some();
        self.start = parser.last_start();
    }

    /// Did it hold no report?
    pub(super) fn is_quiet(&self) -> bool {
        self.reports == 0
    }

    /// Adds another log.
    pub(super) fn add(&mut self, other: &State) {
        self.reports += other.reports;
        self.lines += other.lines;
        self.present |= other.present;
        self.off.extend(other.off.iter().cloned());
        self.logs_off += usize::from(!other.off.is_empty());
        self.off_now |= other.off_now;
        self.start = other.start.or(self.start);
        self.dropped += other.dropped;
        self.holes += other.holes;
        self.cut += other.cut;
    }

    /// `no reports in 812 lines; lockdep armed`
    pub(super) fn sentence(&self, logs: usize) -> String {
        let reports = if self.reports == 0 { "no reports".to_owned() } else { count(self.reports, "report") };
        let lines = count(usize::try_from(self.lines).unwrap_or(usize::MAX), "line");
        let of_logs = if logs == 1 { String::new() } else { format!(" of {}", count(logs, "log")) };
        let mut parts = vec![format!("{reports} in {lines}{of_logs}"), self.lockdep(logs)];
        if self.dropped > 0 {
            parts.push(format!(
                "{} lost",
                count(usize::try_from(self.dropped).unwrap_or(usize::MAX), "message")
            ));
        }
        if self.holes > 0 {
            parts.push(format!("{} that nobody knows the size of", count(self.holes, "loss")));
        }
        if self.cut > 0 {
            parts.push(format!("{} too long and cut", count(self.cut, "line")));
        }
        parts.join("; ")
    }

    fn lockdep(&self, logs: usize) -> String {
        match (&self.off[..], self.present) {
            ([], true) => "lockdep armed".to_owned(),
            ([], false) => "lockdep unknown: nothing in it shows that the kernel has it".to_owned(),
            _ if logs > 1 => format!("lockdep went off in {}", count(self.logs_off, "log")),
            (offs, _) if !self.off_now => {
                let start = self.start.map(|line| format!(" in line {line}")).unwrap_or_default();
                format!("lockdep went off in {}; the kernel started again{start}", count(offs.len(), "boot"))
            }
            ([off], _) => format!("lockdep off {}, {}", since(off), cause(&off.cause)),
            ([.., off], _) => {
                let boots = count(self.off.len(), "boot");
                format!("lockdep went off in {boots}, the last time {}, {}", since(off), cause(&off.cause))
            }
        }
    }
}

/// `since 23.668221 s (line 4)`
fn since(off: &LockdepOff) -> String {
    let time = off.time_us.map(|us| format!("since {}.{:06} s", us / 1_000_000, us % 1_000_000));
    let line = format!("line {}", off.line);
    time.map_or_else(|| format!("since {line}"), |time| format!("{time} ({line})"))
}

/// By what.
fn cause(cause: &OffCause) -> String {
    match cause {
        OffCause::Splat { kind } => format!("by its report ({kind}): it gives one a boot"),
        OffCause::TableFull { limit } => format!("a table is full: {limit} too low"),
        OffCause::Taint => "the kernel was tainted".to_owned(),
        OffCause::Oops => "the kernel oopsed".to_owned(),
        OffCause::Unknown => "the log does not say why".to_owned(),
    }
}
