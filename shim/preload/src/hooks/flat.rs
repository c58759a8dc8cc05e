//! The next shortest way: calls whose pointers lead to plain arrays that their own fields count, as those of sync objects do,
//! and calls that may block with nothing else to be followed. What is more involved is left to [`Call`].

use core::ffi::c_int;
use core::mem::MaybeUninit;

use fencelab_abi::ioctl::{Count, Shape, effect};
use fencelab_abi::plan::{MAX_FOLLOW, Plan};
use fencelab_abi::record::{MAX_SLOTS, payload_len, slots_for};
use fencelab_abi::section::Section;
use fencelab_abi::{FdClass, Kind, flags};

use super::ioctl::Call;
use crate::payload::{MAX_ELEMENTS, header};
use crate::readable::{self, Trust, load};
use crate::ring::{self, Head};
use crate::tls::Thread;
use crate::{clock, fds, real};

/// Longest argument that is recorded this way.
pub(crate) const LONGEST: usize = 64;

/// Makes a call whose plan is flat, and whose argument is no longer than [`LONGEST`]. The clock is the time stamp counter.
#[inline(never)]
pub(crate) fn make(call: &Call, thread: *mut Thread, function: real::Ioctl) -> c_int {
    let class = fds::byte(call.fd);
    let blocks = call.plan.effects & effect::BLOCKS != 0;
    let request = call.request().0;
    let head = |kind, enter, exit, result| Head {
        kind,
        enter,
        exit,
        request,
        fd: call.fd,
        result,
        flags: call.noted,
        class,
    };
    let enter = clock::tsc();
    if blocks {
        record(call, thread, Trust::Ask, true, head(Kind::IoctlEnter, enter, 0, 0));
    }
    // SAFETY: it is libc's ioctl.
    let result = unsafe { function(call.fd, call.request, call.argument) };
    let exit = clock::tsc();
    let outcome = real::outcome(call.namespace, result);
    let trust = if outcome >= 0 { Trust::Proven } else { Trust::Look };
    let kind = if blocks { Kind::IoctlExit } else { Kind::Ioctl };
    record(call, thread, trust, !blocks, head(kind, enter, exit, outcome));
    if outcome >= 0 && (FdClass::is_open(class) || call.plan.tells) {
        call.learn_short(result, class);
    }
    result
}

/// Writes one record: the argument if it is there, and with `arrays` what its pointers lead to.
#[inline(never)]
fn record(call: &Call, thread: *mut Thread, trust: Trust, arrays: bool, mut head: Head) {
    let (address, size) = (call.argument as usize, call.size());
    let there = size > 0 && readable::check(address, size, trust);
    if !there {
        head.flags |= if size > 0 { flags::UNREAD } else { 0 };
        if let Some(draft) = ring::reserve(thread, 1) {
            draft.commit(&head);
        }
        return;
    }
    let mut pieces = Pieces { list: [const { MaybeUninit::uninit() }; MAX_FOLLOW], count: 0 };
    let mut need = size.next_multiple_of(8);
    if arrays {
        need = pieces.gather(call.plan, address, size, trust, need);
    }
    let Some(mut draft) = ring::reserve(thread, slots_for(need)) else { return };
    // SAFETY: it was checked, as were the pieces.
    unsafe { draft.copy(address, size) };
    for piece in pieces.list() {
        draft.word(piece.header);
        // SAFETY: as above.
        unsafe { draft.copy(piece.address, piece.len) };
    }
    head.flags |= flags::ARG;
    draft.commit(&head);
}

/// An array that is to become a section.
#[derive(Clone, Copy)]
struct Piece {
    address: usize,
    len: usize,
    header: u64,
}

struct Pieces {
    list: [MaybeUninit<Piece>; MAX_FOLLOW],
    count: usize,
}

impl Pieces {
    fn list(&self) -> &[Piece] {
        let list = self.list.as_ptr().cast();
        // SAFETY: so many are written.
        unsafe { core::slice::from_raw_parts(list, self.count) }
    }

    /// Finds the arrays of an argument that is there. `need`: bytes that it takes itself; gives how many all take.
    #[inline]
    fn gather(&mut self, plan: &Plan, address: usize, size: usize, trust: Trust, mut need: usize) -> usize {
        let inside = |offset: u16, width: u8| usize::from(offset) + usize::from(width) <= size;
        // SAFETY: within the argument.
        let number =
            |offset: u16, width: u8| unsafe { load(address + usize::from(offset), width.into()) as usize };
        for (index, step) in plan.steps().iter().enumerate() {
            let start = if inside(step.pointer, 8) { number(step.pointer, 8) } else { 0 };
            let Shape::Array(stride) = step.shape else { continue };
            let room = payload_len(MAX_SLOTS).saturating_sub(need + Section::SIZE);
            let Some(place) = self.list.get_mut(self.count).filter(|_| start != 0 && room >= 8) else {
                continue;
            };
            let total = match step.count {
                Count::Fixed(count) => usize::from(count),
                Count::Field(offset, width) if inside(offset, width) => number(offset, width),
                _ => 0,
            };
            let fits = total.min(MAX_ELEMENTS).min(room / usize::from(stride.max(1)));
            let len = fits * usize::from(stride);
            let len = if fits > 0 && readable::check(start, len, trust) { len } else { 0 };
            let whole = len == total.saturating_mul(usize::from(stride));
            place.write(Piece {
                address: start,
                len,
                header: header(index as u8 + 1, 0, len, total, !whole),
            });
            self.count += 1;
            need += Section::SIZE + len.next_multiple_of(8);
        }
        need
    }
}
