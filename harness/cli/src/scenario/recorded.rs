//! From a recorded session, or a part of a run's, to a scenario.

use std::path::Path;

use anyhow::{Context, Result, bail};
use fencelab_fences::finding::Finding;
use fencelab_fences::{Options as AnalysisOptions, analyse, graph::Nobody};
use fencelab_replay::{Converted, Moment, Options, Order, Timing, convert};
use fencelab_scenario::Expect;
use fencelab_trace::view::Filter;
use fencelab_trace::{CallId, ThreadId};
use serde::Deserialize;

use crate::args::ReplayedArgs;
use crate::case_trace;
use crate::commands::trace::open;

/// What is wanted of a replay.
pub(crate) struct Wanted<'a> {
    /// When calls are made.
    pub(crate) timing: Timing,
    /// The order to follow.
    pub(crate) witness: Option<&'a Witness>,
}

/// A witness's order, as far as it is followed here (`order` in docs/analyze.md).
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Witness {
    recorded_until_ns: u64,
    steps: Vec<WitnessStep>,
    /// What it comes to.
    #[serde(default)]
    reaches: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct WitnessStep {
    call: (u32, u32),
    moment: WitnessMoment,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WitnessMoment {
    Begin,
    End,
}

/// Makes the scenario. What it is to come to is what the analyser says of the recording, or what the witness does.
pub(crate) fn of_session(args: &ReplayedArgs, wanted: &Wanted<'_>) -> Result<Converted> {
    let part = case_trace::of(&args.session, args.case.as_deref())?;
    let session = open(part.as_ref().map_or(&args.session, |part| &part.folder))?;
    let mut filter = Filter::default();
    if let Some(part) = &part {
        part.narrow(&session, &mut filter)?;
    }
    let (expect, ended_ns) = match wanted.witness {
        Some(_) => (Expect::Hang, None),
        None => {
            let options = AnalysisOptions { predict: false, ..AnalysisOptions::default() };
            let analysis = analyse(&session, options, &Nobody).context("read the trace")?;
            come_to(&analysis.findings)
        }
    };
    let on_vm = args.bench.bench != "local";
    let options = Options {
        pids: filter.processes.iter().filter_map(|pid| pid.parse().ok()).collect(),
        between_ns: without_end(filter.between_ns, ended_ns),
        timing: wanted.timing,
        syncobjs_on: args.syncobjs_on.clone().or(on_vm.then(|| "virtio-gpu".into())),
        jobs_on: args.jobs_on.clone(),
        order: wanted.witness.map(order),
        expect,
    };
    Ok(convert(&session, &options)?)
}

/// What a recording came to, and when that ended, if it did.
fn come_to(findings: &[Finding]) -> (Expect, Option<u64>) {
    let expect = expected(findings.iter().map(|finding| finding.kind.rule()));
    let ended =
        findings.iter().filter(|finding| finding.is_verdict()).filter_map(|finding| finding.ended.as_ref());
    (expect, ended.map(|ended| ended.at_ns).min())
}

/// What ended a hang is no part of its replay.
fn without_end(between_ns: Option<(u64, u64)>, ended_ns: Option<u64>) -> Option<(u64, u64)> {
    let Some(ended) = ended_ns else { return between_ns };
    let (from, to) = between_ns.unwrap_or((0, u64::MAX));
    Some((from, to.min(ended.saturating_sub(1))))
}

/// The verdict that counts for most.
fn expected(rules: impl IntoIterator<Item = Option<&'static str>>) -> Expect {
    let rules: Vec<&str> = rules.into_iter().flatten().collect();
    let found =
        [Expect::D1, Expect::D3, Expect::D2].into_iter().find(|expect| rules.contains(&expect.word()));
    found.unwrap_or(Expect::Clean)
}

/// Reads witnesses: one as it is, or those of all predictions in what `fencelab analyze --json` printed.
pub(crate) fn witnesses(path: &Path) -> Result<Vec<Witness>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let wrong = || format!("read the witness {}", path.display());
    let json: serde_json::Value = serde_json::from_str(&text).with_context(wrong)?;
    let Some(findings) = json.get("findings").and_then(serde_json::Value::as_array) else {
        return Ok(vec![serde_json::from_value(json).with_context(wrong)?]);
    };
    let orders = findings.iter().filter_map(|finding| finding.get("order"));
    let all: Vec<Witness> = orders
        .map(|order| serde_json::from_value(order.clone()))
        .collect::<Result<_, _>>()
        .with_context(wrong)?;
    // What only makes a call fail is no hang.
    let hangs: Vec<Witness> =
        all.into_iter().filter(|witness| witness.reaches.as_deref() != Some("refused")).collect();
    if hangs.is_empty() {
        bail!("find a witness in {}: nothing is predicted there that hangs", path.display());
    }
    Ok(hangs)
}

fn order(witness: &Witness) -> Order {
    let step = |step: &WitnessStep| {
        let id = CallId { thread: ThreadId(step.call.0), index: step.call.1 };
        let moment = match step.moment {
            WitnessMoment::Begin => Moment::Begin,
            WitnessMoment::End => Moment::End,
        };
        (id, moment)
    };
    Order { from_ns: witness.recorded_until_ns, steps: witness.steps.iter().map(step).collect() }
}
