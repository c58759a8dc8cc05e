//! close and close_range. Both give fds up, so their records tell of the time before the call.

use core::ffi::{c_int, c_uint};

use fencelab_abi::{FdClass, Kind};

use super::{Part, about_to, head, timed, write};
use crate::{borrow, fds, real, ring};

/// `int close(int fd)`.
#[inline]
pub fn close(namespace: usize, fd: c_int) -> c_int {
    if fds::byte(fd) == 0 {
        return real!(namespace, Close, fn(c_int) -> c_int, fd);
    }
    recorded(namespace, fd)
}

#[cold]
fn recorded(namespace: usize, fd: c_int) -> c_int {
    ring::thread();
    // The number may be another thread's new fd before the call has returned.
    let before = about_to(Kind::Close, fd, 0);
    if !borrow::has_own_fds() {
        fds::set(fd, FdClass::Unknown);
    }
    let call = timed(|| real!(namespace, Close, fn(c_int) -> c_int, fd));
    write(
        &ring::Head {
            class: before.class,
            enter: before.enter,
            ..head(namespace, Kind::Close, fd, 0, &call)
        },
        &[],
    );
    call.result
}

/// `int close_range(unsigned first, unsigned last, int flags)`.
pub fn close_range(namespace: usize, first: c_uint, last: c_uint, flags: c_int) -> c_int {
    const CLOSE_RANGE_CLOEXEC: c_int = 4;
    let closes = flags & CLOSE_RANGE_CLOEXEC == 0;
    ring::thread();
    let any = closes && !borrow::has_own_fds() && fds::forget(first, last);
    let call = timed(|| real!(namespace, CloseRange, fn(c_uint, c_uint, c_int) -> c_int, first, last, flags));
    if any {
        let flags = flags.to_ne_bytes();
        let parts = [Part::bytes(fencelab_abi::section::FLAGS, &flags)];
        write(&head(namespace, Kind::CloseRange, first as c_int, last, &call), &parts);
    }
    call.result
}
