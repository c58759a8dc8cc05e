//! KUnit's results in debugfs (`CONFIG_KUNIT_DEBUGFS`): one folder a suite, for as long as its module is loaded.

use std::collections::BTreeSet;
use std::fs;

use crate::case::Stop;
use crate::must::Must;

const FOLDER: &str = "/sys/kernel/debug/kunit";

/// The suites that are there now; none where KUnit is not loaded or keeps no files.
pub(super) fn suites() -> BTreeSet<String> {
    let entries = fs::read_dir(FOLDER).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// The results of the suites that came since `before`, as lines of KTAP.
///
/// # Errors
/// Fails where a suite's results cannot be read.
pub(super) fn read_new(before: &BTreeSet<String>) -> Result<Vec<String>, Stop> {
    let mut lines = Vec::new();
    for suite in suites().difference(before) {
        let path = format!("{FOLDER}/{suite}/results");
        let text = fs::read_to_string(&path).must(&format!("read {path}"))?;
        lines.extend(text.lines().map(str::to_owned));
    }
    Ok(lines)
}
