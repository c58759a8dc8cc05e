//! How long a report is waited for, and who else may print meanwhile.

use super::Collector;
use crate::kind::Kind;
use crate::shape::Shape;

/// How many lines of others may stand between two lines of a report before it is given up: while its text is being
/// printed, and after its last backtrace has begun. With caller ids there is hardly a line of others to expect.
const PATIENCE_BODY: (usize, usize) = (40, 100);
const PATIENCE_TAIL: (usize, usize) = (2, 8);
/// How long a report may pause, in microseconds of the log's own time.
const PAUSE_BODY: u64 = 30_000_000;
const PAUSE_TAIL: u64 = 5_000_000;
const PAUSE_OWN: u64 = 300_000_000;

impl Collector {
    /// Has the log gone on without this report for too long? What only lockdep prints is waited for longer: a slow
    /// console may take minutes for a long report, and people join what two boots printed.
    pub(crate) fn paused_too_long(&self, now: Option<u64>, shape: Shape) -> bool {
        let own = matches!(shape, Shape::Lockdep | Shape::HeldCount(_) | Shape::LastPart | Shape::Lock)
            && self.kind.is_some_and(Kind::is_lockdep);
        let limit = match (self.in_tail(), own) {
            (true, _) => PAUSE_TAIL,
            (false, false) => PAUSE_BODY,
            (false, true) => PAUSE_OWN,
        };
        now.zip(self.last_time).is_some_and(|(now, last)| now.saturating_sub(last) > limit)
    }

    /// How many lines of others may stand here.
    pub(super) fn patience(&self, own: bool) -> usize {
        let (with_callers, without) = if self.in_tail() { PATIENCE_TAIL } else { PATIENCE_BODY };
        // Reports about several tasks go on with text after a backtrace.
        let more = if self.in_task_stack
            || matches!(self.kind, Some(Kind::RcuStall | Kind::Kasan | Kind::Kcsan | Kind::HardLockup))
        {
            8
        } else {
            0
        };
        if own { with_callers + more } else { without + more }
    }

    /// Does a line of this look belong to no report of this kind?
    pub(super) fn is_stranger(&self, shape: Shape, text: &str) -> bool {
        match shape {
            Shape::Other => true,
            // Only lockdep prints these.
            Shape::Lockdep if !self.kind.is_some_and(Kind::is_lockdep) => !text.contains("depth"),
            _ => false,
        }
    }
}
