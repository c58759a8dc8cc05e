//! The objects that calls make, use, send to each other and end, followed through every process in one order.
//!
//! [`Model`] walks a session. Each step is the beginning or the end of a call, with its [`Effect`]s on [`Object`]s. An object
//! keeps its id whatever numbers processes know it by; one whose origin was not seen is opaque, and says so.

mod action;
mod ahead;
mod birth;
mod bits;
mod death;
mod effect;
mod lookup;
mod mark;
mod names;
mod object;
mod order;
mod rights;
mod roles;
mod scene;
mod space;
mod state;
mod submit;
mod sync;
pub(crate) mod until;
mod wait;

use std::io;

use fencelab_abi::{FdClass, Ioctl, Kind, flags};

pub(crate) use action::Action;
pub use effect::{Access, Effect, Name, Target, Targets, Until};
pub use lookup::Holder;
pub use mark::Mark;
pub use names::EventNames;
pub use object::{Object, ObjectId, ObjectKind, Objects, Origin};

use crate::id::{CallId, ProcessId};
use crate::{Call, Reader, Session};
use ahead::Ahead;
use order::{Step, Steps};
use scene::Scene;
use space::SpaceId;
use state::State;

/// Which part of a call a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It is made.
    Begin,
    /// It has returned.
    End,
}

/// One step of the walk.
pub struct Event<'m> {
    /// Which part of the call.
    pub moment: Moment,
    /// Ticks when it is.
    pub ticks: u64,
    /// The call. Its result is known at its beginning already, if it has returned.
    pub call: Call<'m>,
    /// Which ioctl it is, if it is one and known.
    pub ioctl: Option<&'static Ioctl>,
    /// What it does, in this order.
    pub effects: &'m [Effect],
    /// What effects' ranges are of.
    pub targets: &'m [Target],
    state: &'m State,
    space: SpaceId,
    file: Option<ObjectId>,
    ns: u64,
    ended: Option<ProcessId>,
}

impl Event<'_> {
    /// The targets of an effect.
    pub fn targets_of(&self, range: &Targets) -> &[Target] {
        self.targets.get(range.start as usize..range.end as usize).unwrap_or_default()
    }

    /// CLOCK_MONOTONIC when the call was made, in nanoseconds.
    pub fn entered_ns(&self) -> u64 {
        self.ns
    }

    /// All objects.
    pub fn objects(&self) -> &Objects {
        &self.state.objects
    }

    /// The process that has ended, if that is what the step is: then `call` is of [`Kind::Exit`], stands for the end and is in no
    /// [`Session::calls`]; its thread is the one that called exit, if one did and made other calls. `effects` are those of its
    /// fds' being closed, if it is known to be gone. See [`crate::Process::ended`].
    pub fn ended(&self) -> Option<ProcessId> {
        self.ended
    }

    /// What the call was made on, if it is an ioctl on a known file.
    pub fn file(&self) -> Option<ObjectId> {
        self.file
    }
}

/// Where the walk has come to, at those ticks.
enum Stepped {
    Call(u64, Moment),
    Death(u64, ProcessId),
}

/// The walk through a session's calls, and what is known at the moment where it stands.
pub struct Model {
    state: State,
    /// Where it stands; while another thread reads ahead of it, where that began.
    steps: Steps,
    reader: Reader,
    ahead: Option<Ahead>,
    lost: u64,
    /// Ticks up to which it has come.
    reached: u64,
}

impl Model {
    /// A walk from the session's beginning.
    pub fn new(session: &Session) -> Self {
        let mut steps = Steps::default();
        steps.refresh(session);
        Self { state: State::default(), steps, reader: session.reader(), ahead: None, lost: 0, reached: 0 }
    }

    /// Takes in what a live session has come to hold, after [`Session::refresh`]. What comes later than what was walked
    /// already is walked next.
    pub fn refresh(&mut self, session: &Session) {
        self.steps.refresh(session);
        self.reader = session.reader();
    }

    /// The next step. `None`: there is none, or none yet.
    ///
    /// # Errors
    ///
    /// When the pool can no longer be read.
    pub fn next<'m>(&'m mut self, session: &Session) -> io::Result<Option<Event<'m>>> {
        self.next_until(session, u64::MAX)
    }

    /// As [`Model::next`], up to that tick.
    ///
    /// # Errors
    ///
    /// As [`Model::next`].
    pub fn next_until<'m>(&'m mut self, session: &Session, until: u64) -> io::Result<Option<Event<'m>>> {
        let (ticks, moment) = match self.step(session, until)? {
            None => return Ok(None),
            Some(Stepped::Call(ticks, moment)) => (ticks, moment),
            Some(Stepped::Death(ticks, process)) => return Ok(self.death(session, ticks, process)),
        };
        let call = self.ahead.as_ref().map_or_else(|| self.reader.loaded(), Ahead::call);
        let Some(call) = call else { return Ok(None) };
        let ns = session.clock().ns(call.enter);
        self.state.begin(call.id);
        let space = self.state.space_of_thread(session, call.id.thread);
        let pid = session.thread(call.id.thread).map_or(0, |thread| thread.pid);
        let (ioctl, file) = self.state.apply(&call, moment, space, pid, ns);
        let (effects, targets) = (&self.state.effects, &self.state.targets);
        let (state, ended) = (&self.state, None);
        Ok(Some(Event { moment, ticks, call, ioctl, effects, targets, state, space, file, ns, ended }))
    }

    /// The step of a process's end.
    fn death<'m>(&'m mut self, session: &Session, ticks: u64, id: ProcessId) -> Option<Event<'m>> {
        let process = session.process(id)?;
        let end = process.ended()?;
        let call = death::as_call(session, process, end, ticks);
        self.state.begin(call.id);
        let space = self.state.space_of.get(&(id.0, process.pid)).copied().unwrap_or(SpaceId(u32::MAX));
        if end.gone {
            self.state.death(id, process.pid);
        }
        Some(Event {
            moment: Moment::End,
            ticks,
            call,
            ioctl: None,
            effects: &self.state.effects,
            targets: &self.state.targets,
            state: &self.state,
            space,
            file: None,
            ns: session.clock().ns(ticks),
            ended: Some(id),
        })
    }

    /// Walks to the next call's beginning or end, and reads that call; or to a process's end.
    fn step(&mut self, session: &Session, until: u64) -> io::Result<Option<Stepped>> {
        while let Some((ticks, step, is_read)) = self.advance(session, until)? {
            self.reached = self.reached.max(ticks);
            let moment = match step {
                Step::Begin(_) => Moment::Begin,
                Step::End(_) => Moment::End,
                Step::Birth(process) => {
                    self.state.begin(CallId { thread: crate::ThreadId(u32::MAX), index: 0 });
                    if let Some(process) = session.process(process) {
                        self.state.birth(session, process);
                    }
                    continue;
                }
                Step::Death(process) => return Ok(Some(Stepped::Death(ticks, process))),
            };
            if is_read {
                return Ok(Some(Stepped::Call(ticks, moment)));
            }
            self.lost += 1;
        }
        Ok(None)
    }

    /// The next step, and whether it has a call that could be read.
    fn advance(&mut self, session: &Session, until: u64) -> io::Result<Option<(u64, Step, bool)>> {
        if let Some(ahead) = &mut self.ahead {
            return ahead.next(until);
        }
        let Some((ticks, step)) = self.steps.next(session, until) else { return Ok(None) };
        let is_read = step.call().map_or(Ok(false), |id| self.reader.load(session, id))?;
        Ok(Some((ticks, step, is_read)))
    }

    /// All objects met so far.
    pub fn objects(&self) -> &Objects {
        &self.state.objects
    }

    /// Calls whose records newer ones had taken the place of by the time the walk came to them.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// The path and driver of an open DRM file.
    pub fn device(&self, file: ObjectId) -> Option<(&str, &str)> {
        self.state.files.get(&file).map(|file| (file.path.as_str(), file.driver_name.as_str()))
    }

    /// The dma-buf that a GEM object was exported as or imported from.
    pub fn dma_buf(&self, gem: ObjectId) -> Option<ObjectId> {
        self.state.dma_bufs.get(&gem).copied()
    }
}

impl State {
    /// Does to the objects what a call does at its beginning or end.
    fn apply(
        &mut self,
        call: &Call<'_>,
        moment: Moment,
        space: SpaceId,
        pid: u32,
        ns: u64,
    ) -> (Option<&'static Ioctl>, Option<ObjectId>) {
        self.settle(space, call.kind);
        if call.kind == Some(Kind::Ioctl) {
            return self.ioctl(call, moment, space, ns);
        }
        match moment {
            Moment::Begin => self.begin_other(call, space, pid, ns),
            Moment::End => self.end_other(call, space),
        }
        (None, None)
    }

    fn begin_other(&mut self, call: &Call<'_>, space: SpaceId, pid: u32, ns: u64) {
        /// close of an fd that is none.
        const EBADF: i32 = -9;
        match call.kind {
            Some(Kind::Close) if call.result != Some(EBADF) => {
                self.close_fd(space, call.fd, call.class);
            }
            Some(Kind::CloseRange) if call.result.is_none_or(|result| result >= 0) => {
                self.close_range(space, call.fd as u32, call.request.0);
            }
            Some(Kind::Send) if call.result.is_none_or(|result| result >= 0) => self.send(space, call),
            Some(Kind::Connect) if call.result.is_none_or(|result| result >= 0) => self.connect(space, call),
            Some(Kind::PollEnter) => self.poll(space, call, ns),
            Some(Kind::Fork | Kind::Vfork | Kind::Spawn) => self.fork(space, call),
            Some(Kind::Exec) => self.exec(space, pid, call),
            Some(Kind::Exit) => self.borrower_ends(space, pid),
            Some(Kind::Dup) if !self.is_unfollowed(space, call.fd) => {
                self.use_fd(space, call.fd, call.class);
            }
            _ => {}
        }
    }

    fn end_other(&mut self, call: &Call<'_>, space: SpaceId) {
        let Some(result) = call.result else { return };
        if call.kind == Some(Kind::PollEnter) {
            self.effects.push(Effect::Woken(result));
            return;
        }
        if result < 0 {
            return;
        }
        match call.kind {
            Some(Kind::Open) => self.open(space, call, result),
            Some(Kind::Dup) => self.dup(space, call, result),
            Some(Kind::Receive) => self.receive(space, call),
            Some(Kind::SocketPair) => self.socket_pair(space, call),
            Some(Kind::Bind) => self.bind_address(space, call),
            Some(Kind::Accept) => self.accept(space, call, result),
            Some(Kind::PidfdOpen) => self.pidfd_open(space, call.request.0, result),
            Some(Kind::PidfdGetfd) => self.pidfd_get(space, call.fd, call.request.0 as i32, result),
            Some(Kind::Inherited) => self.inherited(space, call),
            _ => {}
        }
    }

    fn close_range(&mut self, space: SpaceId, first: u32, last: u32) {
        let Some(table) = self.spaces.get(space.0 as usize) else { return };
        let inside = |fd: &&i32| u32::try_from(**fd).is_ok_and(|fd| (first..=last).contains(&fd));
        let mut fds: Vec<i32> = table.fds.keys().chain(&table.unfollowed).filter(inside).copied().collect();
        fds.sort_unstable();
        fds.into_iter().for_each(|fd| self.unbind_fd(space, fd));
    }

    /// dup of an fd onto itself changes nothing.
    fn dup(&mut self, space: SpaceId, call: &Call<'_>, fd: i32) {
        const F_DUPFD_CLOEXEC: u32 = 1030;
        const O_CLOEXEC: u32 = 0x8_0000;
        if fd == call.fd {
            return;
        }
        match self.entry(space, call.fd) {
            Some(entry) => {
                let cloexec = call.request.0 == F_DUPFD_CLOEXEC || call.request.0 & O_CLOEXEC != 0;
                self.bind_fd(space, fd, space::Entry { cloexec, ..entry });
            }
            None => self.leave_fd(space, fd),
        }
    }

    fn ioctl(
        &mut self,
        call: &Call<'_>,
        moment: Moment,
        space: SpaceId,
        ns: u64,
    ) -> (Option<&'static Ioctl>, Option<ObjectId>) {
        let entry = self.entry(space, call.fd);
        let known = call.known(|| entry.map_or(call.class, |entry| self.class_of(entry)));
        let Some(known) = known else { return (None, entry.map(|entry| entry.object)) };
        let class = class_of_request(call, known.ioctl);
        // What answers "no such ioctl" is not what the ioctl is for.
        const ENOTTY: i32 = -25;
        const EBADF: i32 = -9;
        // Fault mode answered in the kernel's place.
        let unmade = call.flags & flags::FAULT != 0;
        let refused = unmade || matches!(call.result, Some(ENOTTY | EBADF));
        if refused {
            return (Some(known.ioctl), entry.map(|entry| entry.object));
        }
        let Some(file) = self.entry_of(entry, (space, call.fd), class, Origin::Unseen) else {
            return (Some(known.ioctl), None);
        };
        let scene = Scene { call, known, space, file, ns };
        match moment {
            Moment::Begin => self.ioctl_begins(&scene),
            Moment::End => self.ioctl_ends(&scene),
        }
        (Some(known.ioctl), Some(file))
    }

    /// The class of what an fd leads to, with the driver as it was learnt since.
    fn class_of(&self, entry: space::Entry) -> FdClass {
        match self.files.get(&entry.object).and_then(|file| file.driver) {
            Some(driver) => FdClass::Drm(driver),
            None => entry.class,
        }
    }

    fn ioctl_begins(&mut self, scene: &Scene<'_, '_>) {
        if scene.known.action == Action::VgemSignal && scene.may_succeed() {
            self.vgem_signal(scene);
        }
        self.roles_at_begin(scene);
        if self.effects.is_empty() {
            self.used(scene.file);
        }
        self.wait(scene);
        if !scene.may_succeed() {
            return;
        }
        match scene.known.action {
            Action::Submit | Action::AmdgpuSubmit => self.submit(scene),
            Action::Commit => self.commit(scene),
            // AMDGPU_CTX_OP_FREE_CTX, AMDGPU_BO_LIST_OP_DESTROY.
            Action::AmdgpuContext if scene.input("in.op") == 2 => {
                self.end_handle(scene, ObjectKind::Queue, scene.input("in.ctx_id"));
            }
            Action::AmdgpuBoList if scene.input("in.operation") == 1 => {
                self.end_handle(scene, ObjectKind::BoList, scene.input("in.list_handle"));
            }
            _ => self.sync_at_begin(scene),
        }
    }

    fn ioctl_ends(&mut self, scene: &Scene<'_, '_>) {
        self.woken(scene);
        if !scene.call.succeeded() {
            self.forget();
            return;
        }
        self.roles_at_end(scene);
        self.sync_at_end(scene);
        if scene.known.action == Action::Commit {
            self.out_fences(scene);
        }
        self.forget();
    }
}

/// What an ioctl that was not refused shows its fd to be.
fn class_of_request(call: &Call<'_>, ioctl: &Ioctl) -> FdClass {
    match (ioctl.key.0, ioctl.driver) {
        (fencelab_abi::ioctl::DRM, Some(driver)) => FdClass::Drm(driver),
        (fencelab_abi::ioctl::DRM, None) => match call.class {
            class @ FdClass::Drm(_) => class,
            _ => FdClass::Drm(fencelab_abi::Driver::Other),
        },
        (letter, _) => match FdClass::of_letter(letter) {
            FdClass::Unknown => call.class,
            class => class,
        },
    }
}
