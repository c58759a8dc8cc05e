//! A case's process that runs a scenario's program and has the analyser judge what was recorded of it.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use fencelab_abi::SESSION_VARIABLE;
use fencelab_fences::finding::Finding;
use fencelab_fences::{Options, analyse, graph::Nobody};
use fencelab_runner::recorded::pids_of_case;
use fencelab_scenario::Expect;
use fencelab_trace::Session;

use super::pool;
use super::result::{PREFIX, Results, Try};
use crate::commands::trace::now_ns;

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
        let one = once(program, &folder)?;
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

/// Runs the program once and looks what was recorded of it.
fn once(program: &str, folder: &Path) -> Result<Try> {
    let (began, began_ns) = (Instant::now(), now_ns()?);
    let child =
        Command::new(program).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.with_context(|| format!("run {program}"))?;
    let pid = i32::try_from(child.id()).unwrap_or(0);
    let output = child.wait_with_output().with_context(|| format!("run {program}"))?;
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (said, complaints) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    print!("{said}");
    eprint!("{complaints}");
    let last = |text: &str| text.lines().map(str::trim).rfind(|line| !line.is_empty()).map(ToOwned::to_owned);
    let status = output.status.code().or(output.status.signal().map(|signal| 128 + signal));
    // What it lacks, it says among its complaints.
    let said = if status == Some(LACKS) { last(&complaints) } else { last(&said) }.unwrap_or_default();
    let recorded = judged(folder, pid, began_ns).context("read the trace")?;
    let verdicts = recorded.findings.iter().filter_map(|finding| finding.kind.rule()).map(ToOwned::to_owned);
    let mut verdicts: Vec<String> = verdicts.collect();
    verdicts.sort();
    verdicts.dedup();
    let sentence = recorded.findings.first().map(|finding| finding.sentence.clone()).unwrap_or_default();
    Ok(Try { verdicts, sentence, status, said, ioctls: recorded.ioctls, took_ms })
}

/// What the records say of one run.
struct Recorded {
    findings: Vec<Finding>,
    ioctls: usize,
}

/// The verdicts on the program's processes.
fn judged(folder: &Path, pid: i32, began_ns: u64) -> Result<Recorded> {
    let session = pool::open(folder)?;
    // What happened is judged, and not what might have.
    let options = Options { predict: false, ..Options::default() };
    let analysis = analyse(&session, options, &Nobody)?;
    let pids = pids_of_case(&session, pid, (began_ns / 1000, u64::MAX));
    let ours = |finding: &Finding| {
        finding.seen_ns >= began_ns && finding.calls.iter().any(|call| pids.contains(&call.pid))
    };
    let findings =
        analysis.findings.into_iter().filter(|finding| finding.is_verdict() && ours(finding)).collect();
    Ok(Recorded { findings, ioctls: ioctls(&session, &pids, began_ns)? })
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
