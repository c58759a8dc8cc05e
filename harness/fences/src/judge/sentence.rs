//! A witness in words.

use crate::fence::Maker;
use crate::finding::Kind;
use crate::graph::{Graph, Key, NodeId, Why};
use crate::words::{Words, list};

/// A node's name and what else there is to say.
pub(super) fn name(words: &Words<'_>, graph: &Graph, id: NodeId) -> (String, String) {
    let none = String::new;
    match graph.node(id).key {
        Key::Thread(thread) => {
            let call = words.world.open_calls(thread).last().map_or("", |open| open.name);
            (words.thread(thread), format!("in {call}"))
        }
        Key::Part(..) => ("all of these".into(), none()),
        Key::Fence(fence) => (words.fence(fence), made_by(words, fence)),
        Key::Point(object, point) => (words.point(object, point), "not submitted".into()),
        Key::Job(job) => {
            let by = words.world.job(job).map(|job| words.thread(job.at.call.thread));
            (words.job(job), by.map(|by| format!("by {by}")).unwrap_or_default())
        }
        Key::Process(pid) if graph.node(id).edges.is_empty() => (words.process(pid), "is dead".into()),
        Key::Process(pid) => (format!("process {}", words.process(pid)), none()),
        Key::Live(_, tid) => (format!("thread {tid}"), "in no recorded call".into()),
        Key::Futex(_, tid) => {
            (format!("thread {tid}"), "sleeps until another thread of its process wakes it".into())
        }
        Key::Device(job) => (device(words, job), "has work".into()),
        Key::Limit(_) => ("vgem's limit".into(), "10 s after the fence was made".into()),
        Key::Outside(object) => (words.object(object), "comes from outside of the trace".into()),
        Key::Unknown => ("something that the trace does not show".into(), none()),
        Key::Soon => ("nothing any more".into(), none()),
    }
}

fn device(words: &Words<'_>, job: crate::fence::JobId) -> String {
    words.device(words.world.job(job).and_then(|job| job.device)).to_owned()
}

fn made_by(words: &Words<'_>, fence: crate::fence::FenceId) -> String {
    let Some(fence) = words.world.fence(fence) else { return String::new() };
    match fence.maker {
        Maker::Outside => String::new(),
        _ => format!("made by {}", words.thread(fence.made.call.thread)),
    }
}

/// An edge in a few words.
pub(super) fn edge(why: Why, to: Key) -> &'static str {
    match (why, to) {
        (Why::Waits, _) => "waits for",
        (Why::Commits, _) => "returns after",
        (Why::Behind, Key::Unknown) => "is held up by",
        (Why::Behind, _) => "is held up behind",
        (Why::DoneBy, _) => "signals after",
        (Why::InFence, _) => "is told to wait for",
        (Why::Queue, _) => "comes after",
        (Why::Held, Key::Process(_)) => "can be had from",
        (Why::Held, _) => "may be had from",
        (Why::Thread, _) => "could act through",
        (Why::By, _) => "comes from",
    }
}

/// A witness as one clause after the other.
pub(super) fn chain(words: &Words<'_>, graph: &Graph, way: &[NodeId]) -> String {
    let mut text = String::new();
    for (at, pair) in way.windows(2).enumerate() {
        let [from, to] = [pair[0], pair[1]];
        let Some(edge) = graph.node(from).edges.iter().find(|edge| edge.to == to) else { continue };
        if at == 0 {
            text += &subject(words, graph, from);
        }
        text += &clause(
            words,
            graph,
            edge.why,
            from,
            to,
            at == 0 || matches!(edge.why, Why::Waits | Why::Commits | Why::Behind),
        );
        let closes = at + 2 == way.len() && way.first() == way.last();
        if closes {
            text +=
                if matches!(graph.node(to).key, Key::Thread(_)) { ", the one that waits" } else { " again" };
        }
    }
    if text.is_empty() { way.first().map_or_else(String::new, |id| subject(words, graph, *id)) } else { text }
}

fn subject(words: &Words<'_>, graph: &Graph, id: NodeId) -> String {
    let (name, detail) = name(words, graph, id);
    match graph.node(id).key {
        Key::Thread(_) => format!("{name}, {detail},"),
        Key::Job(_) | Key::Fence(_) => format!("the {name}").replace("the fence:", "fence:"),
        _ => name,
    }
}

fn clause(words: &Words<'_>, graph: &Graph, why: Why, from: NodeId, to: NodeId, first: bool) -> String {
    let (name, detail) = name(words, graph, to);
    let which = if first { "" } else { ", which" };
    let key = graph.node(to).key;
    match (why, key) {
        (Why::Waits, _) => format!("{which} waits for {name}"),
        (Why::Commits, _) => format!("{which} returns only after its {name}"),
        (Why::Behind, Key::Job(_)) => {
            format!("{which} is held up in the kernel, as it seems by the locks of the {name}")
        }
        (Why::Behind, _) => format!("{which} is held up in the kernel by {name}"),
        (Why::DoneBy, _) => format!("{which} signals after that"),
        (Why::InFence, _) => format!("{which} waits for {name}"),
        (Why::Queue, _) => format!("{which} comes after the {name}"),
        (Why::Held, Key::Process(_)) => {
            let act = if matches!(graph.node(from).key, Key::Point(..)) { "submit" } else { "signal" };
            format!("{which} {name} could {act}")
        }
        (Why::Held, _) => format!("{which} somebody unseen may have"),
        (Why::Thread, Key::Thread(_)) => format!(", but its {name} is {detail}"),
        (Why::Thread, _) => format!(", through {name}, {detail}"),
        (Why::By, _) => format!("{which} comes from {name}"),
    }
}

/// A finding in one sentence.
pub(super) fn sentence(words: &Words<'_>, graph: &Graph, verdict: &super::Verdict) -> String {
    let chain = chain(words, graph, &verdict.witness);
    let (culprit, _) = name(words, graph, verdict.culprit);
    let unless: Vec<String> = verdict.unless.iter().map(|id| short(words, graph, *id)).collect();
    match verdict.kind {
        Kind::Cycle | Kind::Knot => format!("circle: {chain}"),
        Kind::Orphan if !unless.is_empty() => {
            let owner = graph.dead_owners.get(&verdict.culprit);
            let owner = owner.map_or_else(|| "its owner".into(), |pid| words.process(*pid));
            format!("{owner}, who owned {culprit}, is dead and has not signalled it: {chain}")
        }
        Kind::Orphan => format!("nobody can bring about {culprit} any more: {chain}"),
        Kind::NeverSubmitted => format!("nobody has submitted {culprit}: {chain}"),
        Kind::Pending if unless.is_empty() => format!("{culprit} has not signalled: {chain}"),
        Kind::Pending => {
            format!("{culprit} has not signalled, which is up to {}: {chain}", list(&unless, "or"))
        }
        Kind::Device => format!("a device has not done the {culprit}: {chain}"),
        _ => chain,
    }
}

/// Somebody who could help, in a few words.
pub(super) fn short(words: &Words<'_>, graph: &Graph, id: NodeId) -> String {
    match graph.node(id).key {
        Key::Live(pid, tid) if pid == tid => words.process(pid),
        Key::Live(pid, tid) => format!("thread {tid} of {}", words.process(pid)),
        Key::Outside(object) => format!("whoever else has {}", words.object(object)),
        Key::Limit(_) => "vgem itself, after 10 s".into(),
        _ => name(words, graph, id).0,
    }
}
