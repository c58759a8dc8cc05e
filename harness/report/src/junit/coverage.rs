//! Contract coverage as properties of a testcase. JUnit has properties for suites only; readers of test results take those of
//! a case from its output, one `[[PROPERTY|name=value]]` a line.

use fencelab_events::{Place, RunCoverage};

use crate::rule_coverage::RuleCoverage;
use crate::text::line;
use crate::view::{Case, View};

/// The numbers of a case, and the locks that it was the first to take; none where nothing was read.
pub(super) fn of_case(case: &Case<'_>) -> Option<String> {
    let coverage = case.finished()?.coverage.as_ref()?;
    let mut out = String::new();
    for place in Place::ALL {
        let (new, before) = place.in_case(coverage);
        out.push_str(&property(&format!("coverage.{}.new", name(place)), new.len()));
        out.push_str(&property(&format!("coverage.{}.before", name(place)), before));
        new.iter().for_each(|class| out.push_str(&format!("new: {} {}\n", line(class), place.words())));
    }
    out.push_str(&property("coverage.took_us", coverage.took_us));
    Some(out)
}

/// The numbers of the run; none where no case claims a rule and nothing was read.
pub(super) fn of_run(view: &View<'_>) -> Option<String> {
    let mut out = String::new();
    rules(&RuleCoverage::of(view), &mut out);
    locks(&RunCoverage::of(view.session), &mut out);
    (!out.is_empty()).then_some(out)
}

fn rules(coverage: &RuleCoverage<'_>, out: &mut String) {
    if coverage.is_empty() {
        return;
    }
    let (reach, missing) = (coverage.reach(), coverage.missing());
    out.push_str(&property("coverage.rules", reach.rules));
    out.push_str(&property("coverage.rules.with-device", reach.with_device));
    out.push_str(&property("coverage.rules.with-devices", reach.with_devices));
    for (rules, what) in [
        (missing.failed, "broken"),
        (missing.nothing, "without a result"),
        (missing.unclaimed, "claimed by no case"),
    ] {
        rules.iter().for_each(|rule| out.push_str(&format!("{what}: {rule}\n")));
    }
}

fn locks(run: &RunCoverage<'_>, out: &mut String) {
    if run.readings == 0 {
        return;
    }
    for place in Place::ALL {
        let (all, by_cases) = run.count(place);
        out.push_str(&property(&format!("coverage.{}", name(place)), all));
        out.push_str(&property(&format!("coverage.{}.by-cases", name(place)), by_cases));
    }
    out.push_str(&property("coverage.took_us", run.took_us));
}

fn property(name: &str, value: impl std::fmt::Display) -> String {
    format!("[[PROPERTY|{name}={value}]]\n")
}

fn name(place: Place) -> &'static str {
    match place {
        Place::InSection => "in-section",
        Place::OverWait => "over-wait",
        Place::UnderReservation => "under-reservation",
        Place::AroundReservation => "around-reservation",
    }
}
