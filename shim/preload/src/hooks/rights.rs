//! fds that travel between processes: SCM_RIGHTS, pidfd_getfd.

use core::ffi::{c_int, c_uint, c_void};

use fencelab_abi::kind::MSG_CTRUNC;
use fencelab_abi::{FdClass, Kind};

use super::{Part, Timed, begin, brought, head, timed, write};
use crate::readable::{self, load};
use crate::{clock, fds, real};

/// The kernel's SCM_MAX_FD.
const MOST: usize = 253;

/// Size of struct mmsghdr: a struct msghdr of 56 bytes, and how much of its data went.
const NEXT: usize = 64;

/// `ssize_t sendmsg(int socket, const struct msghdr *message, int flags)`.
#[inline]
pub fn sendmsg(namespace: usize, socket: c_int, message: *const c_void, flags: c_int) -> isize {
    let make = || real!(namespace, Sendmsg, fn(c_int, *const c_void, c_int) -> isize, socket, message, flags);
    one(namespace, Kind::Send, socket, message as usize, flags, make)
}

/// `ssize_t recvmsg(int socket, struct msghdr *message, int flags)`.
#[inline]
pub fn recvmsg(namespace: usize, socket: c_int, message: *mut c_void, flags: c_int) -> isize {
    let make = || real!(namespace, Recvmsg, fn(c_int, *mut c_void, c_int) -> isize, socket, message, flags);
    one(namespace, Kind::Receive, socket, message as usize, flags, make)
}

#[inline]
fn one(
    namespace: usize,
    kind: Kind,
    socket: c_int,
    message: usize,
    flags: c_int,
    make: impl FnOnce() -> isize,
) -> isize {
    // SAFETY: looked at first.
    if readable::stays(message, 56) && !unsafe { has_control(message) } {
        return make();
    }
    let enter = begin();
    let result = make();
    if result >= 0 {
        carried(namespace, kind, [socket, flags], message, 1, enter);
    }
    result
}

/// `int sendmmsg(int socket, struct mmsghdr *messages, unsigned count, int flags)`.
pub fn sendmmsg(
    namespace: usize,
    socket: c_int,
    messages: *mut c_void,
    count: c_uint,
    flags: c_int,
) -> c_int {
    let enter = begin();
    let result = real!(
        namespace,
        Sendmmsg,
        fn(c_int, *mut c_void, c_uint, c_int) -> c_int,
        socket,
        messages,
        count,
        flags
    );
    carried(namespace, Kind::Send, [socket, flags], messages as usize, result, enter);
    result
}

/// `int recvmmsg(int socket, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout)`.
pub fn recvmmsg(
    namespace: usize,
    socket: c_int,
    messages: *mut c_void,
    count: c_uint,
    flags: c_int,
    timeout: *mut c_void,
) -> c_int {
    let enter = begin();
    let result = real!(
        namespace,
        Recvmmsg,
        fn(c_int, *mut c_void, c_uint, c_int, *mut c_void) -> c_int,
        socket,
        messages,
        count,
        flags,
        timeout
    );
    carried(namespace, Kind::Receive, [socket, flags], messages as usize, result, enter);
    result
}

/// Whether a message has room for a control message (struct msghdr: control at 32, its length at 40).
///
/// # Safety
///
/// The message is there.
unsafe fn has_control(message: usize) -> bool {
    // SAFETY: as promised.
    unsafe { load(message + 32, 8) != 0 && load(message + 40, 8) >= 20 }
}

/// Records the fds of messages that went, or came, by a call that has succeeded: all that it named is there.
#[inline(never)]
fn carried(namespace: usize, kind: Kind, call: [c_int; 2], messages: usize, count: c_int, enter: u64) {
    let [socket, flags] = call;
    let call = Timed { result: 0, enter, exit: clock::now() };
    for message in (0..count.max(0) as usize).map(|at| messages + at * NEXT) {
        let mut list = [0; MOST];
        // SAFETY: the kernel has read it.
        let count = unsafe { if has_control(message) { rights(message, &mut list) } else { 0 } };
        let fds = list.get(..count).unwrap_or(&[]);
        let cut = if kind == Kind::Receive { received(socket, fds, message) } else { 0 };
        if count > 0 || cut != 0 {
            write(&head(namespace, kind, socket, flags as u32 | cut, &call), &[Part::fds(fds)]);
        }
    }
}

/// Takes note of fds that came by a socket. Whether the message was cut, as the kernel says it: MSG_CTRUNC or 0.
fn received(socket: c_int, fds: &[c_int], message: usize) -> u32 {
    if fds::class(socket) == FdClass::Foreign {
        fds::set(socket, FdClass::Socket);
    }
    fds.iter().for_each(|fd| fds::set(*fd, FdClass::Foreign));
    // SAFETY: the kernel has written it (struct msghdr: flags at 48).
    unsafe { load(message + 48, 4) as u32 & MSG_CTRUNC }
}

/// The fds in a message's control messages (struct cmsghdr: length, level, type; data at 16).
///
/// # Safety
///
/// They are there.
unsafe fn rights(message: usize, list: &mut [c_int; MOST]) -> usize {
    const HEADER: usize = 16;
    const SOL_SOCKET: u64 = 1;
    const SCM_RIGHTS: u64 = 1;
    // SAFETY: as promised.
    let (start, len) = unsafe { (load(message + 32, 8) as usize, load(message + 40, 8) as usize) };
    let (mut at, mut count) = (0, 0);
    while at + HEADER <= len {
        // SAFETY: below `len`.
        let (size, level, kind) =
            unsafe { (load(start + at, 8) as usize, load(start + at + 8, 4), load(start + at + 12, 4)) };
        if size < HEADER || size > len - at {
            break;
        }
        if (level, kind) == (SOL_SOCKET, SCM_RIGHTS) {
            for place in (at + HEADER..at + size - 3).step_by(4) {
                let Some(entry) = list.get_mut(count) else { return count };
                // SAFETY: as above.
                *entry = unsafe { load(start + place, 4) as c_int };
                count += 1;
            }
        }
        at += size.next_multiple_of(8);
    }
    count
}

/// `int pidfd_open(pid_t pid, unsigned flags)`.
pub fn pidfd_open(namespace: usize, pid: c_int, flags: c_uint) -> c_int {
    let call = timed(|| real!(namespace, PidfdOpen, fn(c_int, c_uint) -> c_int, pid, flags));
    brought(call.result, FdClass::Pidfd);
    write(&head(namespace, Kind::PidfdOpen, call.result, pid as u32, &call), &[]);
    call.result
}

/// `int pidfd_getfd(int pidfd, int fd, unsigned flags)`.
pub fn pidfd_getfd(namespace: usize, pidfd: c_int, fd: c_int, flags: c_uint) -> c_int {
    let call = timed(|| real!(namespace, PidfdGetfd, fn(c_int, c_int, c_uint) -> c_int, pidfd, fd, flags));
    brought(call.result, FdClass::Foreign);
    write(&head(namespace, Kind::PidfdGetfd, pidfd, fd as u32, &call), &[]);
    call.result
}
