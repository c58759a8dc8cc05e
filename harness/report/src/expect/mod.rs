//! What is known to fail: lists in drm-ci's form, and the judge.
//!
//! Three files per driver or bench, named `<name>-fails.txt`, `<name>-flakes.txt` and `<name>-skips.txt`, a line each
//! for what is known, `#` for comments. They are read as deqp-runner reads them: a line of fails may name the status
//! behind a comma (`atomic/flip@qxl,Crash`), as results.csv does, so that a list can be made by copying lines. Beyond that
//! form, a line of fails or flakes may name a report of the kernel (`atomic/.*@qxl reports: ttm_bo_unpin`): it then speaks of
//! cases with which nothing else is wrong.

mod judge;
mod list;

pub use judge::Standing;
pub use list::{Error, Kind, Line, List, Status};

use fencelab_events::Verdict;

/// All lists of a run.
#[derive(Debug, Clone, Default)]
pub struct Expectations {
    fails: Vec<Line>,
    flakes: Vec<Line>,
    skips: Vec<Line>,
}

impl Expectations {
    /// Takes a list in.
    pub fn add(&mut self, list: List) {
        match list.kind {
            Kind::Fails => self.fails.extend(list.lines),
            Kind::Flakes => self.flakes.extend(list.lines),
            Kind::Skips => self.skips.extend(list.lines),
        }
    }

    /// The line that says not to run a case.
    pub fn skips(&self, id: &str) -> Option<&Line> {
        find(&self.skips, id, |_| true)
    }

    /// Judges the verdict on a case, or on a part of one; `titles` are those of what the kernel reported in it.
    pub fn judge(&self, id: &str, verdict: Verdict, titles: &[&str]) -> Standing<'_> {
        let speaks = |line: &Line| line.speaks_of(verdict, titles);
        judge::judge(verdict, || find(&self.flakes, id, speaks), || find(&self.fails, id, speaks))
    }
}

/// The line for an id: its own before a pattern.
fn find<'a>(lines: &'a [Line], id: &str, speaks: impl Fn(&Line) -> bool) -> Option<&'a Line> {
    let mut speaking = lines.iter().filter(|line| speaks(line));
    let own = speaking.clone().find(|line| line.pattern == id);
    own.or_else(|| speaking.find(|line| line.matches(id)))
}
