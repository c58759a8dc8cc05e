//! D3: why a sync object is empty that somebody waits for.

use crate::finding::{Finding, Kind};
use crate::graph::{Graph, Key};
use crate::judge::Verdict;
use crate::words::{Words, moment};

/// Says of a wait for what is not there that it was there, or that something else came in its place.
pub(crate) fn look(words: &Words<'_>, graph: &Graph, verdict: &Verdict, finding: &mut Finding) {
    let Key::Point(object, point) = graph.node(verdict.culprit).key else { return };
    if !matches!(finding.kind, Kind::NeverSubmitted | Kind::Orphan) {
        return;
    }
    let past = words.world.past(object);
    let name = words.object(object);
    let by = |at: crate::fence::At| {
        format!("{} at {} s", words.thread(at.call.thread), moment(words.ns(at.ticks)))
    };
    if let (0, Some(given), Some(taken)) = (point, past.given, past.taken)
        && given.ticks <= taken.ticks
    {
        finding.kind = Kind::LostSignal;
        finding.sentence = format!(
            "the fence that {name} was given by {} was taken away by {} before it was waited for: {}",
            by(given),
            by(taken),
            finding.sentence
        );
    } else if let (1.., Some((at, back, newest))) = (point, past.backwards) {
        finding.kind = Kind::PointBackwards;
        finding.sentence = format!(
            "{} submitted point {back} of {name} when it was at {newest} already, so that it stayed there: {}",
            by(at),
            finding.sentence
        );
    }
}
