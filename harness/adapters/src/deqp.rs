//! dEQP and the CTS of Vulkan and OpenGL: one case for each line of a caselist, as deqp-runner has them.
//!
//! What is known here of dEQP: `--deqp-runmode=stdout-caselist` prints `TEST: NAME` for each case, `--deqp-case=NAME` runs
//! one, and the result stands on standard output in parentheses' company: `Pass (Supported)`.

use std::path::Path;
use std::process::{Command, Stdio};

use fencelab_events::{Adapter, Program};

use crate::list::{Blocklist, List};
use crate::plan::Planned;
use crate::verdict::{Ended, Verdict, status_in_words};
use crate::{Config, Error};

/// The results that are as good as a pass (`QP_TEST_RESULT_*` in `framework/qphelper/qpTestLog.c`).
const GOOD: [&str; 4] = ["Pass", "QualityWarning", "CompatibilityWarning", "Waiver"];
const BAD: [&str; 8] = [
    "Fail",
    "Pending",
    "ResourceError",
    "InternalError",
    "Crash",
    "Timeout",
    "DeviceLost",
    "EnableMaintenance",
];

pub(crate) fn plan(config: &Config, base: &Path) -> Result<Vec<Planned>, Error> {
    let program = config.path.as_deref().ok_or_else(|| {
        let what = "deqp needs `path`: the program, as deqp-vk".into();
        Error::Config { suite: config.suite.clone(), what }
    })?;
    let known = known(program, &config.args)?;
    let blocklist = Blocklist::read(config.blocklist.as_ref().map(|list| base.join(list)).as_deref())?;
    let picked = match &config.list {
        Some(list) => List::read(&base.join(list))?.pick(&known, str::to_owned)?,
        None => known,
    };
    let kept = picked.into_iter().filter(|name| !blocklist.takes(&[name]));
    Ok(kept.map(|name| planned(config, program, name)).collect())
}

fn planned(config: &Config, program: &Path, name: String) -> Planned {
    let mut argv = vec![program.display().to_string(), format!("--deqp-case={name}")];
    argv.extend(["--deqp-log-images=disable", "--deqp-log-filename=/dev/null"].map(str::to_owned));
    argv.extend(config.args.clone());
    Planned { about: format!("{name} passes"), name, program: Program { adapter: Adapter::Deqp, argv } }
}

/// All cases that the program has.
fn known(program: &Path, args: &[String]) -> Result<Vec<String>, Error> {
    let error = |what: String| Error::Program { program: program.into(), what };
    let mut command = Command::new(program);
    command.arg("--deqp-runmode=stdout-caselist").args(args).stdin(Stdio::null()).stderr(Stdio::null());
    let output = command.output().map_err(|e| error(format!("it cannot be run: {e}")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let names: Vec<String> =
        text.lines().filter_map(|line| line.strip_prefix("TEST: ")).map(str::to_owned).collect();
    match names.is_empty() {
        true => Err(error(format!("it listed none, and ended with {}", output.status))),
        false => Ok(names),
    }
}

pub(crate) fn judge(ended: &Ended) -> Verdict {
    let result = ended.stdout.lines().rev().find_map(|line| {
        let line = line.trim();
        let word = line.split([' ', '(']).next()?;
        let known = GOOD.contains(&word) || BAD.contains(&word) || word == "NotSupported";
        known.then_some((word, line))
    });
    match result {
        Some((word, _)) if GOOD.contains(&word) && ended.status == Some(0) => Verdict::pass(),
        Some(("NotSupported", line)) => Verdict::skip(line),
        Some((_, line)) => Verdict::fail(line),
        None => Verdict::fail(format!("it told no result, {}", status_in_words(ended))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fencelab_suites::report::Outcome;

    #[test]
    fn the_result_is_the_last_that_was_told() {
        let of = |stdout: &str, status| {
            judge(&Ended { status: Some(status), stdout: stdout.into(), stderr: String::new() })
        };
        assert_eq!(of("Test case 'a.b'..\n  Pass (Supported)\n\nDONE!\n", 0).outcome, Outcome::Pass);
        let skip = of("  NotSupported (no geometry shaders at vkt.cpp:1)\n", 0);
        assert_eq!((skip.outcome, skip.reason.contains("geometry")), (Outcome::Skip, true));
        assert_eq!(of("  Fail (Image mismatch)\n", 0).reason, "Fail (Image mismatch)");
        assert_eq!(of("  Pass (x)\n", 1).outcome, Outcome::Fail);
        assert!(of("Writing log\n", 1).reason.starts_with("it told no result"));
    }
}
