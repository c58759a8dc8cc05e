//! What each operation does.

use super::fences::{Maker, Set};
use super::machine::Machine;
use super::thread::{Need, State, Waiting};
use crate::{Access, Kind, Name, Op, Target, Timeout};

impl Machine<'_> {
    /// Begins an operation of a thread, and ends it if it does not block.
    pub(super) fn perform(&mut self, index: usize, op: &Op) {
        let process = self.threads[index].process.clone();
        if !self.blocks(index, op) {
            self.act(&process, op);
            self.finish(index);
            match op {
                Op::Exit(_) => self.end(&process),
                Op::Kill(line) => self.end(&line.0),
                _ => {}
            }
        }
    }

    /// Puts a thread to sleep where its operation blocks.
    fn blocks(&mut self, index: usize, op: &Op) -> bool {
        let since = self.now;
        let until = |timeout: Timeout| match timeout {
            Timeout::Forever => None,
            Timeout::After(time) => Some(since + time.0),
        };
        let waiting = match op {
            Op::Wait(wait) => {
                let needs: Vec<Need> =
                    wait.points.iter().map(|target| self.need(target, Access::Read)).collect();
                // A wait on no fence is EINVAL without WAIT_FOR_SUBMIT.
                if needs.iter().any(|need| need.set.is_none()) && !wait.for_submit && !wait.available {
                    return false;
                }
                let (any, available) = (wait.any, wait.available);
                Waiting { needs, any, available, until: until(wait.timeout), since }
            }
            Op::Poll(poll) => {
                let needs = poll.files.iter().map(|target| self.need_now(target, Access::Read)).collect();
                Waiting { needs, any: true, available: false, until: until(poll.timeout), since }
            }
            Op::Access(cpu) => {
                let needs = vec![self.need_now(&cpu.buffer, cpu.access)];
                Waiting { needs, any: false, available: false, until: None, since }
            }
            Op::Commit(work) if work.blocking => {
                self.act(&self.threads[index].process.clone(), op);
                let fence = self.world.jobs.last().map(|job| job.fence);
                let needs = vec![Need { target: work.crtc.clone(), set: fence.map(|fence| vec![fence]) }];
                Waiting { needs, any: false, available: false, until: None, since }
            }
            Op::Receive(_) => {
                self.threads[index].state = State::Receiving;
                return true;
            }
            Op::Sleep(time) => {
                self.threads[index].state = State::Asleep(self.now + time.0);
                return true;
            }
            _ => return false,
        };
        self.threads[index].state = State::Waiting(waiting);
        true
    }

    fn need(&self, target: &Target, access: Access) -> Need {
        Need { target: target.clone(), set: self.world.held(target, access) }
    }

    /// What is not there is not waited for: the call is refused.
    fn need_now(&self, target: &Target, access: Access) -> Need {
        Need { target: target.clone(), set: Some(self.world.held(target, access).unwrap_or_default()) }
    }

    fn held(&self, target: &Target, access: Access) -> Option<Set> {
        self.world.held(target, access)
    }

    /// Does what does not block.
    fn act(&mut self, process: &Name, op: &Op) {
        for made in op.makes() {
            self.holds.entry(process.clone()).or_default().insert(made.object.clone());
        }
        match op {
            Op::Create(target) => self.world.make(&target.object),
            Op::Fence(what) => {
                let timeline = what.timeline.object.clone();
                let reached =
                    self.world.values.get(&timeline).is_some_and(|now| *now >= u64::from(what.value));
                let fence = self.world.fence(Maker::Timeline(timeline, u64::from(what.value)), reached);
                self.world.put(&what.to, Access::Read, vec![fence]);
            }
            Op::Signal(targets) => targets.iter().for_each(|target| self.signal(target)),
            Op::Reset(targets) => {
                for target in targets {
                    self.world.syncobjs.entry(target.object.clone()).or_default().reset();
                }
            }
            Op::Transfer(way) | Op::Export(way) | Op::Import(way) => {
                // Without a fence the kernel refuses.
                if let Some(set) = self.held(&way.from, way.access) {
                    self.world.put(&way.to, way.access, set);
                }
            }
            Op::Merge(merge) => {
                let of = |target: &Target| self.held(target, Access::Read).unwrap_or_default();
                let set = of(&merge.files.0).into_iter().chain(of(&merge.files.1)).collect();
                self.world.put(&merge.to, Access::Read, set);
            }
            Op::Attach(way) => {
                let fence = self.world.fence(Maker::Vgem, false);
                self.world.put(&way.from, way.access, vec![fence]);
                self.world.vgem.insert(way.to.object.clone(), fence);
            }
            Op::Submit(job) => {
                let waits =
                    job.waits.iter().flat_map(|target| self.held(target, Access::Read)).flatten().collect();
                let fence = self.world.submit(&job.queue.object, waits, job.lasts.0);
                job.signals.iter().for_each(|target| self.world.put(target, Access::Read, vec![fence]));
            }
            Op::Commit(work) => {
                let waits =
                    work.waits.iter().flat_map(|target| self.held(target, Access::Read)).flatten().collect();
                let fence = self.world.submit(&work.crtc.object, waits, 0);
                work.signals.iter().for_each(|target| self.world.put(target, Access::Read, vec![fence]));
            }
            Op::Send(sent) => {
                self.mail.push_back((process.clone(), sent.to.0.clone(), sent.object.object.clone()));
            }
            Op::Close(target) => {
                if let Some(held) = self.holds.get_mut(process) {
                    held.remove(&target.object);
                }
                self.bury();
            }
            Op::Start(line) => {
                let names = self.scenario.processes.keys();
                self.started.extend(names.filter(|name| **name == line.0));
            }
            _ => {}
        }
    }

    fn signal(&mut self, target: &Target) {
        let name = &target.object;
        match self.world.kind(name) {
            Some(Kind::Timeline) => self.world.advance(name, target.number),
            Some(Kind::VgemFence) => {
                if let Some(fence) = self.world.vgem.get(name).copied() {
                    self.world.fences[fence].signalled = true;
                }
            }
            _ => self.world.put(target, Access::Read, Vec::new()),
        }
    }

    /// A process is gone.
    fn end(&mut self, process: &Name) {
        for thread in self.threads.iter_mut().filter(|thread| thread.process == process) {
            thread.state = State::Ended;
        }
        self.gone.insert(process.clone());
        self.bury();
    }
}
