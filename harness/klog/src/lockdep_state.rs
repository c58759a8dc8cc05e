//! Is lockdep armed? Its first report of a boot is its last, and other things turn it off as well.

use crate::die_line;
use crate::event::{LockdepOff, OffCause};
use crate::kind::Kind;
use crate::line::Line;
use crate::report::Report;

/// What lockdep says when the kernel boots.
pub(crate) const HELLO: &str = "Lock dependency validator: ";

/// What the log has told about lockdep since the boot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockdepState {
    off: Option<LockdepOff>,
    present: bool,
}

impl LockdepState {
    /// Why it is off, if it is.
    pub fn off(&self) -> Option<&LockdepOff> {
        self.off.as_ref()
    }

    /// Did the log show that this kernel has lockdep (`lockdep_init`, kernel/locking/lockdep.c) or that it reported? An
    /// oops shows nothing of it.
    pub fn is_present(&self) -> bool {
        self.present || self.off.as_ref().is_some_and(|off| off.cause != OffCause::Oops)
    }

    /// Looks at one line; returns the news that lockdep has gone off, once.
    pub(crate) fn see_line(&mut self, line: &Line) -> Option<LockdepOff> {
        let turned_off = line.text.contains("INFO: lockdep is turned off.");
        self.present |= turned_off || line.text.starts_with(HELLO) || line.text.contains("debug_locks = 1");
        if self.off.is_some() {
            return None;
        }
        let cause = match crate::banner::find(&line.text) {
            Some(Kind::Limit) => OffCause::TableFull { limit: limit_name(&line.text).to_owned() },
            Some(kind) if kind.turns_lockdep_off() => OffCause::Splat { kind },
            _ if die_line::is_of_die(&line.text) => OffCause::Oops,
            _ if line.text.contains("Disabling lock debugging due to kernel taint") => OffCause::Taint,
            _ if turned_off => OffCause::Unknown,
            _ => return None,
        };
        self.go_off(LockdepOff {
            cause,
            line: line.number,
            seq: line.meta.seq,
            time_us: line.meta.time_us,
            caller: line.meta.caller,
            text: line.text.trim().to_owned(),
        })
    }

    /// Looks at a report, whose banner a mailer may have broken; returns the news that lockdep has gone off, once.
    pub(crate) fn see_report(&mut self, report: &Report) -> Option<LockdepOff> {
        if self.off.is_some() || !report.kind.turns_lockdep_off() {
            return None;
        }
        let cause = match &report.details.limit {
            Some(limit) => OffCause::TableFull { limit: limit.clone() },
            None => OffCause::Splat { kind: report.kind },
        };
        self.go_off(LockdepOff {
            cause,
            line: report.first_line,
            seq: report.seq.map(|(first, _)| first),
            time_us: report.time_us,
            caller: report.caller,
            text: report.text.first().map(|text| text.trim().to_owned()).unwrap_or_default(),
        })
    }

    fn go_off(&mut self, off: LockdepOff) -> Option<LockdepOff> {
        self.off = Some(off.clone());
        Some(off)
    }
}

/// `MAX_LOCKDEP_ENTRIES` out of "BUG: MAX_LOCKDEP_ENTRIES too low!".
pub(crate) fn limit_name(text: &str) -> &str {
    text.split_ascii_whitespace().find(|word| word.starts_with("MAX_")).unwrap_or("")
}
