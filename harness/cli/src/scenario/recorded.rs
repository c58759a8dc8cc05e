//! From a recorded session, or a part of a run's, to a scenario.

use std::path::Path;

use anyhow::{Context, Result};
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
    /// A witness's file.
    pub(crate) order: Option<&'a Path>,
}

/// A witness's order, as far as it is followed here (`harness/fences/src/predict`).
#[derive(Deserialize)]
struct Witness {
    recorded_until_ns: u64,
    steps: Vec<WitnessStep>,
    /// What it comes to.
    #[serde(default)]
    reaches: Option<fencelab_fences::finding::Kind>,
}

#[derive(Deserialize)]
struct WitnessStep {
    call: (u32, u32),
    moment: WitnessMoment,
}

#[derive(Deserialize)]
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
    let witness = wanted.order.map(read).transpose()?;
    let expect = match &witness {
        Some(Witness { reaches: Some(kind), .. }) => expected([kind.rule()]),
        _ => {
            let options = AnalysisOptions { predict: false, ..AnalysisOptions::default() };
            let analysis = analyse(&session, options, &Nobody).context("read the trace")?;
            expected(analysis.findings.iter().map(|finding| finding.kind.rule()))
        }
    };
    let on_vm = args.bench.bench != "local";
    let options = Options {
        pids: filter.processes.iter().filter_map(|pid| pid.parse().ok()).collect(),
        between_ns: filter.between_ns,
        timing: wanted.timing,
        syncobjs_on: args.syncobjs_on.clone().or(on_vm.then(|| "virtio-gpu".into())),
        jobs_on: args.jobs_on.clone(),
        order: witness.map(order),
        expect,
    };
    Ok(convert(&session, &options)?)
}

/// The verdict that counts for most.
fn expected(rules: impl IntoIterator<Item = Option<&'static str>>) -> Expect {
    let rules: Vec<&str> = rules.into_iter().flatten().collect();
    let found =
        [Expect::D1, Expect::D3, Expect::D2].into_iter().find(|expect| rules.contains(&expect.word()));
    found.unwrap_or(Expect::Clean)
}

fn read(path: &Path) -> Result<Witness> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("read the witness {}", path.display()))
}

fn order(witness: Witness) -> Order {
    let step = |step: WitnessStep| {
        let id = CallId { thread: ThreadId(step.call.0), index: step.call.1 };
        let moment = match step.moment {
            WitnessMoment::Begin => Moment::Begin,
            WitnessMoment::End => Moment::End,
        };
        (id, moment)
    };
    Order { from_ns: witness.recorded_until_ns, steps: witness.steps.into_iter().map(step).collect() }
}
