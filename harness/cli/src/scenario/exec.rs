//! A case's process that runs a scenario's program and has the analyser judge what was recorded of it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use fencelab_abi::SESSION_VARIABLE;
use fencelab_fences::finding::Finding;
use fencelab_fences::graph::{Nobody, People, Task};
use fencelab_fences::{Options, Walk, analyse, finish};
use fencelab_runner::recorded::pids_of_case;
use fencelab_scenario::Expect;
use fencelab_trace::Session;

use super::result::{PREFIX, Results, Try};
use super::{pool, talk};
use crate::commands::trace::now_ns;
use crate::people::Proc;

/// The argument by which this program becomes that process.
pub(crate) const COMMAND: &str = "scenario-exec";

/// What a program ends with where its devices are not there, and what such a case ends with.
const LACKS: i32 = 77;

/// Runs `EXPECTED TRIES PROGRAM`.
pub(crate) fn run(arguments: &[OsString]) -> ExitCode {
    match tried(arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("failed to {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn tried(arguments: &[OsString]) -> Result<ExitCode> {
    let texts: Option<Vec<&str>> = arguments.iter().map(|argument| argument.to_str()).collect();
    let Some([expect, tries, program]) = texts.as_deref() else {
        bail!("read the arguments: expected EXPECTED TRIES PROGRAM; `fencelab run` calls this, not people");
    };
    let expect: Expect = expect.parse().map_err(anyhow::Error::msg).context("read the arguments")?;
    let tries: u32 = tries.parse().context("read the number of tries")?;
    let folder = std::env::var_os(SESSION_VARIABLE).map(PathBuf::from);
    let folder =
        folder.context("judge the scenario: it is not recorded, and the verdict is the analyser's")?;
    let mut results = Results { expect: expect.to_string(), tries: Vec::new() };
    for number in 1..=tries {
        let one = once(program, expect.word(), &folder)?;
        println!("try {number} of {tries}: {} ({} ioctls, {} ms)", one.in_words(), one.ioctls, one.took_ms);
        if one.status == Some(LACKS) {
            println!("{}", one.said);
            return Ok(ExitCode::from(LACKS as u8));
        }
        results.tries.push(one);
    }
    println!("{PREFIX}{}", serde_json::to_string(&results)?);
    if results.is_met() {
        return Ok(ExitCode::SUCCESS);
    }
    let found = results.tries.last().map(Try::in_words).unwrap_or_default();
    eprintln!("expected {expect}, found {found}");
    Ok(ExitCode::FAILURE)
}

/// Runs the program once. Where it hangs, it is judged while it does: what lets it go changes what is recorded of it.
fn once(program: &str, expect: &str, folder: &Path) -> Result<Try> {
    let (began, began_ns) = (Instant::now(), now_ns()?);
    let child = talk::start(program)?;
    let pid = i32::try_from(child.id()).unwrap_or(0);
    let mut hangs = Try::default();
    let ended = talk::hear(child, &mut || {
        hangs = judged(folder, pid, began_ns, Some(now_ns()?)).context("read the trace")?;
        Ok(!hangs.is(expect))
    })?;
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    print!("{}", ended.said);
    eprint!("{}", ended.complaints);
    let last = |text: &str| text.lines().map(str::trim).rfind(|line| !line.is_empty()).map(ToOwned::to_owned);
    let status = ended.code();
    // What it lacks, it says among its complaints.
    let said = if status == Some(LACKS) { last(&ended.complaints) } else { last(&ended.said) };
    let after = judged(folder, pid, began_ns, None).context("read the trace")?;
    let (verdicts, sentence) = match hangs.verdicts.is_empty() {
        true => (after.verdicts, after.sentence),
        false => (hangs.verdicts, hangs.sentence),
    };
    Ok(Try { verdicts, sentence, status, said: said.unwrap_or_default(), ioctls: after.ioctls, took_ms })
}

/// The program's launcher has what its watchdog signals, and does nothing with it before it is told to.
struct Watched {
    launcher: u32,
}

impl People for Watched {
    fn tasks(&self, pid: u32) -> Option<Vec<Task>> {
        if pid == self.launcher { Some(Vec::new()) } else { Proc.tasks(pid) }
    }
}

/// The verdicts on the program's processes: as they are at a moment, of those that hang then, or once it is over, of all.
fn judged(folder: &Path, pid: i32, began_ns: u64, at_ns: Option<u64>) -> Result<Try> {
    let session = pool::open(folder)?;
    // What happened is judged, and not what might have.
    let options = Options { predict: false, ..Options::default() };
    let analysis = match at_ns {
        Some(at) => {
            let mut walk = Walk::new(&session, options);
            let people = Watched { launcher: pid.unsigned_abs() };
            walk.run(&session, &people)?;
            walk.look(&session, &people, session.clock().ticks(at).max(walk.last() + 1));
            finish(&session, &mut walk)?
        }
        None => analyse(&session, options, &Nobody)?,
    };
    let pids = pids_of_case(&session, pid, (began_ns / 1000, u64::MAX));
    let ours = |finding: &&Finding| {
        let over = finding.ended.is_some() || finding.stuck.iter().all(|stuck| stuck.ended.is_some());
        finding.is_verdict()
            && finding.seen_ns >= began_ns
            && (at_ns.is_none() || !over)
            && finding.calls.iter().any(|call| pids.contains(&call.pid))
    };
    let found: Vec<&Finding> = analysis.findings.iter().filter(ours).collect();
    let mut verdicts: Vec<String> =
        found.iter().filter_map(|finding| finding.kind.rule()).map(ToOwned::to_owned).collect();
    verdicts.sort();
    verdicts.dedup();
    let sentence = found.first().map(|finding| finding.sentence.clone()).unwrap_or_default();
    Ok(Try { verdicts, sentence, ioctls: ioctls(&session, &pids, began_ns)?, ..Try::default() })
}

/// How many ioctls some processes made.
fn ioctls(session: &Session, pids: &[u32], began_ns: u64) -> Result<usize> {
    let mut reader = session.reader();
    let mut count = 0;
    for id in session.calls() {
        if !session.thread(id.thread).is_some_and(|thread| pids.contains(&thread.pid)) {
            continue;
        }
        let call = reader.read(session, id)?;
        let ours = |call: &fencelab_trace::Call<'_>| {
            call.kind == Some(fencelab_abi::Kind::Ioctl) && session.clock().ns(call.enter) >= began_ns
        };
        count += usize::from(call.as_ref().is_some_and(ours));
    }
    Ok(count)
}
