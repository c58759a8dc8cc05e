//! From a verdict to a finding: the part of the graph that matters, with names.

use fencelab_trace::model::Until;
use rustc_hash::FxHashMap;

use super::{Verdict, sentence};
use crate::fence::At;
use crate::finding::{Call, Certainty, Edge, Finding, Kind, Node, NodeKind, Stuck};
use crate::graph::{Graph, Key, NodeId};
use crate::words::Words;

/// Roots of which the way is drawn.
const DRAWN: usize = 12;
/// Nodes of a picture.
const NODES: usize = 60;

/// Draws a verdict. Texts of calls are empty: the trace is to be asked for them.
pub(crate) fn draw(words: &Words<'_>, graph: &Graph, verdict: &Verdict, now: u64) -> Finding {
    let chosen = chosen(graph, verdict);
    let mut calls = Calls::default();
    let mut edges = Vec::new();
    for (from, id) in chosen.iter().enumerate() {
        for edge in &graph.node(*id).edges {
            let Some(to) = chosen.iter().position(|other| *other == edge.to) else { continue };
            let witness = verdict.witness.windows(2).any(|pair| pair == [*id, edge.to]);
            let call = edge.call.map(|at| calls.index(words, at));
            let why = sentence::edge(edge.why, graph.node(edge.to).key).to_owned();
            edges.push(Edge { from, to, why, call, witness });
        }
    }
    let place = |id: &NodeId| chosen.iter().position(|other| other == id);
    let witness = verdict.witness.iter().filter_map(place).collect();
    let nodes = chosen.iter().map(|id| node(words, graph, verdict, *id)).collect();
    let stuck: Vec<Stuck> = verdict.stuck.iter().filter_map(|id| stuck(words, graph, *id)).collect();
    let since = verdict.witness.iter().filter_map(|id| since(words, graph, *id)).max();
    let proven = verdict.unless.is_empty();
    Finding {
        kind: verdict.kind,
        certainty: if proven { Certainty::Proven } else { Certainty::Modulo },
        sentence: sentence::sentence(words, graph, verdict),
        unless: verdict.unless.iter().map(|id| sentence::short(words, graph, *id)).collect(),
        gaps: Vec::new(),
        until_timeout: verdict.until_timeout,
        since_ns: since.map_or(now, |ticks| words.ns(ticks)),
        seen_ns: now,
        ended: None,
        culprit: culprit(words, graph, verdict),
        stuck,
        nodes,
        edges,
        witness,
        calls: calls.list,
        order: None,
        kernel: Vec::new(),
    }
}

fn culprit(words: &Words<'_>, graph: &Graph, verdict: &Verdict) -> String {
    let (name, detail) = sentence::name(words, graph, verdict.culprit);
    match (verdict.kind, detail.is_empty()) {
        (Kind::Unexplained, _) | (_, true) => name,
        (_, false) => format!("{name}, {detail}"),
    }
}

/// The nodes to draw: the witness, the ways of others who are stuck, and who could help.
fn chosen(graph: &Graph, verdict: &Verdict) -> Vec<NodeId> {
    let mut chosen = Vec::new();
    let mut add = |id: NodeId| {
        if chosen.len() < NODES && !chosen.contains(&id) {
            chosen.push(id);
        }
    };
    verdict.witness.iter().for_each(|id| add(*id));
    for root in verdict.stuck.iter().take(DRAWN) {
        let is_process = |id: NodeId| matches!(graph.node(id).key, Key::Process(_));
        let way = graph.way(*root, |id| id == verdict.culprit, |id| !is_process(id));
        way.into_iter().flatten().for_each(&mut add);
    }
    add(verdict.culprit);
    for who in &verdict.unless {
        let way = graph.way(verdict.culprit, |id| id == *who, |_| true);
        way.into_iter().flatten().for_each(&mut add);
    }
    // Who has what is waited for, though it can do nothing.
    graph.node(verdict.culprit).edges.iter().for_each(|edge| add(edge.to));
    chosen
}

fn node(words: &Words<'_>, graph: &Graph, verdict: &Verdict, id: NodeId) -> Node {
    let (label, mut detail) = sentence::name(words, graph, id);
    let node = graph.node(id);
    let kind = match node.key {
        Key::Thread(_) => NodeKind::Thread,
        Key::Fence(_) | Key::Part(..) => NodeKind::Fence,
        Key::Point(..) => NodeKind::Point,
        Key::Job(_) => NodeKind::Job,
        Key::Process(_) => NodeKind::Process,
        _ => NodeKind::Leaf,
    };
    if let Until::At(ns) = node.until {
        detail += &format!(", until {} s", crate::words::moment(ns));
    }
    let any = node.rule == crate::graph::Rule::Any && node.edges.len() > 1;
    Node { kind, label, detail, any, witness: verdict.witness.contains(&id) }
}

fn since(words: &Words<'_>, graph: &Graph, id: NodeId) -> Option<u64> {
    match graph.node(id).key {
        Key::Thread(thread) => words.world.open_calls(thread).last().map(|open| open.at.ticks),
        Key::Job(job) => words.world.job(job).map(|job| job.at.ticks),
        _ => None,
    }
}

fn stuck(words: &Words<'_>, graph: &Graph, id: NodeId) -> Option<Stuck> {
    let since_ns = words.ns(since(words, graph, id)?);
    match graph.node(id).key {
        Key::Thread(thread) => {
            let open = words.world.open_calls(thread).last()?;
            let tid = Some(words.ids(thread).1);
            Some(Stuck { what: words.thread(thread), tid, at: open.name.into(), since_ns, ended: None })
        }
        Key::Job(job) => {
            let by = words.thread(words.world.job(job)?.at.call.thread);
            Some(Stuck {
                what: words.job(job),
                tid: None,
                at: format!("handed over by {by}"),
                since_ns,
                ended: None,
            })
        }
        _ => None,
    }
}

/// Calls, each once.
#[derive(Default)]
struct Calls {
    list: Vec<Call>,
    index: FxHashMap<(u32, u32), usize>,
}

impl Calls {
    fn index(&mut self, words: &Words<'_>, at: At) -> usize {
        let id = (at.call.thread.0, at.call.index);
        if let Some(known) = self.index.get(&id) {
            return *known;
        }
        let (pid, tid) = words.ids(at.call.thread);
        let entered_ns = words.ns(at.ticks);
        self.list.push(Call { entered_ns, returned_ns: None, pid, tid, text: String::new(), id });
        self.index.insert(id, self.list.len() - 1);
        self.list.len() - 1
    }
}
