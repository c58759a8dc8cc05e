//! Kernels that break a rule, and the cases that must notice: what user space can test is tested by at least one case that was
//! seen to fail for it.
//!
//! Rules that a twin can break on command are proven by `fencelab prove`. For the others a library is preloaded in a guest that
//! changes what the kernel is asked or answers, one rule at a time (`wrong.c`). Each case passes without it, and fails under it.

#[path = "../common/guest.rs"]
mod guest;
#[path = "../common/journal.rs"]
mod journal;

use std::path::{Path, PathBuf};
use std::process::Command;

use fencelab_events::Verdict;
use fencelab_rules::{Broken, Plan, RULES, Way};
use libtest_mimic::{Arguments, Trial};

const PLAN: &str = include_str!("../../../../configs/proofs/plan.yaml");

/// What is broken, and the rules that cannot be here.
fn plan() -> Plan {
    serde_yaml::from_str(PLAN).expect("the plan")
}

/// The session of the kernel that breaks nothing.
const WHOLE: &str = "whole";

/// Runs all cases once as they are, and each with its rule broken. Of both, what came of it.
const RUN: &str = r#"
mkdir -p /tmp/out
run() { name=$1; shift; $FENCELAB run "$@" --bench local --no-record --coverage never -o /tmp/out/$name >/dev/null; }
"#;

fn main() {
    let arguments = Arguments::from_args();
    let asked = arguments.include_ignored || arguments.ignored;
    let mut trials = vec![Trial::test(
        "every rule that user space can test is broken here, but those of metal",
        all_are_broken,
    )];
    if !arguments.list && (asked || std::env::var_os("FENCELAB_TEST_GUEST").is_some()) {
        let scratch = tempfile::tempdir().expect("a scratch folder");
        let chosen: Vec<Broken> =
            plan().broken.into_iter().filter(|broken| is_wanted(&arguments, broken)).collect();
        if !chosen.is_empty() {
            run_all(scratch.path(), &build(scratch.path()), &chosen);
        }
        trials.extend(chosen.iter().map(|broken| trial(scratch.path(), broken)));
    } else if !arguments.list {
        println!("no rule is broken: FENCELAB_TEST_GUEST is not set, as ci/test sets it");
    }
    let arguments = Arguments { include_ignored: false, ignored: false, ..arguments };
    libtest_mimic::run(&arguments, trials).exit();
}

fn is_wanted(arguments: &Arguments, broken: &Broken) -> bool {
    arguments.filter.as_ref().is_none_or(|wanted| name(broken).contains(wanted.as_str()))
}

fn name(broken: &Broken) -> String {
    format!("{} broken is noticed by {}", broken.fault(), broken.case)
}

/// Each such rule is in the table, or a twin's to break, or metal; and each case claims the rule that it stands for.
fn all_are_broken() -> Result<(), libtest_mimic::Failed> {
    let plan = plan();
    let tested = RULES.iter().filter(|rule| rule.shows(Way::Test) && !rule.shows(Way::Fault));
    let missing: Vec<_> = tested
        .map(|rule| rule.id)
        .filter(|id| !plan.metal.contains_key(*id) && !plan.broken.iter().any(|broken| broken.rule == *id))
        .collect();
    let claims = |rule: &str, case: &str| {
        let (suite, rest) = case.split_once('/')?;
        let name = rest.split('@').next()?;
        Some(fencelab_suites::catalogue::find(suite, name)?.rules.contains(&rule))
    };
    let strangers: Vec<_> =
        plan.broken.iter().filter(|broken| claims(&broken.rule, &broken.case) != Some(true)).collect();
    match (missing.is_empty(), strangers.is_empty()) {
        (true, true) => Ok(()),
        _ => Err(format!("never broken: {missing:?}; does not claim its rule: {strangers:?}").into()),
    }
}

/// Compiles what is preloaded.
fn build(folder: &Path) -> PathBuf {
    let library = folder.join("wrong.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken/wrong.c");
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"]).arg(&library).arg(source);
    assert!(cc.arg("-ldl").status().expect("cc").success(), "{cc:?}");
    library
}

/// Runs everything in one guest, and brings the sessions here.
fn run_all(out: &Path, library: &Path, chosen: &[Broken]) {
    let fencelab = env!("CARGO_BIN_EXE_fencelab");
    let mut script = format!("FENCELAB={fencelab}\n{RUN}");
    let cases: Vec<_> = chosen.iter().map(|broken| broken.case.as_str()).collect();
    script += &format!("run {WHOLE} {}\n", cases.join(" "));
    for (fault, case) in chosen.iter().map(|broken| (broken.fault(), &broken.case)) {
        script += &format!("BREAK={fault} LD_PRELOAD={} run {fault} {case}\n", library.display());
    }
    script += "cd /tmp/out && tar cz */events.jsonl";
    guest::unpack(&script, out);
}

/// The case passes on the kernel as it is, and fails on the one that breaks the rule, for that reason.
fn trial(out: &Path, broken: &Broken) -> Trial {
    let Broken { case, says, .. } = broken.clone();
    let came = [WHOLE, broken.fault()].map(|session| came_of(&out.join(session), &case));
    Trial::test(name(broken), move || match came {
        [Some((Verdict::Pass, _)), Some((Verdict::Fail, reason))] if reason.contains(&says) => Ok(()),
        [whole, broken] => Err(format!(
            "as the kernel is: {whole:?}; with the rule broken: {broken:?}, and not `.. {says} ..`"
        )
        .into()),
    })
}

/// What a session says of a case, and why; none of one that did not come to be.
fn came_of(session: &Path, case: &str) -> Option<(Verdict, String)> {
    let session = session.exists().then(|| journal::session(session))?;
    let record = session.case(case)?;
    let reason = record.finished().map(|finished| finished.reason.clone()).unwrap_or_default();
    Some((Verdict::of(&session, record), reason))
}
