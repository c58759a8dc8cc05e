//! fds that travel between processes: SCM_RIGHTS, pidfd_getfd.

use core::ffi::{c_int, c_uint, c_void};

use fencelab_abi::kind::MSG_CTRUNC;
use fencelab_abi::{FdClass, Kind};

use super::{Part, brought, head, timed, write};
use crate::readable::{self, Trust, load};
use crate::{fds, real, ring};

/// The kernel's SCM_MAX_FD.
const MOST: usize = 253;

/// `ssize_t sendmsg(int socket, const struct msghdr *message, int flags)`.
#[inline]
pub fn sendmsg(namespace: usize, socket: c_int, message: *const c_void, flags: c_int) -> isize {
    let make = || real!(namespace, Sendmsg, fn(c_int, *const c_void, c_int) -> isize, socket, message, flags);
    if has_control(message as usize) { sent(namespace, socket, message as usize, make) } else { make() }
}

/// Whether a message has room for a control message (struct msghdr: control at 32, its length at 40).
#[inline]
fn has_control(message: usize) -> bool {
    // SAFETY: checked first.
    readable::check(message, 56, Trust::Look)
        && unsafe { load(message + 32, 8) != 0 && load(message + 40, 8) >= 20 }
}

#[cold]
fn sent(namespace: usize, socket: c_int, message: usize, make: impl FnOnce() -> isize) -> isize {
    let mut list = [0; MOST];
    let count = rights(message, Trust::Look, &mut list);
    ring::thread();
    let mut result = 0;
    let call = timed(|| {
        result = make();
        if result < 0 { -1 } else { 0 }
    });
    if count > 0 {
        write(&head(namespace, Kind::Send, socket, 0, &call), &[Part::fds(&list[..count])]);
    }
    result
}

/// `ssize_t recvmsg(int socket, struct msghdr *message, int flags)`.
#[inline]
pub fn recvmsg(namespace: usize, socket: c_int, message: *mut c_void, flags: c_int) -> isize {
    let make = || real!(namespace, Recvmsg, fn(c_int, *mut c_void, c_int) -> isize, socket, message, flags);
    if has_control(message as usize) {
        received(namespace, [socket, flags], message as usize, make)
    } else {
        make()
    }
}

#[cold]
fn received(
    namespace: usize,
    [socket, flags]: [c_int; 2],
    message: usize,
    make: impl FnOnce() -> isize,
) -> isize {
    ring::thread();
    let mut result = 0;
    let call = timed(|| {
        result = make();
        if result < 0 { -1 } else { 0 }
    });
    if result >= 0 {
        if fds::class(socket) == FdClass::Foreign {
            fds::set(socket, FdClass::Socket);
        }
        let mut list = [0; MOST];
        let count = rights(message, Trust::Proven, &mut list);
        for &fd in &list[..count] {
            fds::set(fd, FdClass::Foreign);
        }
        // SAFETY: the kernel has written it (struct msghdr: flags at 48).
        let cut = unsafe { load(message + 48, 4) as u32 } & MSG_CTRUNC;
        if count > 0 || cut != 0 {
            let head = head(namespace, Kind::Receive, socket, flags as u32 | cut, &call);
            write(&head, &[Part::fds(&list[..count])]);
        }
    }
    result
}

/// The fds in a message's control messages (struct cmsghdr: length, level, type; data at 16).
fn rights(message: usize, trust: Trust, list: &mut [c_int; MOST]) -> usize {
    const HEADER: usize = 16;
    const SOL_SOCKET: u64 = 1;
    const SCM_RIGHTS: u64 = 1;
    // SAFETY: `has_control` checked it.
    let (start, len) = unsafe { (load(message + 32, 8) as usize, load(message + 40, 8) as usize) };
    if !readable::check(start, len, trust) {
        return 0;
    }
    let (mut at, mut count) = (0, 0);
    while at + HEADER <= len {
        // SAFETY: checked, below `len`.
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
