//! `fencelab prove --list`.

use fencelab_rules::{Expected, Subject};

/// A line for each fault: its name, patch, what must be seen, by which case, and what it is.
pub(super) fn text(all: &[Expected]) -> String {
    let line = |expected: &Expected| {
        let row = expected.subject.row().map_or("-".into(), |row| format!("{row:02}"));
        let seen = format!("{} {}", expected.subject.kinds().join("|"), expected.subject.rules().join(","));
        let how = match &expected.subject {
            Subject::Knob(knob) => knob.device.clone(),
            Subject::Driver { .. } => expected.kernel.clone(),
        };
        format!(
            "{:<26} {row} {how:<9} {seen}\n{:<30}{} ({})\n",
            expected.name,
            "",
            expected.subject.what(),
            expected.case
        )
    };
    all.iter().map(line).collect()
}
