//! What a graph says: who is stuck, for what, and whether anybody could still help.
//!
//! Three reductions tell how sure it is. What is left although everybody acts who may and every limit passes never happens:
//! proven for ever. What is left although everybody acts lasts until somebody gives up. What is left when nobody acts who is
//! free to is a wait for somebody: no verdict, unless it runs in a circle.

mod picture;
mod sentence;
#[cfg(test)]
mod tests;

use crate::fence::{JobId, Queue};
use crate::finding::Kind;
use crate::graph::{Assume, Graph, Key, NodeId, Rule, Why};
use crate::world::World;

pub(crate) use picture::draw;

/// What the graph says of one thing that is waited for.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    pub(crate) kind: Kind,
    /// What is waited for in the end.
    pub(crate) culprit: NodeId,
    /// The way there, or the circle with its first node once more at its end.
    pub(crate) witness: Vec<NodeId>,
    /// Calls and jobs that are stuck for it.
    pub(crate) stuck: Vec<NodeId>,
    /// Who could undo it.
    pub(crate) unless: Vec<NodeId>,
    /// Whether it is over when waits or drivers give up.
    pub(crate) until_timeout: bool,
}

/// More of one moment than anybody reads.
const MOST: usize = 64;

/// Judges a graph.
pub(crate) fn judge(graph: &Graph, world: &World, since: u64) -> Vec<Verdict> {
    let judge = Judge {
        graph,
        world,
        since,
        waits: graph.irreducible(Assume { people: false, limits: false }),
        timed: graph.irreducible(Assume { people: true, limits: false }),
        forever: graph.irreducible(Assume { people: true, limits: true }),
        users: users(graph),
    };
    judge.all()
}

/// Who needs each node.
fn users(graph: &Graph) -> Vec<Vec<NodeId>> {
    let mut users = vec![Vec::new(); graph.len()];
    for id in graph.ids() {
        graph.node(id).edges.iter().for_each(|edge| users[edge.to.0 as usize].push(id));
    }
    users
}

struct Judge<'a> {
    graph: &'a Graph,
    world: &'a World,
    since: u64,
    waits: Vec<bool>,
    timed: Vec<bool>,
    forever: Vec<bool>,
    users: Vec<Vec<NodeId>>,
}

impl Judge<'_> {
    fn all(&self) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        let mut covered = vec![false; self.graph.len()];
        let circles = self.graph.circles(&self.timed).into_iter().chain(self.graph.circles(&self.waits));
        for circle in circles {
            let proven = circle.iter().all(|id| self.timed[id.0 as usize]);
            if circle.iter().any(|id| covered[id.0 as usize]) || !(proven || self.is_between_parties(&circle))
            {
                continue;
            }
            if let Some(verdict) = self.circle(&circle) {
                circle.iter().for_each(|id| covered[id.0 as usize] = true);
                verdicts.push(verdict);
            }
        }
        self.events(&mut covered, &mut verdicts);
        self.devices(&mut verdicts);
        self.unexplained(&mut verdicts);
        verdicts.truncate(MOST);
        verdicts
    }

    /// Whether a way round is more than somebody who waits for his own signal: it goes through two queues, or through two
    /// threads and two things that only programs bring about.
    fn is_between_parties(&self, way: &[NodeId]) -> bool {
        let keys = || way.iter().map(|id| self.graph.node(*id).key);
        let count = |mut found: Vec<Key>| {
            found.sort_unstable();
            found.dedup();
            found.len()
        };
        let mut queues: Vec<_> = keys().filter_map(|key| self.queue(key)).collect();
        queues.sort_unstable();
        queues.dedup();
        let threads = count(keys().filter(|key| matches!(key, Key::Thread(_))).collect());
        let events =
            count(way.iter().filter(|id| self.is_peoples(**id)).map(|id| self.graph.node(*id).key).collect());
        queues.len() > 1 || threads > 1 && events > 1
    }

    fn queue(&self, key: Key) -> Option<(Option<u32>, Option<Queue>)> {
        let Key::Job(job) = key else { return None };
        let job = self.world.job(job)?;
        Some((job.device, job.queue))
    }

    /// Whether a node is something that programs bring about.
    fn is_peoples(&self, id: NodeId) -> bool {
        let node = self.graph.node(id);
        match node.key {
            Key::Point(..) => true,
            Key::Fence(_) => node.edges.iter().any(|edge| edge.why == Why::Held) || node.edges.is_empty(),
            _ => false,
        }
    }

    fn circle(&self, circle: &[NodeId]) -> Option<Verdict> {
        let is_in = |id: NodeId| circle.binary_search(&id).is_ok();
        let peoples = circle.iter().copied().find(|id| self.is_peoples(*id));
        let thread = |id: &NodeId| matches!(self.graph.node(*id).key, Key::Thread(_));
        let start = circle.iter().copied().find(thread).or(peoples)?;
        let proven = circle.iter().all(|id| self.timed[id.0 as usize]);
        let forks =
            |id: &NodeId| self.graph.node(*id).rule == Rule::Any && self.graph.node(*id).edges.len() > 1;
        let (kind, witness) = match self.round(circle) {
            // A fork whose other ways are open is no knot: they are who could undo it.
            Some(round) if proven && circle.iter().any(forks) => (Kind::Knot, round),
            Some(round) => (Kind::Cycle, round),
            None if proven => (Kind::Orphan, self.graph.way(start, |id| id == start, is_in)?),
            None => return None,
        };
        let on = |id: &NodeId| witness.contains(id);
        let culprit = circle.iter().copied().find(|id| on(id) && self.is_peoples(*id)).unwrap_or(start);
        let mut verdict = self.verdict(kind, culprit, witness);
        verdict.stuck = self.stuck_for(circle);
        Some(verdict)
    }

    /// The shortest way round that is between parties, begun at a thread if there is one on it. It may come through one
    /// process twice, by different threads.
    fn round(&self, circle: &[NodeId]) -> Option<Vec<NodeId>> {
        /// More turns than this tell nothing new.
        const TURNS: usize = 24;
        let is_in = |id: NodeId| circle.binary_search(&id).is_ok();
        let turns = |id: &&NodeId| matches!(self.graph.node(**id).key, Key::Job(_)) || self.is_peoples(**id);
        let turns: Vec<NodeId> = circle.iter().filter(turns).take(TURNS).copied().collect();
        let mut best: Option<Vec<NodeId>> = None;
        for (at, one) in turns.iter().enumerate() {
            for other in turns.iter().skip(at + 1) {
                let there = self.graph.way(*one, |id| id == *other, is_in);
                let back = self.graph.way(*other, |id| id == *one, is_in);
                let Some((mut round, back)) = there.zip(back) else { continue };
                round.extend(&back[1..]);
                let shorter = best.as_ref().is_none_or(|best| round.len() < best.len());
                if shorter && self.is_between_parties(&round) {
                    best = Some(round);
                }
            }
        }
        let mut round = best?;
        round.pop();
        let thread = round.iter().position(|id| matches!(self.graph.node(*id).key, Key::Thread(_)));
        round.rotate_left(thread.unwrap_or(0));
        round.push(*round.first()?);
        Some(round)
    }

    /// Events that programs bring about and have not.
    fn events(&self, covered: &mut [bool], verdicts: &mut Vec<Verdict>) {
        for id in self.graph.ids().filter(|id| self.waits[id.0 as usize]) {
            let key = self.graph.node(id).key;
            let unseen = matches!(key, Key::Fence(_))
                && self
                    .graph
                    .node(id)
                    .edges
                    .iter()
                    .any(|edge| matches!(self.graph.node(edge.to).key, Key::Outside(_)));
            if covered[id.0 as usize] || !(self.is_peoples(id) || unseen) {
                continue;
            }
            let kind = match (self.timed[id.0 as usize], key) {
                (true, _) if self.leads_to_circle(id, covered) => continue,
                (true, _) => Kind::Orphan,
                (false, Key::Point(..)) => Kind::NeverSubmitted,
                // Whoever else has it was only shown it.
                (false, _) if self.graph.dead_owners.contains_key(&id) => Kind::Orphan,
                (false, _) => Kind::Pending,
            };
            covered[id.0 as usize] = true;
            let stuck = self.stuck_for(&[id]);
            let first = stuck.first().copied();
            let way = first.and_then(|from| self.graph.way(from, |to| to == id, |_| true));
            verdicts.push(self.verdict(kind, id, way.unwrap_or_else(|| vec![id])));
        }
    }

    /// Whether everything that could help leads into a circle that was told already.
    fn leads_to_circle(&self, id: NodeId, covered: &[bool]) -> bool {
        let below = self.graph.below(id);
        self.graph.ids().any(|other| other != id && below[other.0 as usize] && covered[other.0 as usize])
    }

    /// Calls that wait for a device only.
    fn devices(&self, verdicts: &mut Vec<Verdict>) {
        let device = |id: NodeId| matches!(self.graph.node(id).key, Key::Device(_));
        for &root in self.graph.roots.iter().filter(|root| !self.waits[root.0 as usize]) {
            if !matches!(self.graph.node(root).key, Key::Thread(_)) {
                continue;
            }
            let Some(way) = self.graph.way(root, device, |_| true) else { continue };
            let job = way[way.len().saturating_sub(2)];
            if !self.is_overdue(job) {
                continue;
            }
            if verdicts.iter().all(|verdict| verdict.culprit != job) {
                verdicts.push(self.verdict(Kind::Device, job, way));
            }
        }
    }

    /// Whether a job has been the device's to do for long: what it waited for has signalled long ago.
    fn is_overdue(&self, id: NodeId) -> bool {
        let Key::Job(job) = self.graph.node(id).key else { return false };
        self.turn(job).is_some_and(|turn| turn <= self.since)
    }

    /// Ticks since when a job could be done, as far as is known.
    fn turn(&self, job: JobId) -> Option<u64> {
        /// Jobs before it on its queue that are looked at.
        const DEEP: usize = 64;
        let signalled = |id| self.world.fence(id).and_then(|fence| fence.signalled).map(|at| at.ticks);
        let mut turn = None;
        let mut next = Some(job);
        for _ in 0..DEEP {
            let Some(job) = next.and_then(|job| self.world.job(job)) else { break };
            turn = turn.max(job.waits.iter().filter_map(signalled).chain([job.at.ticks]).max());
            next = job.before;
        }
        turn
    }

    /// Calls of which it is not known what holds them up.
    fn unexplained(&self, verdicts: &mut Vec<Verdict>) {
        for &root in self.graph.roots.iter().filter(|root| self.waits[root.0 as usize]) {
            if verdicts.iter().any(|verdict| verdict.stuck.contains(&root)) {
                continue;
            }
            let unknown = |id: NodeId| matches!(self.graph.node(id).key, Key::Unknown | Key::Outside(_));
            if let Some(way) = self.graph.way(root, unknown, |_| true) {
                verdicts.push(self.verdict(Kind::Unexplained, root, way));
            }
        }
    }

    fn verdict(&self, kind: Kind, culprit: NodeId, witness: Vec<NodeId>) -> Verdict {
        let stuck = self.stuck_for(&[culprit]);
        let unless = if self.timed[culprit.0 as usize] { Vec::new() } else { self.who_could(culprit) };
        let until_timeout = self.timed[culprit.0 as usize] && !self.forever[culprit.0 as usize];
        // Where only the waits have an end, what they wait for has none.
        let gives_up = witness.iter().any(|id| !self.forever[id.0 as usize]);
        Verdict { kind, culprit, witness, stuck, unless, until_timeout: until_timeout || gives_up }
    }

    /// Roots that need one of these.
    fn stuck_for(&self, culprits: &[NodeId]) -> Vec<NodeId> {
        let mut seen = vec![false; self.graph.len()];
        let mut left: Vec<NodeId> = culprits.iter().copied().filter(|id| !self.is_process(*id)).collect();
        while let Some(at) = left.pop() {
            if !std::mem::replace(&mut seen[at.0 as usize], true) {
                left.extend(self.users[at.0 as usize].iter().filter(|user| !self.is_process(**user)));
            }
        }
        let stuck = |id: &NodeId| seen[id.0 as usize];
        let mut roots: Vec<NodeId> = self.graph.roots.iter().copied().filter(stuck).collect();
        roots.sort_by_key(|id| (!matches!(self.graph.node(*id).key, Key::Thread(_)), *id));
        roots
    }

    /// Processes pass nothing on: that somebody of theirs is stuck does not make those stuck who wait for others of them.
    fn is_process(&self, id: NodeId) -> bool {
        matches!(self.graph.node(id).key, Key::Process(_))
    }

    /// Leaves that could bring a node about.
    fn who_could(&self, id: NodeId) -> Vec<NodeId> {
        let below = self.graph.below(id);
        let leaf = |id: &NodeId| {
            matches!(self.graph.node(*id).key, Key::Live(..) | Key::Outside(_) | Key::Unknown | Key::Limit(_))
        };
        self.graph.ids().filter(|id| below[id.0 as usize]).filter(leaf).collect()
    }
}
