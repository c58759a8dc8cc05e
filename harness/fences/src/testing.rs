//! A world played by hand, for tests.

use fencelab_trace::model::{Effect, ObjectId, Target, Until};
use fencelab_trace::{CallId, ThreadId};

use crate::fence::At;
use crate::finding::Kind;
use crate::graph::{Builder, Graph, Holders, Key, People, Task};
use crate::judge::{Verdict, judge};
use crate::world::{Facts, Step, World};

/// Threads 1 to 9 are of process 10, 11 to 19 of process 20 and so on; a thread's tid is its number.
pub(crate) struct Play {
    pub(crate) world: World,
    pub(crate) holders: Holders,
    ticks: u64,
    calls: u32,
}

/// Processes of which everything is known: pid, tid and what each thread does.
pub(crate) struct Known(pub(crate) Vec<(u32, Task)>);

impl People for Known {
    fn tasks(&self, pid: u32) -> Option<Vec<Task>> {
        Some(self.0.iter().filter(|(of, _)| *of == pid).map(|(_, task)| *task).collect())
    }
}

pub(crate) fn object(number: u32) -> ObjectId {
    ObjectId(number)
}

impl Play {
    pub(crate) fn new() -> Self {
        Self { world: World::default(), holders: Holders::default(), ticks: 0, calls: 0 }
    }

    /// Says that a process has an object.
    pub(crate) fn holds(&mut self, pid: u32, of: u32) -> &mut Self {
        self.holders.add(object(of), pid);
        self
    }

    /// Says that a process has a thread that made recorded calls.
    pub(crate) fn lives(&mut self, pid: u32, thread: u32) -> &mut Self {
        self.holders.add_thread(pid, thread);
        self
    }

    fn step(&mut self, thread: u32, facts: Facts, effects: &[Effect], targets: &[Target]) -> At {
        self.ticks += 10;
        self.calls += 1;
        let at = At { ticks: self.ticks, call: CallId { thread: ThreadId(thread), index: self.calls } };
        self.world.apply(&Step { begins: true, at, effects, targets, facts: &facts });
        at
    }

    /// A call ends.
    pub(crate) fn end(&mut self, at: At, result: i32) {
        self.ticks += 10;
        let facts = Facts { result: Some(result), ..Facts::default() };
        let at = At { ticks: self.ticks, call: at.call };
        self.world.apply(&Step { begins: false, at, effects: &[], targets: &[], facts: &facts });
    }

    /// A call with these effects that returns at once.
    pub(crate) fn call(&mut self, thread: u32, effects: &[Effect], targets: &[Target]) {
        let at = self.step(thread, Facts::default(), effects, targets);
        self.end(at, 0);
    }

    /// A wait that does not return.
    pub(crate) fn wait(&mut self, thread: u32, targets: &[Target], all: bool, until: Until) -> At {
        let range = 0..targets.len() as u32;
        let wait = Effect::Wait { targets: range, all, for_submit: true, available: false, until };
        self.step(thread, Facts { name: "WAIT", ..Facts::default() }, &[wait], targets)
    }

    /// A sw_sync fence as a sync_file.
    pub(crate) fn fence(&mut self, thread: u32, timeline: u32, value: u64, fence: u32, file: u32) {
        let by = Some(Target::Timeline(object(timeline), value));
        let made = Effect::Fence { fence: object(fence), by };
        let (from, to) = (Target::Fence(object(fence)), Target::File(object(file)));
        self.call(thread, &[made, Effect::Copy { from, to, adds: false }], &[]);
    }

    /// A commit to the one CRTC of a device, with in-fences and an out-fence.
    pub(crate) fn commit(
        &mut self,
        thread: u32,
        device: u32,
        waits: &[Target],
        fence: u32,
        blocking: bool,
    ) -> At {
        let name = "DRM_IOCTL_MODE_ATOMIC";
        let facts = Facts {
            name,
            device: Some(device),
            crtc: Some(1),
            blocking,
            may_block: true,
            ..Facts::default()
        };
        let submit =
            Effect::Submit { queue: None, fence: object(fence), waits: 0..waits.len() as u32, signals: 0..0 };
        let at = self.step(thread, facts, &[submit], waits);
        if !blocking {
            self.end(at, 0);
        }
        at
    }

    /// A call that the kernel holds up.
    pub(crate) fn query(&mut self, thread: u32, device: u32) -> At {
        let facts = Facts { name: "QUERY", device: Some(device), may_block: true, ..Facts::default() };
        self.step(thread, facts, &[], &[])
    }

    pub(crate) fn graph(&mut self, people: &dyn People) -> Graph {
        self.world.settle();
        Builder::new(&self.world, &self.holders, people, &|thread| thread.0).build(self.ticks)
    }

    /// What is judged now, when all that is has been so for long.
    pub(crate) fn judge(&mut self, people: &dyn People) -> (Graph, Vec<Verdict>) {
        let graph = self.graph(people);
        let verdicts = judge(&graph, &self.world, self.ticks);
        (graph, verdicts)
    }

    /// The kinds that are judged now, and whether each is proven.
    pub(crate) fn kinds(&mut self, people: &dyn People) -> Vec<(Kind, bool)> {
        self.judge(people).1.iter().map(|verdict| (verdict.kind, verdict.unless.is_empty())).collect()
    }
}

/// Keys on a way.
pub(crate) fn keys(graph: &Graph, way: &[crate::graph::NodeId]) -> Vec<Key> {
    way.iter().map(|id| graph.node(*id).key).collect()
}
