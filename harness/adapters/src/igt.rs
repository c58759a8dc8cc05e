//! IGT GPU Tools: one case for each subtest of each binary.
//!
//! What is known here of IGT: `--list-subtests` prints one a line, a test without subtests exits with 79; the exit
//! codes of `lib/igt_core.h`; `Subtest NAME: RESULT (0.001s)` on standard output.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fencelab_events::{Adapter, Program};
use fencelab_suites::report::Outcome;

use crate::list::{Blocklist, List};
use crate::plan::{Planned, executables};
use crate::verdict::{Ended, Part, Verdict, last_line, status_in_words};
use crate::{Config, Error};

/// `IGT_EXIT_SKIP`, `IGT_EXIT_INVALID`, `IGT_EXIT_FAILURE`, `IGT_EXIT_ABORT`.
const SKIP: i32 = 77;
const INVALID: i32 = 79;
const FAILURE: i32 = 98;
const ABORT: i32 = 112;

/// The list of binaries that IGT installs beside them.
const TEST_LIST: &str = "test-list.txt";

pub(crate) fn plan(config: &Config, base: &Path) -> Result<Vec<Planned>, Error> {
    let folder = config.path.as_deref().ok_or_else(|| no_path(config))?;
    let binaries = binaries(folder)?;
    let list = config.list.as_ref().map(|list| List::read(&base.join(list))).transpose()?;
    let blocklist = Blocklist::read(config.blocklist.as_ref().map(|list| base.join(list)).as_deref())?;
    // Asking a binary for its subtests starts it: only those are asked that the list can mean.
    let asked = |name: &str| {
        list.as_ref()
            .is_none_or(|list| list.lines.iter().any(|(_, line)| binary_of(&plain_name(line)) == name))
    };
    let mut known = Vec::new();
    for binary in binaries.iter().filter(|binary| asked(&name_of(binary))) {
        known.extend(names(binary)?);
    }
    let picked = match &list {
        // A line that names a binary alone takes all of its subtests.
        Some(list) => expand(list, &known)?,
        None => known,
    };
    let kept = picked.into_iter().filter(|name| !blocklist.takes(&[name, &format!("igt@{name}")]));
    Ok(kept.map(|name| planned(config, folder, name)).collect())
}

fn no_path(config: &Config) -> Error {
    let what = "igt needs `path`: the folder of its binaries".into();
    Error::Config { suite: config.suite.clone(), what }
}

fn planned(config: &Config, folder: &Path, name: String) -> Planned {
    let binary = binary_of(&name).to_owned();
    let mut argv = vec![folder.join(&binary).display().to_string()];
    if let Some((_, subtest)) = name.split_once('@') {
        argv.extend(["--run-subtest".into(), subtest.into()]);
    }
    argv.extend(config.args.clone());
    let program = Program { adapter: Adapter::Igt, argv };
    Planned { about: format!("IGT's {name} passes"), name, program }
}

/// `igt@core_auth@basic-auth` and `core_auth@basic-auth` are one test.
fn plain_name(line: &str) -> String {
    line.strip_prefix("igt@").unwrap_or(line).to_owned()
}

fn binary_of(name: &str) -> &str {
    name.split('@').next().unwrap_or(name)
}

fn name_of(binary: &Path) -> String {
    binary.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The binaries: those that the installed list names, or else every program in the folder.
fn binaries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let list = folder.join(TEST_LIST);
    let found = match list.exists() {
        true => {
            let list = List::read(&list)?;
            let words = list.lines.iter().flat_map(|(_, line)| line.split_whitespace());
            let names = words.filter(|word| !matches!(*word, "TESTLIST" | "END"));
            names.map(|name| folder.join(name)).filter(|path| path.exists()).collect()
        }
        false => executables(folder)?,
    };
    if found.is_empty() {
        return Err(Error::Empty { what: "IGT's binaries", folder: folder.into() });
    }
    Ok(found)
}

/// `binary@subtest` for each subtest; the binary's name alone for a test without.
fn names(binary: &Path) -> Result<Vec<String>, Error> {
    let error = |what: String| Error::Program { program: binary.into(), what };
    let mut command = Command::new(binary);
    command.arg("--list-subtests").stdin(Stdio::null()).stderr(Stdio::null());
    let output = command.output().map_err(|e| error(format!("it cannot be run: {e}")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let name = name_of(binary);
    let subtests: Vec<String> = text.lines().map(|line| format!("{name}@{}", line.trim())).collect();
    match output.status.code() {
        Some(0) if !subtests.is_empty() => Ok(subtests),
        Some(0 | INVALID) => Ok(vec![name]),
        _ => Err(error(format!("`--list-subtests` ended with {}", output.status))),
    }
}

fn expand(list: &List, known: &[String]) -> Result<Vec<String>, Error> {
    let mut picked = Vec::new();
    for (number, line) in &list.lines {
        let name = plain_name(line);
        let whole: Vec<&String> =
            known.iter().filter(|k| **k == name || binary_of(k) == name.as_str()).collect();
        if whole.is_empty() {
            let one = List { path: list.path.clone(), lines: vec![(*number, line.clone())] };
            one.pick(known, plain_name)?;
        }
        picked.extend(whole.into_iter().cloned());
    }
    Ok(picked)
}

pub(crate) fn judge(ended: &Ended) -> Verdict {
    let parts = parts(&ended.stdout);
    let mut verdict = match ended.status {
        Some(0) if parts.iter().any(|part| part.outcome == Outcome::Fail) => {
            Verdict::fail("it exited with 0 and said that a part failed")
        }
        Some(0) => Verdict::pass(),
        Some(SKIP) => Verdict::skip(requirement(ended)),
        Some(FAILURE) => Verdict::fail(assertion(ended)),
        Some(ABORT) => Verdict::fail(format!("it gave the machine up: {}", assertion(ended))),
        Some(INVALID) => Verdict::fail("there is no such subtest, or it knows no subtests"),
        _ => Verdict::fail(status_in_words(ended)),
    };
    verdict.parts = parts;
    verdict
}

/// `Subtest basic: SUCCESS (0.010s)`, `Dynamic subtest pipe-a: FAIL (0.2s)`.
fn parts(stdout: &str) -> Vec<Part> {
    let part = |line: &str| {
        let line = line.trim();
        let rest = line.strip_prefix("Dynamic subtest ").or_else(|| line.strip_prefix("Subtest "))?;
        let (name, result) = rest.split_once(": ")?;
        let word = result.split_whitespace().next()?;
        let outcome = match word {
            "SUCCESS" | "PASS" => Outcome::Pass,
            "SKIP" => Outcome::Skip,
            _ => Outcome::Fail,
        };
        let reason = if outcome == Outcome::Pass { String::new() } else { result.to_owned() };
        Some(Part { name: name.into(), outcome, reason })
    };
    stdout.lines().filter_map(part).collect()
}

/// What a skipped test lacked: `Test requirement: condition` after the line that says where.
fn requirement(ended: &Ended) -> String {
    let lines = ended.stdout.lines().chain(ended.stderr.lines());
    let found = lines.map(str::trim).find(|line| line.starts_with("Test requirement:"));
    found.or_else(|| last_line(&ended.stdout)).unwrap_or("it skipped itself").into()
}

/// What did not hold: `Failed assertion: a == b`.
fn assertion(ended: &Ended) -> String {
    let lines = ended.stderr.lines().chain(ended.stdout.lines());
    let found =
        lines.map(str::trim).find_map(|line| line.split_once("Failed assertion: ").map(|(_, text)| text));
    found.map_or_else(|| status_in_words(ended), |text| format!("failed assertion: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(status: i32, stdout: &str, stderr: &str) -> Ended {
        Ended { status: Some(status), stdout: stdout.into(), stderr: stderr.into() }
    }

    #[test]
    fn the_exit_codes_of_igt_core() {
        let stdout = "IGT-Version: 1.27\nStarting subtest: a\nSubtest a: SUCCESS (0.010s)\n";
        let verdict = judge(&ended(0, stdout, ""));
        assert_eq!((verdict.outcome, verdict.parts.len()), (Outcome::Pass, 1));
        let stdout = "Test requirement not met in function f, file x.c:1:\nTest requirement: has_fences(fd)\nSubtest a: SKIP (0.000s)\n";
        let verdict = judge(&ended(77, stdout, ""));
        assert_eq!(
            (verdict.outcome, verdict.reason.as_str()),
            (Outcome::Skip, "Test requirement: has_fences(fd)")
        );
        let stderr = "(a:1) CRITICAL: Failed assertion: ret == 0\n";
        let verdict = judge(&ended(98, "Subtest a: FAIL (0.1s)\n", stderr));
        assert_eq!((verdict.outcome, verdict.reason.as_str()), (Outcome::Fail, "failed assertion: ret == 0"));
        assert_eq!(judge(&ended(3, "", "")).reason, "it exited with status 3");
    }

    #[test]
    fn a_pass_that_tells_of_a_failed_part_is_none() {
        let verdict = judge(&ended(0, "  Dynamic subtest pipe-b: FAIL (0.2s)\n", ""));
        assert_eq!(verdict.outcome, Outcome::Fail);
    }
}
