//! Processes that end: their fds go, and with the last name of an object the object.

use fencelab_abi::{FdClass, Kind, Request};

use super::space::SpaceId;
use super::state::State;
use crate::end::End;
use crate::id::{CallId, ProcessId, ThreadId};
use crate::payload::Payload;
use crate::process::Process;
use crate::{Call, Session};

/// The call of what no thread did.
const NO_THREAD: ThreadId = ThreadId(u32::MAX);

/// The end of a process in the manner of a call: of the thread that called exit, if one did.
pub(super) fn as_call<'r>(session: &Session, process: &Process, end: &End, ticks: u64) -> Call<'r> {
    let tid = end.tid.unwrap_or(process.pid);
    let thread = session.thread_of(process.id, tid).unwrap_or(NO_THREAD);
    Call {
        id: CallId { thread, index: u32::MAX },
        kind: Some(Kind::Exit),
        kind_number: Kind::Exit as u8,
        request: Request(end.how.status()),
        fd: -1,
        class: FdClass::Unknown,
        result: Some(0),
        flags: 0,
        enter: ticks,
        exit: Some(ticks),
        tid,
        beginning_lost: false,
        before: Payload::default(),
        after: Payload::default(),
    }
}

impl State {
    /// A child that shares its parent's memory is over.
    pub(super) fn borrower_ends(&mut self, space: SpaceId, pid: u32) {
        let users = self.spaces.get(space.0 as usize).map_or(&[][..], |space| &space.users);
        if let Some((program, _)) = users.iter().find(|(_, other)| *other == pid).copied() {
            self.death(ProcessId(program), pid);
        }
    }

    /// A process is over. What its fds led to stays where another process has it.
    pub(super) fn death(&mut self, id: ProcessId, pid: u32) {
        let key = (id.0, pid);
        let Some(&space) = self.space_of.get(&key) else { return };
        self.dead.insert(key);
        let Some(table) = self.spaces.get_mut(space.0 as usize) else { return };
        if table.users.iter().any(|user| !self.dead.contains(user)) {
            return;
        }
        table.left.clone_from(&table.fds);
        let mut fds: Vec<i32> = table.fds.keys().copied().collect();
        fds.sort_unstable();
        fds.into_iter().for_each(|fd| self.unbind_fd(space, fd));
    }
}
