//! dup, dup2, dup3, and fcntl's F_DUPFD.

use core::ffi::{c_int, c_void};

use fencelab_abi::Kind;

use super::{Timed, head, timed, write};
use crate::{borrow, fds, real};

/// `int dup(int fd)`.
pub fn dup(namespace: usize, fd: c_int) -> c_int {
    duplicated(namespace, fd, 0, &mut || real!(namespace, Dup, fn(c_int) -> c_int, fd))
}

/// `int dup2(int fd, int to)`.
pub fn dup2(namespace: usize, fd: c_int, to: c_int) -> c_int {
    duplicated(namespace, fd, 0, &mut || real!(namespace, Dup2, fn(c_int, c_int) -> c_int, fd, to))
}

/// `int dup3(int fd, int to, int flags)`.
pub fn dup3(namespace: usize, fd: c_int, to: c_int, flags: c_int) -> c_int {
    duplicated(namespace, fd, flags, &mut || {
        real!(namespace, Dup3, fn(c_int, c_int, c_int) -> c_int, fd, to, flags)
    })
}

/// `int fcntl(int fd, int command, ...)`.
#[inline]
pub fn fcntl(namespace: usize, fd: c_int, command: c_int, argument: *mut c_void) -> c_int {
    let mut make = || real!(namespace, Fcntl, fn(c_int, c_int, *mut c_void) -> c_int, fd, command, argument);
    if is_dup(command) { duplicated(namespace, fd, command, &mut make) } else { make() }
}

/// `int fcntl64(int fd, int command, ...)`.
#[inline]
pub fn fcntl64(namespace: usize, fd: c_int, command: c_int, argument: *mut c_void) -> c_int {
    let mut make =
        || real!(namespace, Fcntl64, fn(c_int, c_int, *mut c_void) -> c_int, fd, command, argument);
    if is_dup(command) { duplicated(namespace, fd, command, &mut make) } else { make() }
}

fn is_dup(command: c_int) -> bool {
    const F_DUPFD: c_int = 0;
    const F_DUPFD_CLOEXEC: c_int = 1030;
    command == F_DUPFD || command == F_DUPFD_CLOEXEC
}

/// Records it if the old fd is one of ours, or if a new one takes one of ours' place.
#[inline(never)]
fn duplicated(namespace: usize, fd: c_int, flags: c_int, make: &mut dyn FnMut() -> c_int) -> c_int {
    let call = timed(make);
    if fds::byte(fd) != 0 || fds::byte(call.result) != 0 {
        record(namespace, fd, flags, &call);
    }
    call.result
}

#[cold]
fn record(namespace: usize, fd: c_int, flags: c_int, call: &Timed) {
    write(&head(namespace, Kind::Dup, fd, flags as u32, call), &[]);
    if call.result >= 0 && !borrow::has_own_fds() {
        fds::set(call.result, fds::class(fd));
    }
}
