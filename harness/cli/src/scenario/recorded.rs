//! From a recorded session, or a part of a run's, to a scenario.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use fencelab_fences::finding::Finding;
use fencelab_fences::predict::{self, Witness};
use fencelab_fences::{JobSpan, Options as AnalysisOptions, Walk, conclude, graph::Nobody, job_spans};
use fencelab_replay::{Converted, Moment, Options, Order, Timing, convert};
use fencelab_scenario::{Duration, Expect};
use fencelab_trace::CallId;
use fencelab_trace::view::Filter;

use super::predicted::hangs;
use crate::args::ReplayedArgs;
use crate::case_trace;

/// What is wanted of a replay.
pub(crate) struct Wanted<'a> {
    /// Of which case of a run.
    pub(crate) case: Option<&'a str>,
    /// When calls are made.
    pub(crate) timing: Timing,
    /// The order to follow.
    pub(crate) witness: Option<&'a Witness>,
}

/// Makes the scenario. What it is to come to is what the analyser says of the recording, or what the witness does.
pub(crate) fn of_session(args: &ReplayedArgs, wanted: &Wanted<'_>) -> Result<Converted> {
    let mut filter = Filter::default();
    let (_, session) = case_trace::open(&args.session, wanted.case, &mut filter)?;
    let mut walk = Walk::new(&session, AnalysisOptions::default());
    walk.run(&session, &Nobody).context("read the trace")?;
    let lasted = lasted(job_spans(&session, &walk));
    let (expect, ended_ns) = match wanted.witness {
        Some(_) => (Expect::Hang, None),
        None => come_to(&conclude(&session, &mut walk, &Nobody).context("read the trace")?.findings),
    };
    let on_vm = args.bench.bench != "local";
    let options = Options {
        pids: filter.processes.iter().filter_map(|pid| pid.parse().ok()).collect(),
        between_ns: without_end(filter.between_ns, ended_ns),
        timing: wanted.timing,
        syncobjs_on: args.syncobjs_on.clone().or(on_vm.then(|| "virtio-gpu".into())),
        jobs_on: args.jobs_on.clone(),
        lasted,
        order: wanted.witness.map(order),
        expect,
    };
    Ok(convert(&session, &options)?)
}

/// How long jobs lasted. Of those whose end was seen only later it is not known, though it was less than some time.
fn lasted(spans: Vec<JobSpan>) -> HashMap<CallId, Duration> {
    let exact = spans.into_iter().filter(|span| span.exact);
    exact.map(|span| (span.call, Duration(span.ns))).collect()
}

/// What a recording came to, the verdict that counts for most, and when that ended, if it did.
fn come_to(findings: &[Finding]) -> (Expect, Option<u64>) {
    let found = |expect: &Expect| findings.iter().any(|finding| finding.kind.rule() == Some(expect.word()));
    let expect = [Expect::D1, Expect::D3, Expect::D2].into_iter().find(found).unwrap_or(Expect::Clean);
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
    let hangs: Vec<Witness> = hangs(all.into_iter()).collect();
    if hangs.is_empty() {
        bail!("find a witness in {}: nothing is predicted there that hangs", path.display());
    }
    Ok(hangs)
}

fn order(witness: &Witness) -> Order {
    let steps = witness.steps.iter().map(|step| {
        let moment = match step.moment {
            predict::Moment::Begin => Moment::Begin,
            predict::Moment::End => Moment::End,
        };
        (step.call.into(), moment)
    });
    Order { from_ns: witness.recorded_until_ns, steps: steps.collect() }
}

#[cfg(test)]
mod tests {
    use fencelab_fences::finding::Kind;
    use fencelab_fences::predict::{Op, Step};

    use super::*;

    #[test]
    fn witnesses_are_read_as_they_were_written_and_refusals_are_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("order.json");
        let (call, moment) = (Op(1, 4), predict::Moment::Begin);
        let witness = |reaches| Witness {
            reaches,
            swapped: (call, Op(0, 2)),
            recorded_until_ns: 7,
            steps: vec![Step { call, moment }],
            stuck: vec![call],
            held: Vec::new(),
        };
        let read = |value: serde_json::Value| {
            std::fs::write(&path, value.to_string()).unwrap();
            witnesses(&path)
        };
        let hang = witness(Kind::Cycle);
        assert_eq!(read(serde_json::to_value(&hang).unwrap()).unwrap(), std::slice::from_ref(&hang));
        let all = |orders: &[Witness]| serde_json::json!({ "findings": orders.iter().map(|order| serde_json::json!({ "order": order })).collect::<Vec<_>>() });
        assert_eq!(read(all(&[witness(Kind::Refused), hang.clone()])).unwrap(), std::slice::from_ref(&hang));
        assert!(read(all(&[witness(Kind::Refused)])).is_err());
        assert_eq!(order(&hang).steps, [(call.into(), Moment::Begin)]);
    }

    #[test]
    fn a_job_of_which_only_a_bound_is_known_is_none_that_lasted_so_long() {
        let span = |call: Op, ns, exact| JobSpan { call: call.into(), ns, exact };
        let all = lasted(vec![span(Op(1, 1), 7_000, true), span(Op(1, 2), 900, false)]);
        assert_eq!(all, HashMap::from([(Op(1, 1).into(), Duration(7_000))]));
    }
}
