//! The graph of a moment, built from who is stuck down to what could help.

use fencelab_trace::ThreadId;
use fencelab_trace::model::{ObjectId, Target};
use rustc_hash::FxHashMap;

use super::people::{Doing, Holders, People};
use super::{Graph, Key, NodeId, Rule, Why};
use crate::fence::{At, FenceId, FenceSet, JobId, Maker};
use crate::syncobj::Found;
use crate::world::{Blocked, Open, Part, Wait, World};

/// Builds a graph.
pub struct Builder<'a> {
    world: &'a World,
    holders: &'a Holders,
    people: &'a dyn People,
    tid_of: &'a dyn Fn(ThreadId) -> u32,
    graph: Graph,
    todo: Vec<NodeId>,
    /// The newest commit to each device that waits for somebody.
    stuck_commits: FxHashMap<u32, Vec<JobId>>,
}

impl<'a> Builder<'a> {
    /// A builder over what is known at a moment.
    pub fn new(
        world: &'a World,
        holders: &'a Holders,
        people: &'a dyn People,
        tid_of: &'a dyn Fn(ThreadId) -> u32,
    ) -> Self {
        let mut stuck_commits: FxHashMap<u32, Vec<JobId>> = FxHashMap::default();
        for id in &world.unsettled {
            if let Some((job, device)) = world.job(*id).and_then(|job| Some((job, job.device?)))
                && job.commit
            {
                stuck_commits.entry(device).or_default().push(*id);
            }
        }
        Self { world, holders, people, tid_of, graph: Graph::default(), todo: Vec::new(), stuck_commits }
    }

    /// The graph below all calls and jobs that have not moved since that tick.
    pub fn build(mut self, since: u64) -> Graph {
        for (thread, open) in self.world.in_calls() {
            if open.at.ticks <= since && !matches!(open.blocked, Blocked::Nothing) {
                let root = self.node(Key::Thread(thread), Rule::All);
                self.graph.roots.push(root);
            }
        }
        for id in self
            .world
            .unsettled
            .iter()
            .filter(|id| self.world.job(**id).is_some_and(|job| job.at.ticks <= since))
        {
            let root = self.node(Key::Job(*id), Rule::All);
            self.graph.roots.push(root);
        }
        while let Some(id) = self.todo.pop() {
            self.expand(id);
        }
        self.graph
    }

    fn node(&mut self, key: Key, rule: Rule) -> NodeId {
        let (id, fresh) = self.graph.meet(key, rule);
        if fresh {
            self.todo.push(id);
        }
        id
    }

    fn needs(&mut self, from: NodeId, key: Key, rule: Rule, why: Why, call: Option<At>) {
        let to = self.node(key, rule);
        self.graph.edge(from, to, why, call);
    }

    fn expand(&mut self, id: NodeId) {
        match self.graph.node(id).key {
            Key::Thread(thread) => self.thread(id, thread),
            Key::Part(thread, part) => self.part(id, thread, part),
            Key::Fence(fence) => self.fence(id, fence),
            Key::Point(object, _) => self.held(id, object),
            Key::Job(job) => self.job(id, job),
            Key::Process(pid) => self.process(id, pid),
            Key::Futex(pid, _) => self.needs(id, Key::Process(pid), Rule::Any, Why::By, None),
            _ => {}
        }
    }

    fn innermost(&self, thread: ThreadId) -> Option<&'a Open> {
        self.world.open_calls(thread).last()
    }

    fn thread(&mut self, id: NodeId, thread: ThreadId) {
        let Some(open) = self.innermost(thread) else { return };
        let at = Some(open.at);
        match &open.blocked {
            Blocked::Wait(wait) => self.wait(id, thread, wait, at),
            Blocked::Submit { job, blocking: true } => {
                self.needs(id, Key::Job(*job), Rule::All, Why::Commits, at)
            }
            Blocked::Submit { job, blocking: false } => self.behind(id, open, Some(*job)),
            Blocked::Kernel => self.behind(id, open, None),
            Blocked::Nothing => self.needs(id, Key::Soon, Rule::Any, Why::By, at),
        }
    }

    /// A call that is held up in the kernel: by the locks of a commit that does not end, if there is one to that device.
    fn behind(&mut self, id: NodeId, open: &Open, own: Option<JobId>) {
        let stuck = open.device.and_then(|device| self.stuck_commits.get(&device));
        let before = stuck.and_then(|jobs| {
            let older = |job: &&JobId| {
                Some(**job) != own && self.world.job(**job).is_some_and(|job| job.at.ticks < open.at.ticks)
            };
            jobs.iter().rev().find(older).copied()
        });
        let newest = open.device.and_then(|device| self.world.newest_commit.get(&device)).copied();
        let busy = |id: &JobId| {
            Some(*id) != own && self.world.job(*id).is_some_and(|job| !self.world.has_signalled(job.fence))
        };
        let before = before.or(newest.filter(busy));
        let key = before.map_or(Key::Unknown, Key::Job);
        self.needs(id, key, Rule::All, Why::Behind, Some(open.at));
    }

    fn wait(&mut self, id: NodeId, thread: ThreadId, wait: &Wait, at: Option<At>) {
        self.graph.nodes[id.0 as usize].until = wait.until;
        self.graph.nodes[id.0 as usize].rule = if wait.all { Rule::All } else { Rule::Any };
        for (index, part) in wait.parts.iter().enumerate() {
            let Found::Fences(set) = &part.found else {
                let Target::Point(object, point) = part.target else { continue };
                self.needs(id, Key::Point(object, point), Rule::Any, Why::Waits, at);
                continue;
            };
            let done = wait.available || self.world.all_signalled(set);
            match (done, wait.all) {
                (true, true) => {}
                (true, false) => self.needs(id, Key::Soon, Rule::Any, Why::Waits, at),
                (false, true) => self.all_of(id, set, part.target, Why::Waits, at),
                (false, false) => match self.only(set) {
                    Some(fence) => self.needs(id, Key::Fence(fence), Rule::Any, Why::Waits, at),
                    None => self.needs(id, Key::Part(thread, index as u32), Rule::All, Why::Waits, at),
                },
            }
        }
        if self.graph.node(id).edges.is_empty() {
            self.needs(id, Key::Soon, Rule::Any, Why::Waits, at);
        }
    }

    /// The one fence that a set comes to.
    fn only(&self, set: &FenceSet) -> Option<FenceId> {
        let mut left = self.world.unsignalled(set);
        let first = left.next().filter(|_| !set.unknown)?;
        left.next().is_none().then_some(first)
    }

    fn all_of(&mut self, id: NodeId, set: &FenceSet, target: Target, why: Why, at: Option<At>) {
        let fences: Vec<FenceId> = self.world.unsignalled(set).collect();
        for fence in fences {
            self.needs(id, Key::Fence(fence), Rule::Any, why, at);
        }
        if set.unknown {
            let key = object_of(target).map_or(Key::Unknown, Key::Outside);
            self.needs(id, key, Rule::Any, why, at);
        }
    }

    fn part(&mut self, id: NodeId, thread: ThreadId, part: u32) {
        let Some(open) = self.innermost(thread) else { return };
        let Blocked::Wait(wait) = &open.blocked else { return };
        if let Some(Part { found: Found::Fences(set), target, .. }) = wait.parts.get(part as usize) {
            self.all_of(id, set, *target, Why::Waits, Some(open.at));
        }
    }

    fn fence(&mut self, id: NodeId, fence: FenceId) {
        let Some(fence_of) = self.world.fence(fence) else { return };
        match fence_of.maker {
            Maker::Job(job) => self.needs(id, Key::Job(job), Rule::All, Why::DoneBy, Some(fence_of.made)),
            Maker::Timeline(timeline, _) => {
                self.held(id, timeline);
                let owner = self.holders.dead_owner(timeline);
                self.graph.dead_owners.extend(owner.map(|owner| (id, owner)));
            }
            Maker::Vgem(file) => {
                self.held(id, file);
                self.needs(id, Key::Limit(fence), Rule::Any, Why::By, Some(fence_of.made));
            }
            Maker::Outside => {
                let key = fence_of.object.map_or(Key::Unknown, Key::Outside);
                self.needs(id, key, Rule::Any, Why::By, Some(fence_of.made));
            }
        }
    }

    /// What whoever has an object can bring about.
    fn held(&mut self, id: NodeId, object: ObjectId) {
        for pid in self.holders.of_object(object) {
            self.needs(id, Key::Process(*pid), Rule::Any, Why::Held, None);
        }
        let opaque = self.world.syncobj(object).is_some_and(|object| object.opaque);
        if opaque || self.holders.is_in_flight(object) {
            self.needs(id, Key::Outside(object), Rule::Any, Why::Held, None);
        }
    }

    fn job(&mut self, id: NodeId, job_id: JobId) {
        let Some(job) = self.world.job(job_id) else { return };
        self.all_of(id, &job.waits, Target::Unknown, Why::InFence, Some(job.at));
        let before = job.before.filter(|before| self.world.job(*before).is_some_and(|job| job.unsettled));
        if let Some(before) = before {
            self.needs(id, Key::Job(before), Rule::All, Why::Queue, Some(job.at));
        }
        if self.graph.node(id).edges.is_empty() {
            self.needs(id, Key::Device(job_id), Rule::Any, Why::By, Some(job.at));
        }
    }

    fn process(&mut self, id: NodeId, pid: u32) {
        let alive = self.people.tasks(pid);
        let is_alive = |tid: u32| alive.as_ref().is_none_or(|tasks| tasks.iter().any(|task| task.tid == tid));
        let mut seen = Vec::new();
        for &thread in self.holders.threads(pid) {
            let tid = (self.tid_of)(ThreadId(thread));
            seen.push(tid);
            let is_blocked = self
                .innermost(ThreadId(thread))
                .is_some_and(|open| !matches!(open.blocked, Blocked::Nothing));
            match (is_alive(tid), is_blocked) {
                (false, _) => {}
                (true, true) => self.needs(id, Key::Thread(ThreadId(thread)), Rule::All, Why::Thread, None),
                (true, false) => self.live(id, pid, tid, alive.as_deref()),
            }
        }
        match &alive {
            // Threads that never made a recorded call.
            Some(tasks) => {
                for task in tasks.iter().filter(|task| !seen.contains(&task.tid)) {
                    self.live(id, pid, task.tid, alive.as_deref());
                }
            }
            None if self.graph.node(id).edges.is_empty() || seen.len() < 2 && !seen.contains(&pid) => {
                // The first thread has its process's number; that it made no recorded call does not end it.
                self.needs(id, Key::Live(pid, pid), Rule::Any, Why::Thread, None);
            }
            None => {}
        }
    }

    fn live(&mut self, id: NodeId, pid: u32, tid: u32, tasks: Option<&[super::Task]>) {
        let doing = tasks.and_then(|tasks| tasks.iter().find(|task| task.tid == tid)).map(|task| task.doing);
        match doing {
            Some(Doing::Futex) => self.needs(id, Key::Futex(pid, tid), Rule::Any, Why::Thread, None),
            _ => self.needs(id, Key::Live(pid, tid), Rule::Any, Why::Thread, None),
        }
    }
}

/// The object that a target is of.
pub(crate) fn object_of(target: Target) -> Option<ObjectId> {
    match target {
        Target::Point(object, _)
        | Target::File(object)
        | Target::Buffer(object, _)
        | Target::Fence(object) => Some(object),
        Target::Seqno(queue, _) => queue,
        Target::Timeline(object, _) => Some(object),
        Target::Unknown => None,
    }
}
