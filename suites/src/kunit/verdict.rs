//! From KTAP to the result of a case: a subtest for each test case of each suite, and one verdict for the module.

use super::ktap::{Ktap, Test, Verdict};
use crate::case::{Stop, Tested};
use crate::ctx::Ctx;
use crate::report::Outcome;

/// One test case, ready to be reported. The parameters of a parameterised one are summed up in its reason, so that
/// a case's name lasts when its parameters change.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    name: String,
    outcome: Outcome,
    reason: String,
}

/// Reports every test case and returns the verdict for the module.
///
/// # Errors
/// Fails where a test failed, results are missing, or there is no KTAP; skips where every test was skipped.
pub(super) fn report(ctx: &Ctx, module: &str, ktap: &Ktap) -> Tested {
    let rows = rows(ktap);
    for row in &rows {
        ctx.subtest(&row.name, row.outcome, &row.reason);
    }
    judge(module, ktap, &rows)
}

fn rows(ktap: &Ktap) -> Vec<Row> {
    let mut rows = Vec::new();
    for suite in &ktap.tests {
        if suite.parts.is_empty() && suite.off_plan().is_none() {
            rows.push(row(suite.name.clone(), suite));
        }
        rows.extend(suite.parts.iter().map(|case| row(format!("{}/{}", suite.name, case.name), case)));
        // A suite that fails over and above its cases: parts are missing, or its own init or exit failed.
        if let Some(reason) = suite.off_plan() {
            rows.push(Row { name: suite.name.clone(), outcome: Outcome::Fail, reason });
        } else if suite.verdict == Verdict::Fail && !suite.parts.is_empty() && no_part_failed(suite) {
            rows.push(row(suite.name.clone(), suite));
        }
    }
    rows
}

fn no_part_failed(suite: &Test) -> bool {
    suite.parts.iter().all(|case| case.verdict != Verdict::Fail)
}

fn row(name: String, test: &Test) -> Row {
    let outcome = match test.verdict {
        Verdict::Pass => Outcome::Pass,
        Verdict::Fail => Outcome::Fail,
        Verdict::Skip => Outcome::Skip,
    };
    let failed: Vec<&Test> = test.parts.iter().filter(|part| part.verdict == Verdict::Fail).collect();
    let reason = match failed.first() {
        None => test.reason.clone(),
        Some(first) => {
            // KUnit prints what went wrong at the depth of the case, not of the parameter.
            let why = if first.reason.is_empty() { &test.reason } else { &first.reason };
            let (bad, all) = (failed.len(), test.parts.len());
            format!("{bad} of {all} parameters failed, first {}: {why}", first.name)
        }
    };
    Row { name, outcome, reason }
}

fn judge(module: &str, ktap: &Ktap, rows: &[Row]) -> Tested {
    if !ktap.seen {
        return Err(Stop::fail(format!("{module} was loaded and printed no KTAP")));
    }
    if let Some(why) = &ktap.bail {
        return Err(Stop::fail(format!("{module} bailed out: {why}")));
    }
    if !ktap.unfinished.is_empty() {
        return Err(Stop::fail(format!("{module} has no result for {}", ktap.unfinished.join(", "))));
    }
    let failed: Vec<&Row> = rows.iter().filter(|row| row.outcome == Outcome::Fail).collect();
    if let Some(first) = failed.first() {
        let text = format!(
            "{} of {} tests failed, first {}: {}",
            failed.len(),
            rows.len(),
            first.name,
            first.reason
        );
        return Err(Stop::Fail(text));
    }
    if rows.iter().all(|row| row.outcome == Outcome::Skip) {
        let reason = rows.first().map_or("there are none", |row| &row.reason);
        return Err(Stop::skip(format!("{module} skipped all of its {} tests: {reason}", rows.len())));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::ktap::parse;
    use super::*;

    fn verdict(text: &str) -> Tested {
        let ktap = parse(text.lines());
        judge("m", &ktap, &rows(&ktap))
    }

    fn suite(lines: &str, end: &str) -> String {
        format!("KTAP version 1\n1..1\n    KTAP version 1\n    # Subtest: s\n{lines}{end} 1 s\n")
    }

    #[test]
    fn one_row_a_case_with_its_parameters_summed_up() {
        let text = suite(
            "    1..2\n    ok 1 a\n        KTAP version 1\n        ok 1 p\n        # q went wrong\n        not ok 2 q\n    not ok 2 b\n",
            "not ok",
        );
        let rows = rows(&parse(text.lines()));
        let names: Vec<&str> = rows.iter().map(|r| r.name.as_str()).collect();
        assert_eq!(names, ["s/a", "s/b"]);
        assert_eq!(rows[1].outcome, Outcome::Fail);
        assert_eq!(rows[1].reason, "1 of 2 parameters failed, first q: q went wrong");
        let stop = verdict(&text).unwrap_err();
        assert!(matches!(&stop, Stop::Fail(text) if text.contains("first s/b")), "{stop:?}");
    }

    #[test]
    fn what_passes_and_what_only_seems_to() {
        assert_eq!(verdict(&suite("    1..1\n    ok 1 a\n", "ok")), Ok(()));
        assert!(matches!(verdict(&suite("    1..2\n    ok 1 a\n", "ok")), Err(Stop::Fail(_))));
        assert!(matches!(verdict(&suite("    1..1\n    ok 1 a\n", "not ok")), Err(Stop::Fail(_))));
        assert!(matches!(verdict("KTAP version 1\n1..1\n"), Err(Stop::Fail(_))));
        assert!(matches!(verdict("[drm] nothing\n"), Err(Stop::Fail(text)) if text.contains("no KTAP")));
        let skipped = suite("    1..1\n    ok 1 a # SKIP no GPU\n", "ok");
        assert!(matches!(verdict(&skipped), Err(Stop::Skip(text)) if text.contains("no GPU")));
    }
}
