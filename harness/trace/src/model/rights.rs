//! fds that travel between processes: over sockets, and by pidfd_getfd.

use std::collections::VecDeque;

use fencelab_abi::FdClass;
use fencelab_abi::kind::{MSG_CTRUNC, MSG_PEEK};
use fencelab_abi::section::ADDRESS;

use super::effect::Effect;
use super::object::{ObjectId, ObjectKind, Origin};
use super::space::{Entry, SpaceId};
use super::state::State;
use crate::Call;

/// A socket, as far as fds travel on it.
#[derive(Clone, Debug, Default)]
pub(super) struct Socket {
    /// The other end.
    peer: Option<ObjectId>,
    /// Messages sent from here that nobody has received: what was in each.
    sent: VecDeque<Vec<Option<Entry>>>,
    /// Of a listening socket: those that have connected and were not accepted.
    waiting: VecDeque<ObjectId>,
}

impl Socket {
    /// The other end, if that is known.
    pub(super) fn peer(&self) -> Option<ObjectId> {
        self.peer
    }

    /// What was sent from here and not received.
    pub(super) fn in_flight(&self) -> impl Iterator<Item = ObjectId> {
        self.sent.iter().flatten().flatten().map(|entry| entry.object)
    }
}

impl State {
    fn socket(&mut self, space: SpaceId, fd: i32) -> Option<ObjectId> {
        let id = self.fd_of(space, fd, FdClass::Socket, Origin::Unseen)?;
        self.sockets.entry(id).or_default();
        Some(id)
    }

    fn new_socket(&mut self, space: SpaceId, fd: i32) -> ObjectId {
        let object = self.meet(ObjectKind::Socket, Origin::Made, None);
        self.sockets.insert(object, Socket::default());
        self.bind_fd(space, fd, Entry { object, class: FdClass::Socket, cloexec: false });
        object
    }

    fn join(&mut self, one: ObjectId, other: ObjectId) {
        for (one, other) in [(one, other), (other, one)] {
            self.sockets.entry(one).or_default().peer = Some(other);
        }
    }

    pub(super) fn socket_pair(&mut self, space: SpaceId, call: &Call<'_>) {
        let ends: Vec<ObjectId> = call.fds().map(|fd| self.new_socket(space, fd)).collect();
        if let [one, other] = ends[..] {
            self.join(one, other);
        }
    }

    pub(super) fn bind_address(&mut self, space: SpaceId, call: &Call<'_>) {
        let Some(socket) = self.socket(space, call.fd) else { return };
        self.used(socket);
        if let Some(address) = call.section(ADDRESS) {
            self.listeners.insert(name(address), socket);
        }
    }

    /// A connection is there before it is accepted, and fds may already be sent on it.
    pub(super) fn connect(&mut self, space: SpaceId, call: &Call<'_>) {
        let Some(socket) = self.socket(space, call.fd) else { return };
        self.used(socket);
        let listener = call.section(ADDRESS).and_then(|address| self.listeners.get(&name(address)).copied());
        if let Some(listener) = listener.and_then(|listener| self.sockets.get_mut(&listener)) {
            listener.waiting.push_back(socket);
        }
    }

    pub(super) fn accept(&mut self, space: SpaceId, call: &Call<'_>, fd: i32) {
        let Some(listener) = self.socket(space, call.fd) else { return };
        let accepted = self.new_socket(space, fd);
        let connected = self.sockets.get_mut(&listener).and_then(|listener| listener.waiting.pop_front());
        if let Some(connected) = connected {
            self.join(accepted, connected);
        }
    }

    pub(super) fn send(&mut self, space: SpaceId, call: &Call<'_>) {
        let Some(socket) = self.socket(space, call.fd) else { return };
        self.used(socket);
        let message: Vec<Option<Entry>> = call.fds().map(|fd| self.entry(space, fd)).collect();
        for entry in message.iter().flatten() {
            self.hold(entry.object);
            self.effects.push(Effect::Sent(entry.object, socket));
        }
        if let Some(socket) = self.sockets.get_mut(&socket) {
            socket.sent.push_back(message);
        }
    }

    pub(super) fn receive(&mut self, space: SpaceId, call: &Call<'_>) {
        let Some(socket) = self.socket(space, call.fd) else { return };
        let fds: Vec<i32> = call.fds().collect();
        let message = self.message(socket, fds.len(), call.request.0);
        for (index, &fd) in fds.iter().enumerate() {
            match message.get(index).copied().flatten() {
                Some(entry) => {
                    self.effects.push(Effect::Received(entry.object, socket));
                    self.bind_fd(space, fd, Entry { cloexec: false, ..entry });
                }
                // What it is will be seen when it is used.
                None => self.unbind_fd(space, fd),
            }
        }
        if call.request.0 & MSG_PEEK == 0 {
            message.iter().flatten().for_each(|entry| self.release(entry.object));
        }
    }

    /// The next message for a socket with so many fds, or with more where there was no room for all. Earlier ones were received
    /// out of sight. One that is only looked at stays.
    fn message(&mut self, socket: ObjectId, count: usize, flags: u32) -> Vec<Option<Entry>> {
        let fits = |len: usize| if flags & MSG_CTRUNC != 0 { len > count } else { len == count };
        let peer = self.sockets.get(&socket).and_then(|socket| socket.peer);
        let Some(peer) = peer.and_then(|peer| self.sockets.get_mut(&peer)) else { return Vec::new() };
        let Some(at) = peer.sent.iter().position(|message| fits(message.len())) else { return Vec::new() };
        let skipped: Vec<Vec<Option<Entry>>> = peer.sent.drain(..at).collect();
        let message = if flags & MSG_PEEK != 0 { peer.sent.front().cloned() } else { peer.sent.pop_front() };
        let message = message.unwrap_or_default();
        for entry in skipped.into_iter().flatten().flatten() {
            self.release(entry.object);
        }
        message
    }

    pub(super) fn pidfd_open(&mut self, space: SpaceId, pid: u32, fd: i32) {
        let object = self.meet(ObjectKind::Pidfd, Origin::Made, None);
        self.pidfds.insert(object, pid);
        self.bind_fd(space, fd, Entry { object, class: FdClass::Pidfd, cloexec: true });
    }

    /// pidfd_getfd: the other process's fd becomes one of ours.
    pub(super) fn pidfd_get(&mut self, space: SpaceId, pidfd: i32, theirs: i32, fd: i32) {
        let pidfd = self.fd_of(space, pidfd, FdClass::Pidfd, Origin::Unseen);
        let pid = pidfd.and_then(|pidfd| self.pidfds.get(&pidfd).copied());
        let other = pid.and_then(|pid| self.newest_space(pid));
        match other.and_then(|other| self.entry(other, theirs)) {
            Some(entry) => self.bind_fd(space, fd, Entry { cloexec: true, ..entry }),
            None => self.unbind_fd(space, fd),
        }
    }
}

/// An address as a key: a path ends with NUL or not.
fn name(address: &[u8]) -> Vec<u8> {
    if address.first() == Some(&0) {
        return address.to_vec();
    }
    address.iter().copied().take_while(|&byte| byte != 0).collect()
}
