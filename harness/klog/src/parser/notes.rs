//! What the log tells besides reports: losses, and that the kernel started again.

use super::Parser;
use crate::banner::LINUX;
use crate::event::{Event, Loss};
use crate::line::Line;
use crate::lockdep_state::LockdepState;

/// The kernel's first line comes before its clock runs; later on it is somebody else's.
const START_US: u64 = 10_000_000;

impl Parser {
    /// Messages are missing here, and in the reports that are being printed.
    pub(super) fn lost(&mut self, loss: Loss) {
        self.streams.note_loss();
        self.events.push_back(Event::Loss(loss));
    }

    /// The line was too long.
    pub(super) fn note_cut(&mut self, cut: bool) {
        if cut {
            self.events.push_back(Event::Loss(Loss::CutLine { line: self.number }));
        }
    }

    /// Sees a record's number: those left out were lost.
    pub(super) fn note_sequence(&mut self, seq: Option<u64>) {
        let Some(seq) = seq else { return };
        if let Some(last) = self.last_seq.filter(|last| seq > last + 1) {
            self.lost(Loss::Gap { after: last, before: seq });
        }
        self.last_seq = Some(seq);
    }

    /// A serial console's log may hold several boots. What the one before left open has ended, and lockdep is armed again.
    pub(super) fn note_start(&mut self, line: &Line) {
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
    pub(super) fn note_dropped(&mut self, line: &Line) {
        let Some((before, _)) = line.text.split_once(" messages dropped") else { return };
        let count = before.trim_end_matches("printk").trim().rsplit(' ').next().and_then(|n| n.parse().ok());
        if let Some(count) = count.filter(|_| line.text.contains("**")) {
            self.lost(Loss::Dropped { count, line: line.number });
        }
    }
}
