//! What takes the place of libc's functions: each calls the real one of its namespace, once, with the same arguments, and
//! returns what it returned.

pub mod close;
pub mod confine;
pub mod dup;
pub mod exec;
pub mod exit;
mod flat;
pub mod fork;
pub mod ioctl;
pub mod number;
pub mod open;
pub mod out_fence;
pub mod poll;
pub mod rights;
pub mod select;
mod short;
pub mod socket;

use core::ffi::{c_char, c_int};

use fencelab_abi::record::slots_for;
use fencelab_abi::section::Section;
use fencelab_abi::{FdClass, Kind};

use crate::payload::Sink;
use crate::ring::{self, Head};
use crate::{clock, fds, real};

/// Ticks around a call.
pub(crate) struct Timed {
    pub(crate) result: c_int,
    pub(crate) enter: u64,
    pub(crate) exit: u64,
}

/// Makes a call between two looks at the clock. The thread is attached first: that may make system calls of its own.
#[inline]
pub(crate) fn timed(call: impl FnOnce() -> c_int) -> Timed {
    let enter = begin();
    let result = call();
    Timed { result, enter, exit: clock::now() }
}

/// Not inlined, as every hook has it.
#[inline(never)]
fn begin() -> u64 {
    ring::thread();
    clock::now()
}

/// A record's head for a call that is over.
#[inline(never)]
pub(crate) fn head(namespace: usize, kind: Kind, fd: c_int, request: u32, call: &Timed) -> Head {
    Head {
        kind,
        enter: call.enter,
        exit: call.exit,
        request,
        fd,
        result: real::outcome(namespace, call.result),
        flags: 0,
        class: fds::byte(fd),
    }
}

/// A record's head for a call that is about to be made.
pub(crate) fn about_to(kind: Kind, fd: c_int, request: u32) -> Head {
    Head { kind, enter: clock::now(), exit: 0, request, fd, result: 0, flags: 0, class: fds::byte(fd) }
}

/// Bytes that become a section.
pub(crate) struct Part {
    pub(crate) id: u8,
    pub(crate) address: usize,
    pub(crate) len: usize,
    pub(crate) total: usize,
}

impl Part {
    /// Bytes of our own.
    pub(crate) fn bytes(id: u8, bytes: &[u8]) -> Self {
        Self { id, address: bytes.as_ptr() as usize, len: bytes.len(), total: bytes.len() }
    }

    /// An array of fds.
    pub(crate) fn fds(fds: &[c_int]) -> Self {
        let (address, len) = (fds.as_ptr() as usize, size_of_val(fds));
        Self { id: fencelab_abi::section::FDS, address, len, total: fds.len() }
    }
}

/// Writes a record with sections.
pub(crate) fn write(head: &Head, parts: &[Part]) {
    let Some(thread) = ring::thread() else { return };
    let need = parts.iter().map(|part| Section::SIZE + part.len.next_multiple_of(8)).sum();
    let Some(mut draft) = ring::reserve(thread, slots_for(need)) else { return };
    for part in parts {
        // SAFETY: the parts are ours, or were checked by whoever made them.
        unsafe { Sink::Write(&mut draft).section(part.id, part.address, part.len, part.total) };
    }
    draft.commit(head);
}

/// A path of the program's, up to that many bytes.
///
/// # Safety
///
/// It is a C string: the kernel has read it.
pub(crate) unsafe fn path<'a>(path: *const c_char) -> &'a [u8] {
    const LONGEST: usize = 1024;
    if path.is_null() {
        return &[];
    }
    let bytes = path.cast::<u8>();
    let mut len = 0;
    // SAFETY: as promised; the string is read to its end at most.
    unsafe {
        while len < LONGEST && *bytes.add(len) != 0 {
            len += 1;
        }
        core::slice::from_raw_parts(bytes, len)
    }
}

/// Remembers the class of an fd that a call brought.
pub(crate) fn brought(fd: c_int, class: FdClass) {
    if fd >= 0 {
        fds::set(fd, class);
    }
}
