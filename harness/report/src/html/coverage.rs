//! Contract coverage: the locks that lockdep has seen at each place of the contract, as numbers and as a graph.

use std::io::{self, Write};

use fencelab_events::{Place, RunCoverage};
use fencelab_klog::lockdep::coverage::SIGNALLING;
use fencelab_klog::lockdep::graph::LockGraph;

use crate::text::{count, span};
use crate::view::View;

use super::escape::Esc;

/// The class that stands for all of the reservation's.
const RESERVATION: &str = "reservation_ww_class_mutex";
/// A graph with more edges is a hairball: the table has them all.
const EDGES: usize = 40;

pub(super) fn write(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    let run = RunCoverage::of(view.session);
    if run.readings == 0 {
        return Ok(());
    }
    let each = run.took_us / u64::try_from(run.readings).unwrap_or(1).max(1);
    writeln!(
        out,
        "<section>\n<h2>Contract coverage: locks</h2>\n<p>The locks that lockdep has seen at each place of the contract. What cases \
         of this run were the first to take in their boot is drawn red. {} of /proc/lockdep, {} each.</p>\n\
         <table class=\"boots\"><tbody>",
        count(run.readings, "reading"),
        span(each)
    )?;
    Place::ALL.iter().try_for_each(|place| row(&run, *place, out))?;
    writeln!(out, "</tbody></table>\n{}</section>", graph(&run))
}

fn row(run: &RunCoverage<'_>, place: Place, out: &mut dyn Write) -> io::Result<()> {
    let (all, by_cases) = run.count(place);
    write!(
        out,
        "<tr><th>{all} {}</th><td>{by_cases} of them first by cases of this run",
        Esc(place.words())
    )?;
    if by_cases > 0 {
        write!(out, "<details><summary>which, and by whom</summary><dl>")?;
        for (class, case) in run.at(place) {
            if let Some(case) = case {
                write!(out, "<dt>{}</dt><dd>{}</dd>", Esc(class), Esc(case))?;
            }
        }
        write!(out, "</dl></details>")?;
    }
    writeln!(out, "</td></tr>")
}

/// What cases added, and all that was taken inside sections: the part of the graph that this run is about.
fn graph(run: &RunCoverage<'_>) -> String {
    let mut edges = Vec::new();
    for place in Place::ALL {
        for (class, case) in run.at(place).filter(|(_, case)| case.is_some() || place == Place::InSection) {
            edges.push(match place {
                Place::InSection => (SIGNALLING, class, case.is_some()),
                Place::OverWait => (class, SIGNALLING, true),
                Place::UnderReservation => (RESERVATION, class, true),
                Place::AroundReservation => (class, RESERVATION, true),
            });
        }
    }
    let left_out = edges.len().saturating_sub(EDGES);
    edges.truncate(EDGES);
    if edges.is_empty() {
        return String::new();
    }
    let more = if left_out > 0 {
        format!("<p>{left_out} edges more are in the table.</p>\n")
    } else {
        String::new()
    };
    format!("<div class=\"locks\">{}</div>\n{more}", LockGraph::of_edges(edges).svg())
}
