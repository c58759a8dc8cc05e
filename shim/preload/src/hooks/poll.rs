//! poll and ppoll, of which a program waits for sync_files and dma-bufs.

use core::ffi::{c_int, c_ulong, c_void};

use fencelab_abi::process::blind;
use fencelab_abi::section::TIMEOUT;
use fencelab_abi::{FdClass, Kind};

use super::{Part, about_to, head, timed, write};
use crate::readable::{self, Trust};
use crate::{fds, real, ring, session};

/// Entries that are looked at.
const MOST: usize = 64;
/// Size of struct pollfd: i32 fd, i16 events, i16 revents.
const POLLFD: usize = 8;
/// A timeout without an end.
const FOREVER: i64 = -1;

/// `int poll(struct pollfd *fds, nfds_t count, int timeout)`.
#[inline]
pub fn poll(namespace: usize, list: *mut c_void, count: c_ulong, timeout: c_int) -> c_int {
    around(
        namespace,
        list as usize,
        count as usize,
        || milliseconds(timeout),
        || real!(namespace, Poll, fn(*mut c_void, c_ulong, c_int) -> c_int, list, count, timeout),
    )
}

/// What `poll` becomes under _FORTIFY_SOURCE.
#[inline]
pub fn poll_checked(
    namespace: usize,
    list: *mut c_void,
    count: c_ulong,
    timeout: c_int,
    size: usize,
) -> c_int {
    around(
        namespace,
        list as usize,
        count as usize,
        || milliseconds(timeout),
        || {
            real!(
                namespace,
                PollChecked,
                fn(*mut c_void, c_ulong, c_int, usize) -> c_int,
                list,
                count,
                timeout,
                size
            )
        },
    )
}

/// `int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)`.
#[inline]
pub fn ppoll(
    namespace: usize,
    list: *mut c_void,
    count: c_ulong,
    timeout: *const c_void,
    mask: *const c_void,
) -> c_int {
    around(
        namespace,
        list as usize,
        count as usize,
        || timespec(timeout as usize, 1),
        || {
            real!(
                namespace,
                Ppoll,
                fn(*mut c_void, c_ulong, *const c_void, *const c_void) -> c_int,
                list,
                count,
                timeout,
                mask
            )
        },
    )
}

/// What `ppoll` becomes under _FORTIFY_SOURCE.
pub fn ppoll_checked(
    namespace: usize,
    list: *mut c_void,
    count: c_ulong,
    timeout: *const c_void,
    mask: *const c_void,
    size: usize,
) -> c_int {
    around(
        namespace,
        list as usize,
        count as usize,
        || timespec(timeout as usize, 1),
        || {
            real!(
                namespace,
                PpollChecked,
                fn(*mut c_void, c_ulong, *const c_void, *const c_void, usize) -> c_int,
                list,
                count,
                timeout,
                mask,
                size
            )
        },
    )
}

#[inline]
fn around(
    namespace: usize,
    list: usize,
    count: usize,
    timeout: impl FnOnce() -> Option<i64>,
    mut make: impl FnMut() -> c_int,
) -> c_int {
    if any_of_ours(list, count) { recorded(namespace, list, count, timeout(), &mut make) } else { make() }
}

/// poll's timeout in nanoseconds; below zero: for ever.
fn milliseconds(timeout: c_int) -> Option<i64> {
    Some(if timeout < 0 { FOREVER } else { i64::from(timeout) * 1_000_000 })
}

/// ppoll's, or another of seconds and so many nanoseconds; `None`: it cannot be read.
pub(super) fn timespec(address: usize, unit: i64) -> Option<i64> {
    if address == 0 {
        return Some(FOREVER);
    }
    if !readable::check(address, 16, Trust::Look) {
        return None;
    }
    // SAFETY: checked.
    let [seconds, rest] = unsafe { [readable::load64(address) as i64, readable::load64(address + 8) as i64] };
    Some(seconds.saturating_mul(1_000_000_000).saturating_add(rest.saturating_mul(unit)))
}

/// Whether the list can be read and names a sync_file, a dma-buf, a sync object's eventfd, or what may be one.
#[inline(never)]
fn any_of_ours(list: usize, count: usize) -> bool {
    if !(1..=MOST).contains(&count) {
        return false;
    }
    if !readable::check(list, count * POLLFD, Trust::Look) {
        session::blind(blind::UNREAD);
        return false;
    }
    (0..count).any(|index| is_ours(entry(list, index).0))
}

pub(super) fn is_ours(fd: c_int) -> bool {
    matches!(
        fds::class(fd),
        FdClass::SyncFile | FdClass::DmaBuf | FdClass::Syncobj | FdClass::Eventfd | FdClass::Foreign
    )
}

/// fd and revents of an entry that is there.
fn entry(list: usize, index: usize) -> (c_int, u16) {
    // SAFETY: checked by `any_of_ours`.
    let word = unsafe { readable::load64(list + index * POLLFD) };
    (word as c_int, (word >> 48) as u16)
}

#[cold]
fn recorded(
    namespace: usize,
    list: usize,
    count: usize,
    timeout: Option<i64>,
    make: &mut dyn FnMut() -> c_int,
) -> c_int {
    let before = about_to(Kind::PollEnter, -1, count as u32);
    record(&before, list, count, timeout, |_| true);
    ring::thread();
    let call = timed(make);
    let head = ring::Head { enter: before.enter, ..head(namespace, Kind::PollExit, -1, count as u32, &call) };
    record(&head, list, count, None, |revents| call.result > 0 && revents != 0);
    call.result
}

fn record(head: &ring::Head, list: usize, count: usize, timeout: Option<i64>, which: impl Fn(u16) -> bool) {
    let mut found = [0; MOST];
    let mut len = 0;
    for (fd, revents) in (0..count).map(|index| entry(list, index)) {
        if is_ours(fd) && which(revents) {
            found[len] = fd;
            len += 1;
        }
    }
    let fds = Part::fds(&found[..len]);
    match timeout.map(i64::to_le_bytes) {
        Some(timeout) => write(head, &[fds, Part::bytes(TIMEOUT, &timeout)]),
        None => write(head, &[fds]),
    }
}
