//! Selections: which of the planned cases run.

use fencelab_events::PlannedCase;
use glob::Pattern;
use serde::Deserialize;

/// A named selection, as its YAML file says it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// One sentence: what it is for.
    pub about: String,
    /// Patterns of the cases that it takes.
    pub include: Vec<String>,
    /// Patterns of those that it leaves out again.
    #[serde(default)]
    pub exclude: Vec<String>,
}

/// Why a pattern selects nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing has that name.
    #[error("find `{pattern}` among the suites, cases and selections{}", nearest_names(.nearest))]
    Unknown {
        /// The pattern.
        pattern: String,
        /// The names most like it.
        nearest: Vec<String>,
    },
    /// It is no pattern.
    #[error("read the pattern `{pattern}`: {reason}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
}

fn nearest_names(names: &[String]) -> String {
    match names {
        [] => String::new(),
        names => format!("; did you mean {}?", names.join(", ")),
    }
}

/// Those of `cases` that one of the patterns takes, in their order. A pattern is a suite (`atomic`), a case on
/// every device (`atomic/flip`), one case (`atomic/flip@vkms`), or any of these with `*`, `?` and `[..]`.
///
/// # Errors
/// For the first pattern that takes nothing, with the nearest names.
pub fn select<'a>(cases: &'a [PlannedCase], patterns: &[String]) -> Result<Vec<&'a PlannedCase>, Error> {
    let mut taken = vec![false; cases.len()];
    for text in patterns {
        let pattern = compile(text)?;
        let mut any = false;
        for (case, taken) in cases.iter().zip(&mut taken) {
            if takes(&pattern, case) {
                (*taken, any) = (true, true);
            }
        }
        if !any {
            return Err(Error::Unknown { pattern: text.clone(), nearest: nearest(text, cases) });
        }
    }
    Ok(cases.iter().zip(taken).filter(|(_, taken)| *taken).map(|(case, _)| case).collect())
}

/// The cases of a named selection. What it names must be in `known`, the cases of every bench there is: a bench that lacks a
/// device has fewer cases, and a renamed case does not slip out of a night.
///
/// # Errors
/// As [`select`], for `include` and `exclude` alike.
pub fn select_named<'a>(
    cases: &'a [PlannedCase],
    known: &[PlannedCase],
    selection: &Selection,
) -> Result<Vec<&'a PlannedCase>, Error> {
    for pattern in selection.include.iter().chain(&selection.exclude) {
        select(known, std::slice::from_ref(pattern))?;
    }
    let compiled = |patterns: &[String]| patterns.iter().map(|p| compile(p)).collect::<Result<Vec<_>, _>>();
    let (include, exclude) = (compiled(&selection.include)?, compiled(&selection.exclude)?);
    let any = |patterns: &[Pattern], case| patterns.iter().any(|pattern| takes(pattern, case));
    Ok(cases.iter().filter(|case| any(&include, case) && !any(&exclude, case)).collect())
}

fn compile(text: &str) -> Result<Pattern, Error> {
    Pattern::new(text).map_err(|e| Error::Pattern { pattern: text.into(), reason: e.msg.into() })
}

fn takes(pattern: &Pattern, case: &PlannedCase) -> bool {
    let without_devices = case.id.split('@').next().unwrap_or(&case.id);
    pattern.matches(&case.suite) || pattern.matches(without_devices) || pattern.matches(&case.id)
}

/// The names most like `text`: suites, cases and cases on devices, the three best that are near at all.
fn nearest(text: &str, cases: &[PlannedCase]) -> Vec<String> {
    let mut names: Vec<&str> = cases
        .iter()
        .flat_map(|c| {
            [c.suite.as_str(), c.id.split('@').next().unwrap_or_default(), c.name.as_str(), c.id.as_str()]
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    let mut scored: Vec<(f64, &str)> = names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(text, name), name))
        .filter(|(score, _)| *score > 0.75)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().take(3).map(|(_, name)| format!("`{name}`")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(suite: &str, name: &str, devices: &[&str]) -> PlannedCase {
        let at = if devices.is_empty() { String::new() } else { format!("@{}", devices.join("+")) };
        PlannedCase {
            id: format!("{suite}/{name}{at}"),
            suite: suite.into(),
            name: name.into(),
            devices: devices.iter().map(|d| (*d).into()).collect(),
            limit_ms: 1000,
            rules: vec![],
            about: String::new(),
            env: vec![],
            program: None,
        }
    }

    fn cases() -> Vec<PlannedCase> {
        vec![
            case("atomic", "flip", &["vkms"]),
            case("atomic", "flip", &["qxl"]),
            case("dma-buf", "import", &["vgem", "vkms"]),
            case("sync-file", "merge", &[]),
        ]
    }

    fn ids(patterns: &[&str]) -> Result<Vec<String>, Error> {
        let patterns: Vec<String> = patterns.iter().map(|p| (*p).into()).collect();
        select(&cases(), &patterns).map(|found| found.into_iter().map(|c| c.id.clone()).collect())
    }

    #[test]
    fn takes_suites_cases_devices_and_wildcards_in_plan_order() {
        assert_eq!(
            ids(&["sync-file", "atomic"]).unwrap(),
            ["atomic/flip@vkms", "atomic/flip@qxl", "sync-file/merge"]
        );
        assert_eq!(ids(&["atomic/flip"]).unwrap(), ["atomic/flip@vkms", "atomic/flip@qxl"]);
        assert_eq!(ids(&["*@*vkms"]).unwrap(), ["atomic/flip@vkms", "dma-buf/import@vgem+vkms"]);
        assert_eq!(ids(&["atomic", "atomic/flip@qxl"]).unwrap().len(), 2);
    }

    #[test]
    fn an_unknown_name_gets_the_nearest_ones() {
        let error = ids(&["atomic/flop"]).unwrap_err().to_string();
        assert!(error.contains("`atomic/flip`"), "{error}");
        let error = ids(&["dmabuf"]).unwrap_err().to_string();
        assert!(error.contains("`dma-buf`"), "{error}");
        assert!(matches!(ids(&["zzzzqq"]), Err(Error::Unknown { nearest, .. }) if nearest.is_empty()));
        assert!(matches!(ids(&["a[b"]), Err(Error::Pattern { .. })));
    }

    #[test]
    fn a_named_selection_leaves_out_what_it_excludes_and_refuses_stale_names() {
        let selection =
            Selection { about: String::new(), include: vec!["atomic".into()], exclude: vec!["*@qxl".into()] };
        let cases = cases();
        let found = select_named(&cases, &cases, &selection).unwrap();
        assert_eq!(found.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), ["atomic/flip@vkms"]);
        let stale = Selection { exclude: vec!["atomic/gone".into()], ..selection };
        assert!(select_named(&cases, &cases, &stale).is_err());
        let elsewhere = Selection { exclude: vec![], include: vec!["dma-buf".into()], ..stale };
        let here: Vec<_> = cases.iter().filter(|case| case.suite != "dma-buf").cloned().collect();
        assert_eq!(select_named(&here, &cases, &elsewhere), Ok(vec![]));
    }
}
