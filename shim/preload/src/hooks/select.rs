//! select and pselect, by which a program may wait for sync_files and dma-bufs too: recorded as a poll of those.

use core::ffi::{c_int, c_void};

use fencelab_abi::Kind;
use fencelab_abi::section::TIMEOUT;

use super::poll::{is_ours, timespec};
use super::{Part, about_to, head, timed, write};
use crate::readable::{self, load64};
use crate::{real, ring};

/// The three sets of a call.
type Sets = [*mut c_void; 3];

/// fds that are looked at: those that an fd_set has.
const MOST: usize = 1024;
/// Of ours, that a record names.
const NAMED: usize = 64;

/// `int select(int count, fd_set *reading, fd_set *writing, fd_set *failing, struct timeval *timeout)`.
pub fn select(namespace: usize, count: c_int, sets: Sets, timeout: *mut c_void) -> c_int {
    around(namespace, count, sets, timeout as usize, 1000, &mut || {
        real!(
            namespace,
            Select,
            fn(c_int, *mut c_void, *mut c_void, *mut c_void, *mut c_void) -> c_int,
            count,
            sets[0],
            sets[1],
            sets[2],
            timeout
        )
    })
}

/// `int pselect(int count, fd_set *reading, fd_set *writing, fd_set *failing, const struct timespec *timeout, const sigset_t *mask)`.
pub fn pselect(
    namespace: usize,
    count: c_int,
    sets: Sets,
    timeout: *const c_void,
    mask: *const c_void,
) -> c_int {
    around(namespace, count, sets, timeout as usize, 1, &mut || {
        real!(
            namespace,
            Pselect,
            fn(c_int, *mut c_void, *mut c_void, *mut c_void, *const c_void, *const c_void) -> c_int,
            count,
            sets[0],
            sets[1],
            sets[2],
            timeout,
            mask
        )
    })
}

/// `unit`: nanoseconds of what the timeout has beside seconds.
fn around(
    namespace: usize,
    count: c_int,
    sets: Sets,
    timeout: usize,
    unit: i64,
    make: &mut dyn FnMut() -> c_int,
) -> c_int {
    let mut list = [0; NAMED];
    let found = ours(count, sets, &mut list);
    if found.is_empty() {
        return make();
    }
    let before = about_to(Kind::PollEnter, -1, count as u32);
    let timeout = timespec(timeout, unit).map(i64::to_le_bytes);
    let fds = Part::fds(found);
    match &timeout {
        Some(timeout) => write(&before, &[fds, Part::bytes(TIMEOUT, timeout)]),
        None => write(&before, &[fds]),
    }
    let call = timed(make);
    let ready = if call.result > 0 { ours(count, sets, &mut list) } else { &[] };
    let head = ring::Head { enter: before.enter, ..head(namespace, Kind::PollExit, -1, count as u32, &call) };
    write(&head, &[Part::fds(ready)]);
    call.result
}

/// The fds of interest in sets that can be read.
fn ours(count: c_int, sets: Sets, list: &mut [c_int; NAMED]) -> &[c_int] {
    let count = (count.max(0) as usize).min(MOST);
    let mut len = 0;
    for first in (0..count).step_by(64) {
        let word = |set: &*mut c_void| {
            let address = *set as usize + first / 8;
            let there = !set.is_null() && readable::stays(address, 8);
            if !there {
                return 0;
            }
            // SAFETY: checked.
            unsafe { load64(address) }
        };
        let mut bits = sets.iter().map(word).fold(0, |all, word| all | word);
        while bits != 0 {
            let fd = (first as u32 + bits.trailing_zeros()) as c_int;
            bits &= bits - 1;
            if let Some(place) = list.get_mut(len).filter(|_| (fd as usize) < count && is_ours(fd)) {
                *place = fd;
                len += 1;
            }
        }
    }
    list.get(..len).unwrap_or(&[])
}
