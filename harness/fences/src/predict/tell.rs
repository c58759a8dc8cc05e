//! A run that ended in a hang, as a finding.

use fencelab_trace::Session;

use super::program::{self, Program};
use super::run::{Run, Swap};
use super::witness::{Op, Witness};
use crate::finding::{Call, Certainty, Finding, Kind};
use crate::graph::{Doing, Graph, Holders, Key, People, Task, Why};
use crate::judge::{Verdict, draw, judge};
use crate::words::Words;

/// Only those act who are stuck: all others have made all their calls.
struct Stuck(Vec<(u32, u32)>);

impl People for Stuck {
    fn tasks(&self, pid: u32) -> Option<Vec<Task>> {
        let ours = self.0.iter().filter(|(of, _)| *of == pid);
        Some(ours.map(|(_, tid)| Task { tid: *tid, doing: Doing::Other }).collect())
    }
}

/// What a run came to, if that is a hang.
pub(super) fn finding(session: &Session, program: &Program, mut run: Run<'_>, swap: Swap) -> Option<Finding> {
    let stuck = run.stuck();
    if let (true, Some(refused)) = (stuck.is_empty(), run.refused()) {
        return (refused == swap.second).then(|| refusal(session, program, &run, swap));
    }
    if stuck.is_empty() || run.refused().is_some() {
        return None;
    }
    let (holders, people) = (holders(session, program), people(session, program, &stuck));
    let graph = run.graph_with(session, &holders, &people);
    let verdicts = judge(&graph, &run.world, u64::MAX);
    let mut verdicts = verdicts.iter().filter(|verdict| is_hang(&graph, program, &stuck, verdict));
    let verdict = verdicts.next()?;
    let words = Words { session, model: &program.model, world: &run.world, feed: &program.feed };
    let mut finding = draw(&words, &graph, verdict, session.clock().ns(run.ticks));
    let witness = witness(program, &run, swap, verdict.kind, &stuck);
    for node in &mut finding.nodes {
        if node.detail == "is dead" {
            node.detail = "does nothing more".into();
        }
    }
    as_predicted(&words, program, &mut finding, witness, swap);
    Some(finding)
}

fn witness(program: &Program, run: &Run<'_>, swap: Swap, reaches: Kind, stuck: &[usize]) -> Witness {
    let op = |call: usize| Op::from(program.calls[call].id);
    Witness {
        reaches,
        swapped: (op(swap.first), op(swap.second)),
        recorded_until_ns: program.from_ns,
        steps: run.steps.clone(),
        stuck: stuck.iter().map(|call| op(*call)).collect(),
        held: run.held().into_iter().map(op).collect(),
    }
}

/// Whether a verdict is of somebody who would return otherwise, and rests on what is known for sure.
fn is_hang(graph: &Graph, program: &Program, stuck: &[usize], verdict: &Verdict) -> bool {
    let threads = stuck.iter().map(|call| program.calls[*call].id.thread);
    let ours =
        threads.filter_map(|thread| graph.find(Key::Thread(thread))).any(|id| verdict.stuck.contains(&id));
    let guessed = verdict.witness.windows(2).any(|pair| {
        graph.node(pair[0]).edges.iter().any(|edge| edge.to == pair[1] && edge.why == Why::Behind)
    });
    ours && !guessed && matches!(verdict.kind.rule(), Some("D1" | "D2"))
}

/// Everybody who ever named an object may act on it.
fn holders(session: &Session, program: &Program) -> Holders {
    let mut holders = Holders::default();
    for call in program.calls.iter().filter(|call| !call.is_death) {
        call.uses.iter().chain(&call.makes).for_each(|object| holders.add(*object, call.pid));
    }
    for thread in session.threads() {
        holders.add_thread(thread.pid, thread.id.0);
    }
    holders
}

fn people(session: &Session, program: &Program, stuck: &[usize]) -> Stuck {
    let calls = stuck.iter().map(|call| &program.calls[*call]);
    let ids = calls.filter_map(|call| Some((call.pid, session.thread(call.id.thread)?.tid)));
    Stuck(ids.collect())
}

/// Says of a finding that it did not happen, and in which order it would have.
fn as_predicted(words: &Words<'_>, program: &Program, finding: &mut Finding, witness: Witness, swap: Swap) {
    let session = words.session;
    let (first, second) = (&program.calls[swap.first], &program.calls[swap.second]);
    let who = |call: &program::Call| words.thread(call.id.thread);
    let (one, other) = (who(first), who(second));
    finding.sentence = format!(
        "it did not happen, but would if {other} made its {} before the {} of {one}, which nothing that was recorded prevents: {}",
        second.name, first.name, finding.sentence
    );
    finding.unless = vec![format!(
        "{one} makes {other} wait in a way that the trace cannot show, by a pipe or shared memory"
    )];
    finding.certainty = Certainty::Modulo;
    finding.kind = Kind::Predicted;
    for call in [first, second] {
        let id = (call.id.thread.0, call.id.index);
        if finding.calls.iter().all(|known| known.id != id) {
            let tid = session.thread(call.id.thread).map_or(0, |thread| thread.tid);
            let entered_ns = session.clock().ns(call.enter);
            finding.calls.push(Call {
                entered_ns,
                returned_ns: None,
                pid: call.pid,
                tid,
                text: String::new(),
                id,
            });
        }
    }
    for call in &mut finding.calls {
        call.entered_ns =
            session.entered(call_id(call)).map_or(call.entered_ns, |ticks| session.clock().ns(ticks));
    }
    (finding.since_ns, finding.seen_ns) = {
        let at = session.clock().ns(second.enter);
        (at, at)
    };
    finding.order = Some(witness);
}

fn call_id(call: &Call) -> fencelab_trace::CallId {
    Op(call.id.0, call.id.1).into()
}

/// A wait or a job that is refused as there is nothing yet: no hang, and yet not what the program was made for.
fn refusal(session: &Session, program: &Program, run: &Run<'_>, swap: Swap) -> Finding {
    let call = &program.calls[swap.second];
    let words = Words { session, model: &program.model, world: &run.world, feed: &program.feed };
    let mut finding = Finding {
        kind: Kind::Predicted,
        certainty: Certainty::Modulo,
        sentence: "it is refused with EINVAL, as nothing is there yet to wait for".into(),
        unless: Vec::new(),
        gaps: Vec::new(),
        until_timeout: false,
        since_ns: 0,
        seen_ns: 0,
        ended: None,
        culprit: format!("the {} of {}", call.name, words.thread(call.id.thread)),
        stuck: Vec::new(),
        nodes: Vec::new(),
        edges: Vec::new(),
        witness: Vec::new(),
        calls: Vec::new(),
        order: None,
        kernel: Vec::new(),
    };
    let witness = witness(program, run, swap, Kind::Refused, &[]);
    as_predicted(&words, program, &mut finding, witness, swap);
    finding
}
