//! The night as a strip: boots, what ran in them, why they ended.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use fencelab_events::{Boot, BootEnd, Verdict};

use crate::group::{by_case, ranges};
use crate::night::{boot_ends, lockdep_offs};
use crate::text::{count, span};
use crate::view::View;
use crate::why::boot_end;

use super::escape::Esc;
use super::mark::class;

/// The strip's width in its own units; the page scales it.
const WIDTH: f64 = 1000.0;
/// The height of a lane: boots one after the other have one, machines side by side one each.
const LANE: usize = 44;
/// Groups of cases that are named.
const CASES: usize = 12;
/// A boot that is narrower has no room for its number.
const ROOM: f64 = 26.0;

pub(super) fn write(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    let session = view.session;
    if session.boots.is_empty() {
        return Ok(());
    }
    let lanes = lanes(&session.boots, session.last_ms);
    let height = LANE * lanes.values().max().map_or(1, |lane| lane + 1);
    let took = session.last_ms.saturating_sub(session.began_ms).saturating_mul(1000);
    write!(
        out,
        "<section>\n<h2>{} in {}</h2>\n<svg class=\"night\" viewBox=\"0 0 1000 {height}\" role=\"img\" \
         aria-label=\"boots and cases over time\">{}{}</svg>\n<table class=\"boots\"><tbody>\n{}{}</tbody></table>\n</section>\n",
        count(session.boots.len(), "boot"),
        span(took),
        boots(view, &lanes),
        cases(view, &lanes),
        ends(view),
        gaps(view),
    )
}

/// Where a moment stands in the strip.
fn x(view: &View<'_>, ms: u64) -> f64 {
    let all = view.session.last_ms.saturating_sub(view.session.began_ms).max(1);
    let at = ms.saturating_sub(view.session.began_ms).min(all);
    // Exact to a millisecond for far longer than any session.
    at as f64 / all as f64 * WIDTH
}

/// The first lane that is free when a boot begins, by the boot's number.
fn lanes(boots: &[Boot], last_ms: u64) -> HashMap<u32, usize> {
    let mut free_at: Vec<u64> = Vec::new();
    let mut lanes = HashMap::new();
    for boot in boots {
        let lane = free_at.iter().position(|free| *free <= boot.began_ms).unwrap_or(free_at.len());
        free_at.resize(free_at.len().max(lane + 1), 0);
        free_at[lane] = boot.ended_ms.unwrap_or(last_ms);
        lanes.insert(boot.number, lane);
    }
    lanes
}

fn boots(view: &View<'_>, lanes: &HashMap<u32, usize>) -> String {
    let mut out = String::new();
    for boot in &view.session.boots {
        let y = LANE * lanes.get(&boot.number).copied().unwrap_or(0);
        let from = x(view, boot.began_ms);
        let wide = (x(view, boot.ended_ms.unwrap_or(view.session.last_ms)) - from).max(1.0);
        let title = format!("boot {}: {}", boot.number, end(boot));
        let _ = write!(
            out,
            "<rect class=\"boot {}\" x=\"{from:.1}\" y=\"{y}\" width=\"{wide:.1}\" height=\"18\" rx=\"2\"><title>{}</title></rect>",
            tone(boot),
            Esc(title)
        );
        if wide > ROOM {
            let _ =
                write!(out, "<text x=\"{:.1}\" y=\"{}\">{}</text>", from + wide / 2.0, y + 13, boot.number);
        }
    }
    out
}

fn tone(boot: &Boot) -> &'static str {
    match boot.end {
        Some(BootEnd::Done) => "done",
        Some(BootEnd::Restarted { .. }) => "restarted",
        Some(BootEnd::Panic { .. } | BootEnd::Silent { .. } | BootEnd::Vanished { .. }) => "died",
        None => "open",
    }
}

fn end(boot: &Boot) -> String {
    boot.end.as_ref().map_or_else(|| "no end is known".into(), boot_end)
}

/// A bar for each case, taller where there is something to look at.
fn cases(view: &View<'_>, lanes: &HashMap<u32, usize>) -> String {
    let mut out = String::new();
    for (index, case) in view.cases.iter().enumerate() {
        let Some(attempt) = case.record.attempts.last() else { continue };
        let from = x(view, attempt.began_ms);
        let wide = (x(view, attempt.began_ms.saturating_add(case.took_us() / 1000)) - from).max(0.8);
        let quiet = matches!(case.verdict, Verdict::Pass | Verdict::Skip);
        let (y, height) = if quiet { (28, 10) } else { (22, 22) };
        let y = y + LANE * lanes.get(&attempt.boot).copied().unwrap_or(0);
        let _ = write!(
            out,
            "<a href=\"#c{index}\"><rect class=\"{}\" x=\"{from:.1}\" y=\"{y}\" width=\"{wide:.1}\" height=\"{height}\"><title>{} {}</title></rect></a>",
            class(case.verdict),
            Esc(case.id()),
            case.verdict.word()
        );
    }
    out
}

/// How the boots ended, and why lockdep went off.
fn ends(view: &View<'_>) -> String {
    let mut out = String::new();
    for (end, boots) in boot_ends(view.session) {
        let _ = writeln!(out, "<tr><th>boot {}</th><td>{}</td></tr>", ranges(&boots), Esc(end));
    }
    for (why, cases) in lockdep_offs(view.session) {
        let cases = by_case(cases, CASES).join(", ");
        let _ = writeln!(
            out,
            "<tr><th>lockdep off</th><td>{}<br>while this ran: {}</td></tr>",
            Esc(why),
            Esc(cases)
        );
    }
    out
}

fn gaps(view: &View<'_>) -> String {
    let gaps = view.session.gaps.iter().map(|(boot, from, lost, case)| {
        let case = case.as_deref().map(|case| format!(", while {case} ran")).unwrap_or_default();
        format!(
            "<tr><th>log lost, boot {boot}</th><td>{lost} records from {from} on{}</td></tr>\n",
            Esc(case)
        )
    });
    gaps.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boot(number: u32, began_ms: u64, ended_ms: Option<u64>) -> Boot {
        Boot {
            number,
            began_ms,
            ended_ms,
            release: String::new(),
            boot_id: String::new(),
            devices: vec![],
            doctor: vec![],
            lockdep: fencelab_events::Lockdep::Armed,
            recorded: false,
            end: None,
        }
    }

    #[test]
    fn boots_that_overlap_have_lanes_of_their_own() {
        let boots = [
            boot(1, 0, Some(10)),
            boot(2, 2, Some(20)),
            boot(3, 10, None),
            boot(4, 12, None),
            boot(5, 20, None),
        ];
        let lanes = lanes(&boots, 100);
        let of: Vec<usize> = (1..=5).map(|number| lanes[&number]).collect();
        assert_eq!(of, [0, 1, 0, 2, 1]);
    }
}
