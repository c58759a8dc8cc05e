//! Jobs and commits.

use fencelab_scenario::{Access, Duration, Kind, Name, Object, Op, Poll, Submit, Target, Timeout, Way, Work};
use fencelab_trace::model::{ObjectId, Target as Recorded};

use super::calls::Did;
use super::steps::{Reading, as_whose};

/// Jobs last so long of which no record tells how long they lasted.
const JOB: Duration = Duration::ms(1);

/// What a job has to do with.
#[derive(Default)]
struct Ends {
    waits: Vec<Target>,
    signals: Vec<Target>,
    buffers: Vec<(Target, Access)>,
}

impl Reading<'_, '_, '_> {
    /// A job or a commit. What it does to buffers that others have too goes through sync_files.
    pub(super) fn job(
        &mut self,
        queue: Option<ObjectId>,
        fence: ObjectId,
        waits: &[Recorded],
        signals: &[Recorded],
    ) -> Vec<Op> {
        let out = self.call.did.iter().filter_map(|did| match did {
            Did::Copy { from: Recorded::Fence(of), to } if *of == fence => Some(*to),
            _ => None,
        });
        let out: Vec<Recorded> = out.collect();
        let commits = self.call.name.contains("MODE_");
        // Of a queue that is not known, at least the open file is.
        let queue = queue.or_else(|| self.naming.parent(fence));
        if let Some(display) = queue.filter(|queue| self.naming.is_display(*queue)) {
            return self.commit(display, waits, &out);
        }
        let queue = queue.and_then(|queue| self.naming.of(queue)).or_else(|| self.own_queue(commits));
        let Some(queue) = queue else { return self.left_out("jobs on a queue that is not known") };
        let ends = self.ends(waits, signals, &out);
        let lasted = self.naming.lasted(self.call.id);
        self.fidelity.replace(match (commits, lasted) {
            (true, Some(_)) => "commits by jobs that last as long",
            (true, None) => "commits by jobs of 1 ms",
            (false, Some(_)) => "jobs by ones that last as long",
            (false, None) => "jobs by ones of 1 ms",
        });
        self.submitted(&queue, ends, lasted.unwrap_or(JOB), commits && self.blocks())
    }

    fn ends(&mut self, waits: &[Recorded], signals: &[Recorded], out: &[Recorded]) -> Ends {
        let mut ends = Ends::default();
        for wait in waits {
            match self.naming.target(*wait) {
                Some(target) => ends.waits.push(target),
                None => self.fidelity.leave_out("in-fences that are no sync_file and no point"),
            }
        }
        for target in signals.iter().chain(out) {
            match (target, self.naming.target(*target)) {
                (Recorded::Buffer(_, access), Some(buffer)) => ends.buffers.push((buffer, as_whose(*access))),
                // A buffer that nobody else has orders nothing that its queue does not.
                (Recorded::Buffer(..), None) => {}
                (_, Some(target)) => ends.signals.push(target),
                (_, None) => self.fidelity.leave_out("out-fences that are no sync_file and no point"),
            }
        }
        ends
    }

    fn submitted(&mut self, queue: &Name, ends: Ends, lasts: Duration, blocks: bool) -> Vec<Op> {
        let Ends { mut waits, mut signals, buffers } = ends;
        let mut ops = Vec::new();
        for (index, (buffer, access)) in buffers.iter().enumerate() {
            let file = self.naming.invent(&format!("{queue}_waits_{index}"), Object::of(Kind::SyncFile));
            if let Some(file) = file.map(Target::of) {
                ops.push(Op::Export(Way { from: buffer.clone(), to: file.clone(), access: *access }));
                waits.push(file);
            }
        }
        let needed = blocks || !buffers.is_empty();
        let done = needed.then(|| self.naming.invent(&format!("{queue}_done"), Object::of(Kind::SyncFile)));
        let done = done.flatten().map(Target::of);
        signals.extend(done.clone());
        ops.push(Op::Submit(Submit { queue: Target::of(queue.clone()), waits, signals, lasts }));
        for (buffer, access) in buffers {
            ops.extend(done.clone().map(|done| Op::Import(Way { from: done, to: buffer, access })));
        }
        if blocks {
            ops.extend(done.map(|done| Op::Poll(Poll { files: vec![done], timeout: Timeout::Forever })));
        }
        ops
    }

    /// The queue of what names none.
    fn own_queue(&mut self, commits: bool) -> Option<Name> {
        let name = if commits { "commits" } else { "jobs" };
        let device = self.naming.jobs_device();
        self.naming.invent(name, Object::on(Kind::Queue, &device))
    }

    /// Whether a commit returns when it is done: an atomic one without DRM_MODE_ATOMIC_NONBLOCK.
    fn blocks(&self) -> bool {
        const NONBLOCK: u32 = 0x200;
        self.call.name.ends_with("MODE_ATOMIC") && self.call.words_in[0] & NONBLOCK == 0
    }

    /// A commit to a display, as one.
    fn commit(&mut self, display: ObjectId, waits: &[Recorded], out: &[Recorded]) -> Vec<Op> {
        let Some(crtc) = self.naming.of(display).map(Target::of) else { return Vec::new() };
        let waits = waits.iter().find_map(|wait| self.naming.target(*wait));
        let signals = out.iter().find_map(|out| self.naming.target(*out));
        let blocking = self.blocks();
        self.kept(Op::Commit(Work { crtc, waits, signals, blocking }))
    }
}
