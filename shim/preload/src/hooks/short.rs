//! The shortest way: a call of which one look at the argument behind it says everything, in a record of one slot.
//!
//! Most calls go this way, and what it costs is what recording costs. So it has no loop and no call but the real one, its
//! values stay in registers, and what is seldom so is left to [`Call`].

use core::ffi::{c_int, c_ulong, c_void};

use fencelab_abi::plan::Plan;
use fencelab_abi::record::INLINE;
use fencelab_abi::{FdClass, Kind, Request, flags};

use super::flat;
use super::ioctl::Call;
use crate::readable::{self, Trust, load, load64};
use crate::{clock, fds, real, ring, session};

/// Makes a call of ours and records it. `noted`: [`flags::UNLISTED`] or [`flags::BY_NUMBER`].
#[inline(never)]
pub(crate) fn make(
    fd: c_int,
    request: c_ulong,
    argument: *mut c_void,
    plan: &'static Plan,
    noted: u8,
    namespace: usize,
) -> c_int {
    let size = argument_size(request);
    let short = plan.plain && size <= INLINE && session::is_usual();
    let (true, Some(thread), Some(function)) = (short, ring::own(), real::ioctl(namespace)) else {
        return longer(fd, request, argument, plan, noted, namespace);
    };
    let kinds = kinds(Kind::Ioctl, noted, fds::byte(fd));
    let enter = clock::tsc();
    // SAFETY: it is libc's ioctl.
    let result = unsafe { function(fd, request, argument) };
    let exit = clock::tsc();
    let outcome = real::outcome(namespace, result);
    let trust = if outcome >= 0 { Trust::Proven } else { Trust::Look };
    let size = argument_size(request);
    let there = size > 0 && readable::check_at_once(argument as usize, size, trust);
    if let Some(draft) = ring::reserve_at_once(thread, 1) {
        let found = if there { flags::ARG } else { u8::from(size > 0) * flags::UNREAD };
        // SAFETY: checked.
        let words = if there { unsafe { words(argument as usize, size) } } else { [0; 3] };
        let kinds = kinds | u32::from(found) << FLAGS;
        draft.commit_short([enter, exit], [request as u32, fd as u32, outcome as u32], kinds, words);
    }
    let unknown = FdClass::is_open((kinds >> CLASS) as u8);
    if outcome >= 0 && (unknown || plan.tells) {
        learn(fd, request, argument, plan, result, (kinds >> CLASS) as u8);
    }
    result
}

const FLAGS: u32 = 16;
const CLASS: u32 = 24;

/// Kind, slots (one), flags and class as they lie in a record.
#[inline(always)]
pub(crate) fn kinds(kind: Kind, flags: u8, class: u8) -> u32 {
    kind as u32 | 1 << 8 | u32::from(flags) << FLAGS | u32::from(class) << CLASS
}

/// Bytes of an ioctl's argument that the kernel looks at.
#[inline(always)]
pub(crate) fn argument_size(request: c_ulong) -> usize {
    let request = Request(request as u32);
    if request.0 >> 30 != 0 { request.size() } else { 0 }
}

/// A call that takes a longer way.
#[inline(never)]
fn longer(
    fd: c_int,
    request: c_ulong,
    argument: *mut c_void,
    plan: &'static Plan,
    noted: u8,
    namespace: usize,
) -> c_int {
    if session::is_off() {
        return super::ioctl::forward(namespace, fd, request, argument);
    }
    let call = Call { namespace, fd, request, argument, plan, noted };
    let flat = plan.flat && call.size() <= flat::LONGEST && session::is_usual();
    match (flat, ring::own(), real::ioctl(namespace)) {
        (true, Some(thread), Some(function)) => flat::make(&call, thread, function),
        _ => call.make(),
    }
}

/// Remembers what a success showed.
#[cold]
fn learn(fd: c_int, request: c_ulong, argument: *mut c_void, plan: &'static Plan, result: c_int, class: u8) {
    Call { namespace: 0, fd, request, argument, plan, noted: 0 }.learn_short(result, class);
}

/// The first 24 bytes of an argument that has `size`, as words; behind its end zero.
///
/// # Safety
///
/// They are there.
#[inline(always)]
unsafe fn words(address: usize, size: usize) -> [u64; 3] {
    // SAFETY: as promised.
    unsafe {
        match size {
            8 => [load64(address), 0, 0],
            16 => [load64(address), load64(address + 8), 0],
            24 => [load64(address), load64(address + 8), load64(address + 16)],
            _ => odd_words(address, size),
        }
    }
}

/// The same of sizes that are no whole words.
///
/// # Safety
///
/// As for [`words`].
#[inline(never)]
unsafe fn odd_words(address: usize, size: usize) -> [u64; 3] {
    [0, 8, 16].map(|at| match size.saturating_sub(at) {
        0 => 0,
        // SAFETY: within the size.
        left => unsafe { load(address + at, left.min(8)) },
    })
}
