//! The AND/OR wait-for graph at one moment.
//!
//! A node is something that has not happened and that somebody waits for: a call that has not returned, a fence that has
//! not signalled, a point that nobody has submitted, a job that is not done, a process that has not acted. Its edges lead to
//! what it needs: all of it, or any. Leaves are those of whom it is not known why they should not act: a thread that is in
//! no recorded call, a device, a time limit, what the trace did not see.
//!
//! Each event happens once, so the graph is reduced like Holt's graph of consumable resources ("Some deadlock properties of
//! computer systems", 1972): what has all that it needs happens and goes, in O(V+E). What is left can never happen.

mod build;
mod people;
mod reduce;
mod shape;

use fencelab_trace::ThreadId;
use fencelab_trace::model::{ObjectId, Until};
use rustc_hash::FxHashMap;
use serde::Serialize;

pub use build::Builder;
pub(crate) use build::object_of;
pub use people::{Doing, Holders, Nobody, People, Task};
pub use reduce::Assume;

use crate::fence::{At, FenceId, JobId};

/// A node: its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct NodeId(pub u32);

/// What a node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A thread returns from the call that it is in.
    Thread(ThreadId),
    /// All fences of one target of an OR wait: thread, and which target.
    Part(ThreadId, u32),
    /// A fence signals.
    Fence(FenceId),
    /// Somebody submits a point of a sync object; point 0: gives it a fence.
    Point(ObjectId, u64),
    /// A job is done.
    Job(JobId),
    /// A process does something.
    Process(u32),
    /// A thread that no recorded call holds up acts.
    Live(u32, u32),
    /// A thread sleeps in a futex until another of its process wakes it.
    Futex(u32, u32),
    /// A device does a job whose turn it is.
    Device(JobId),
    /// A time limit of the driver's passes.
    Limit(FenceId),
    /// Something signals that the trace did not see.
    Outside(ObjectId),
    /// Something that is not known at all.
    Unknown,
    /// Nothing: all that was needed is there, and it happens as soon as its turn comes.
    Soon,
}

/// Why one node needs another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The call waits for it.
    Waits,
    /// The call hands over that job and returns when it is done.
    Commits,
    /// The kernel holds the call up behind that job; no argument says so.
    Behind,
    /// It signals when that job is done.
    DoneBy,
    /// The job is told to wait for it.
    InFence,
    /// The queue does one after the other.
    Queue,
    /// That process can bring it about, as it has the object.
    Held,
    /// That process consists of these threads.
    Thread,
    /// It would be brought about by that.
    By,
}

/// An edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// What is needed.
    pub to: NodeId,
    /// Why.
    pub why: Why,
    /// The call that made it so.
    pub call: Option<At>,
}

/// How many of a node's edges it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// All.
    All,
    /// Any one.
    Any,
}

/// A node.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it stands for.
    pub key: Key,
    /// How many of its edges it takes.
    pub rule: Rule,
    /// What it needs.
    pub edges: Vec<Edge>,
    /// Until when its call waits.
    pub until: Until,
}

/// The graph.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) by_key: FxHashMap<Key, NodeId>,
    /// Calls and jobs that do not go on.
    pub roots: Vec<NodeId>,
    /// Fences whose owners are dead, with the process that each was.
    pub(crate) dead_owners: FxHashMap<NodeId, u32>,
}

impl Graph {
    /// A node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// The node that stands for that.
    pub fn find(&self, key: Key) -> Option<NodeId> {
        self.by_key.get(&key).copied()
    }

    /// All of them.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.nodes.len() as u32).map(NodeId)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The node that stands for that, made if there is none; whether it was made.
    pub(crate) fn meet(&mut self, key: Key, rule: Rule) -> (NodeId, bool) {
        let next = NodeId(self.nodes.len() as u32);
        let id = *self.by_key.entry(key).or_insert(next);
        if id == next {
            self.nodes.push(Node { key, rule, edges: Vec::new(), until: Until::Forever });
        }
        (id, id == next)
    }

    pub(crate) fn edge(&mut self, from: NodeId, to: NodeId, why: Why, call: Option<At>) {
        let edges = &mut self.nodes[from.0 as usize].edges;
        if !edges.iter().any(|edge| edge.to == to) {
            edges.push(Edge { to, why, call });
        }
    }
}
