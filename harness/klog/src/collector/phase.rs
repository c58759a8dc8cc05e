//! How far a report has come, and when it has ended.

use super::Collector;
use crate::kind::Kind;
use crate::shape::Shape;

/// How far a report has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Text, locks, chains.
    Body,
    /// The last backtrace has begun; how many of its frames there were.
    Backtrace(u32),
    /// All of it was there. The kernel may sum up the registers, say how the task ends, or panic over it.
    After,
}

/// `foo from bar+0x1/0x2`
pub(crate) fn is_arm_frame(shape: Shape, text: &str) -> bool {
    shape == Shape::Frame && text.contains(" from ")
}

/// Does the last backtrace stand behind the words "stack backtrace:"?
fn has_last_part(kind: Kind) -> bool {
    kind.is_lockdep()
        && !matches!(kind, Kind::Limit | Kind::NonStaticKey | Kind::LockWarn | Kind::HeldAtReturn)
}

/// Does the report of this kind, which is not lockdep's, end with its backtrace?
fn ends_with_stack(kind: Kind) -> bool {
    matches!(kind, Kind::Sleeping | Kind::AtomicSchedule)
}

impl Collector {
    /// Is everything there but a rest that may come or not?
    pub(crate) fn in_tail(&self) -> bool {
        match self.phase {
            Phase::Body => false,
            Phase::Backtrace(frames) => frames > 0,
            Phase::After => true,
        }
    }

    /// Goes on by one line.
    pub(super) fn advance(&mut self, shape: Shape, text: &str) {
        let waits_for_last_part = self.kind.is_some_and(has_last_part);
        // 32-bit Arm prints no line above its backtrace.
        let shape =
            if self.phase == Phase::Body && is_arm_frame(shape, text) { Shape::TraceStart } else { shape };
        self.in_task_stack |= text.trim() == "<TASK>";
        match (self.phase, shape) {
            (Phase::Body, Shape::LastPart) if self.traces_left > 0 => self.traces_left -= 1,
            (Phase::Body, Shape::LastPart) => self.phase = Phase::Backtrace(0),
            (Phase::Body, Shape::TraceStart) if !waits_for_last_part => self.phase = Phase::Backtrace(0),
            (Phase::Backtrace(frames), Shape::Frame) => self.phase = Phase::Backtrace(frames + 1),
            (_, Shape::StackEnd) => self.in_task_stack = false,
            (_, Shape::HeldCount(count)) => self.held_left = count,
            (_, Shape::Lock) => self.held_left = self.held_left.saturating_sub(1),
            _ => {}
        }
    }

    /// Is this the last line that reports of this kind have?
    pub(super) fn is_last(&self, shape: Shape) -> bool {
        let Some(kind) = self.kind else { return false };
        match shape {
            Shape::StackEnd => {
                self.in_tail() && (kind.is_lockdep() && kind != Kind::LockWarn || ends_with_stack(kind))
            }
            Shape::EndTrace => !kind.is_lockdep() || kind == Kind::LockWarn,
            Shape::Rule => matches!(kind, Kind::Kasan | Kind::Kcsan | Kind::Ubsan) && self.lines.len() > 4,
            Shape::Lock | Shape::HeldCount(_) => kind == Kind::HeldAtReturn && self.held_left == 0,
            _ => false,
        }
    }
}
