//! Exit codes, in one table: deqp-runner's 0, 1 and 2, drm-ci's 101, and 3 for what is no test's fault.

use fencelab_events::{Boot, BootEnd, Session, SessionEnd, Verdict};

use crate::view::View;

/// What a run comes to for whoever called it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exit {
    /// Nothing was found.
    Clean,
    /// Something was found.
    Findings,
    /// Only known fails that do not fail any more.
    Improvements,
    /// The run is not complete.
    Infrastructure,
    /// Cases ran with lockdep off.
    LockdepLost,
}

/// The table. Where several rows fit a run, the first one is its code: a CI that runs again on 3, or tolerates 101,
/// must not lose a finding by it.
pub const TABLE: [(Exit, u8, &str); 5] = [
    (
        Exit::Findings,
        1,
        "findings: a case failed, crashed, overran its limit, or the kernel reported something",
    ),
    (
        Exit::Infrastructure,
        3,
        "infrastructure: the run could not start, or did not come to its end; what was done is kept",
    ),
    (
        Exit::LockdepLost,
        101,
        "lockdep lost and not restored: no findings, but cases ran with lockdep off, so they are not clean",
    ),
    (Exit::Improvements, 2, "only improvements: known fails passed; their lines can go from the list"),
    (Exit::Clean, 0, "clean: nothing new was found, and no pass was without lockdep where the kernel has it"),
];

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        self.row().1
    }

    /// What it means.
    pub fn meaning(self) -> &'static str {
        self.row().2
    }

    fn row(self) -> (Exit, u8, &'static str) {
        match self {
            Exit::Findings => TABLE[0],
            Exit::Infrastructure => TABLE[1],
            Exit::LockdepLost => TABLE[2],
            Exit::Improvements => TABLE[3],
            Exit::Clean => TABLE[4],
        }
    }
}

/// The code of a session.
pub fn of(view: &View<'_>) -> Exit {
    let fits = |exit: &Exit| match exit {
        Exit::Findings => has_findings(view),
        Exit::Infrastructure => is_incomplete(view),
        Exit::LockdepLost => view.counted(Verdict::Unarmed).next().is_some(),
        Exit::Improvements => view.known().any(|(_, standing)| standing.is_improvement()),
        Exit::Clean => true,
    };
    TABLE.iter().map(|row| row.0).find(fits).unwrap_or(Exit::Clean)
}

/// In a run that had to be given up, a case that was lost with the machine shows nothing about the kernel: the host
/// may have been out of memory.
fn has_findings(view: &View<'_>) -> bool {
    let aborted = matches!(view.session.end, Some(SessionEnd::Aborted { .. }));
    let counts = |verdict: Verdict| verdict.is_finding() && !(aborted && verdict == Verdict::Lost);
    view.orphans().next().is_some()
        || view.cases.iter().any(|case| {
            let parts = || case.parts.iter().any(|part| part.failed() && !part.standing.is_excused());
            counts(case.verdict) && !case.standing.is_excused() && !case.standing.is_improvement() || parts()
        })
}

fn is_incomplete(view: &View<'_>) -> bool {
    view.session.end != Some(SessionEnd::Complete)
        || view.counted(Verdict::NotRun).next().is_some()
        || !missing_devices(view.session).is_empty()
        || view.session.boots.iter().any(|boot| died_unexplained(view, boot))
}

/// The devices that the bench was described to have and that did not come up in some boot: their cases were skipped there, and
/// a night that tested nothing of them is no clean one.
pub fn missing_devices(session: &Session) -> Vec<&str> {
    let is_there =
        |name: &str| session.boots.iter().all(|boot| boot.devices.iter().any(|device| device.name == name));
    session.devices.iter().map(|device| device.name.as_str()).filter(|name| !is_there(name)).collect()
}

/// A machine that went down by itself without a case or a finding to show for it.
fn died_unexplained(view: &View<'_>, boot: &Boot) -> bool {
    let by_itself =
        matches!(boot.end, Some(BootEnd::Panic { .. } | BootEnd::Silent { .. } | BootEnd::Vanished { .. }));
    let is_told = view.session.findings.iter().any(|finding| finding.boot == boot.number)
        || view.cases.iter().any(|case| {
            case.verdict == Verdict::Lost && case.finished().is_some_and(|end| end.boot == boot.number)
        });
    by_itself && !is_told
}

/// The table in Markdown, as README.md has it between its `exit-codes` marks.
pub fn markdown() -> String {
    let mut rows = TABLE;
    rows.sort_by_key(|row| row.1);
    let rows = rows.map(|(_, code, meaning)| format!("| {code} | {meaning} |\n")).concat();
    let order = TABLE.map(|row| row.1.to_string()).join(", ");
    format!(
        "| code | meaning |\n| --- | --- |\n{rows}\nWhere several fit a run, the first of {order} is its code.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exit_has_its_own_row() {
        for (exit, code, meaning) in TABLE {
            assert_eq!((exit.code(), exit.meaning()), (code, meaning));
        }
        let mut codes = TABLE.map(|row| row.1);
        codes.sort_unstable();
        assert_eq!(codes, [0, 1, 2, 3, 101]);
    }

    /// README.md says the same as the program. Whoever changes one finds the other here.
    #[test]
    fn the_readme_has_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
        let readme = std::fs::read_to_string(path).unwrap();
        let (_, rest) = readme.split_once("<!-- exit-codes -->\n").unwrap();
        let (table, _) = rest.split_once("<!-- /exit-codes -->").unwrap();
        assert_eq!(table, markdown());
    }
}
