//! The kernel's selftests: programs that print KTAP, in a folder as `make install` leaves it.

use std::fs;
use std::path::{Path, PathBuf};

use fencelab_events::{Adapter, Program};
use fencelab_suites::kunit::ktap::{self, Test};
use fencelab_suites::report::Outcome;

use crate::list::{Blocklist, List};
use crate::plan::{Planned, executables};
use crate::verdict::{Ended, Part, Verdict, status_in_words};
use crate::{Config, Error};

/// `KSFT_SKIP` of `tools/testing/selftests/kselftest.h`.
const SKIP: i32 = 4;
/// What `make install` writes: `collection:program`, one a line.
const INSTALLED: &str = "kselftest-list.txt";
/// What a program holds that prints KTAP: its header, or the library of shell functions that prints it.
const MARKS: [&[u8]; 3] = [b"TAP version", b"KTAP version", b"ktap_helpers.sh"];

pub(crate) fn plan(config: &Config, base: &Path) -> Result<Vec<Planned>, Error> {
    let folder = config.path.as_deref().ok_or_else(|| {
        let what = "kselftest needs `path`: the folder of the installed selftests".into();
        Error::Config { suite: config.suite.clone(), what }
    })?;
    let known = known(folder)?;
    let blocklist = Blocklist::read(config.blocklist.as_ref().map(|list| base.join(list)).as_deref())?;
    let picked = match &config.list {
        Some(list) => List::read(&base.join(list))?.pick(&known, str::to_owned)?,
        None => known,
    };
    let kept = picked.into_iter().filter(|name| !blocklist.takes(&[name]));
    kept.map(|name| planned(config, folder, name)).collect()
}

/// `collection:program` of an installed tree, or the programs of one folder.
fn known(folder: &Path) -> Result<Vec<String>, Error> {
    let list = folder.join(INSTALLED);
    let names: Vec<String> = match list.exists() {
        true => List::read(&list)?.lines.into_iter().map(|(_, line)| line).collect(),
        false => executables(folder)?.iter().filter_map(|p| Some(p.file_name()?.to_str()?.into())).collect(),
    };
    match names.is_empty() {
        true => Err(Error::Empty { what: "selftests", folder: folder.into() }),
        false => Ok(names),
    }
}

fn planned(config: &Config, folder: &Path, name: String) -> Result<Planned, Error> {
    let path: PathBuf = name.split(':').fold(folder.to_owned(), |path, part| path.join(part));
    let bytes = fs::read(&path).map_err(Error::read(&path))?;
    if !MARKS.iter().any(|mark| bytes.windows(mark.len()).any(|window| window == *mark)) {
        let what =
            "it holds no `TAP version` and so prints no KTAP; `adapter: command` takes its exit status";
        return Err(Error::Program { program: path, what: what.into() });
    }
    let mut argv = vec![path.display().to_string()];
    argv.extend(config.args.clone());
    let about = format!("the kernel's selftest {name} passes");
    Ok(Planned { name, about, program: Program { adapter: Adapter::Kselftest, argv } })
}

pub(crate) fn judge(ended: &Ended) -> Verdict {
    let ktap = ktap::parse(ended.stdout.lines());
    let parts: Vec<Part> = ktap.tests.iter().flat_map(leaves).collect();
    let failed: Vec<&Part> = parts.iter().filter(|part| part.outcome == Outcome::Fail).collect();
    let mut verdict = if !ktap.seen && ended.status != Some(SKIP) {
        Verdict::fail(format!("it printed no KTAP, {}", status_in_words(ended)))
    } else if let Some(why) = &ktap.bail {
        Verdict::fail(format!("it bailed out: {why}"))
    } else if let Some(first) = failed.first() {
        let (bad, all) = (failed.len(), parts.len());
        Verdict::fail(format!("{bad} of {all} tests failed, first {}: {}", first.name, first.reason))
    } else if ended.status == Some(SKIP) {
        let reason = parts.iter().find(|part| part.outcome == Outcome::Skip).map(|part| part.reason.clone());
        Verdict::skip(reason.unwrap_or_else(|| status_in_words(ended)))
    } else if ended.status != Some(0) {
        Verdict::fail(status_in_words(ended))
    } else if parts.is_empty() {
        Verdict::fail("it has no result for any test")
    } else {
        Verdict::pass()
    };
    verdict.parts = parts;
    verdict
}

fn leaves(test: &Test) -> Vec<Part> {
    if !test.parts.is_empty() {
        return test.parts.iter().flat_map(leaves).collect();
    }
    let outcome = match test.verdict {
        ktap::Verdict::Pass => Outcome::Pass,
        ktap::Verdict::Fail => Outcome::Fail,
        ktap::Verdict::Skip => Outcome::Skip,
    };
    vec![Part { name: test.name.clone(), outcome, reason: test.reason.clone() }]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: i32, stdout: &str) -> Verdict {
        judge(&Ended { status: Some(status), stdout: stdout.into(), stderr: String::new() })
    }

    #[test]
    fn what_passes_and_what_only_seems_to() {
        let good = "TAP version 13\n1..2\n# [RUN]\tExecuting alloc\nok 1 alloc\nok 2 merge\n";
        let verdict = of(0, good);
        assert_eq!((verdict.outcome, verdict.parts.len()), (Outcome::Pass, 2));
        let bad = of(1, "TAP version 13\n1..2\nok 1 a\nnot ok 2 b\n");
        assert_eq!(bad.outcome, Outcome::Fail);
        assert!(bad.reason.starts_with("1 of 2 tests failed, first b"), "{}", bad.reason);
        assert_eq!(of(0, "TAP version 13\nok 1 a\nnot ok 2 b\n").outcome, Outcome::Fail);
        assert_eq!(of(1, good).outcome, Outcome::Fail);
        assert_eq!(of(4, "TAP version 13\n1..0 # SKIP no sw_sync\n").outcome, Outcome::Skip);
        assert!(of(0, "all fine\n").reason.starts_with("it printed no KTAP"));
        assert_eq!(of(0, "TAP version 13\n").outcome, Outcome::Fail);
    }
}
