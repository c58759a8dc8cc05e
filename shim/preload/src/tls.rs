//! What the recorder keeps of each thread.
//!
//! Stable Rust has no thread locals without std, so the block is declared in assembly, in the initial-exec model: the
//! object is there from the start of the program, and one load and one add find the block, with no call that could
//! allocate it.

use core::arch::{asm, global_asm};
use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};

use fencelab_abi::pool::NO_CHUNK;
use fencelab_abi::{CHUNK_SIZE, SLOT_SIZE};

use crate::chunk::place;

/// A thread's state. All zero: it has written nothing yet.
#[repr(C, align(64))]
pub struct Thread {
    /// [`crate::session::epoch`] that the rest belongs to; anything else: a new thread, or one that has forked.
    pub epoch: u32,
    /// Its id.
    pub tid: u32,
    /// The chunk that it writes, in the upper half, and the first free slot there: changed by one instruction, as signal
    /// handlers write records too.
    pub place: AtomicU64,
    /// Index of the oldest chunk that it holds.
    pub oldest: AtomicU32,
    /// Chunks that it holds.
    pub held: AtomicU32,
    /// A chunk that it holds and has no use for yet.
    pub spare: AtomicU32,
    /// The session's serial of the thread.
    pub serial: u32,
    /// A bit: a block of [`crate::borrow`].
    pub busy: u32,
    /// Its records that are gone.
    pub dropped: AtomicU64,
    /// Calls that fault mode has looked at.
    pub calls: u64,
}

impl Thread {
    /// Before the first record: its chunk is full.
    #[allow(clippy::declare_interior_mutable_const, reason = "each use makes a block of its own")]
    pub const EMPTY: Self = Self {
        epoch: 0,
        tid: 0,
        place: AtomicU64::new(place(NO_CHUNK, (CHUNK_SIZE / SLOT_SIZE) as u32)),
        oldest: AtomicU32::new(NO_CHUNK),
        held: AtomicU32::new(0),
        spare: AtomicU32::new(NO_CHUNK),
        serial: 0,
        busy: 0,
        dropped: AtomicU64::new(0),
        calls: 0,
    };
}

const SIZE: usize = 64;
const _: () = assert!(size_of::<Thread>() == SIZE);

global_asm!(
    ".pushsection .tbss.fencelab_thread,\"awT\",@nobits",
    ".p2align 6",
    ".globl fencelab_thread",
    ".hidden fencelab_thread",
    ".type fencelab_thread,@object",
    ".size fencelab_thread,64",
    "fencelab_thread:",
    ".zero 64",
    ".popsection",
);

/// The calling thread's block.
#[inline]
pub fn current() -> *mut Thread {
    let thread: *mut Thread;
    // SAFETY: reads the block's offset from the GOT and adds the thread pointer, which the psABI keeps at fs:0.
    unsafe {
        asm!("mov {0}, qword ptr [rip + fencelab_thread@GOTTPOFF]", "add {0}, qword ptr fs:[0]",
            out(reg) thread, options(nostack, pure, readonly));
    }
    thread
}

/// The thread pointer: on a thread of libc's making, the end of its stack.
#[inline]
pub fn thread_pointer() -> usize {
    let pointer;
    // SAFETY: the psABI keeps the thread pointer at fs:0.
    unsafe { asm!("mov {0}, qword ptr fs:[0]", out(reg) pointer, options(nostack, pure, readonly)) };
    pointer
}

/// Offset from the thread pointer at which libc keeps a thread's id; 0: not known.
static ID_OFFSET: AtomicUsize = AtomicUsize::new(0);

/// Finds where libc keeps the id of a thread of its making: the one place in its descriptor (glibc's struct pthread, behind
/// the thread pointer) that holds the calling thread's. At the process's start.
pub fn learn_id(tid: u32) {
    const PLACES: core::ops::Range<usize> = 0x280..0x380;
    let holds = |offset: &usize| {
        // SAFETY: the descriptor is larger than that in every glibc for x86-64, and musl's has its stack's end behind it.
        unsafe { ((thread_pointer() + offset) as *const u32).read_volatile() == tid }
    };
    let mut places = PLACES.step_by(4).filter(holds);
    if let (Some(offset), None) = (places.next(), places.next()) {
        ID_OFFSET.store(offset, Relaxed);
    }
}

/// The calling thread's id as libc has it: right in every thread that libc has made, and after its fork.
pub fn libc_id() -> Option<u32> {
    let offset = ID_OFFSET.load(Relaxed);
    // SAFETY: `learn_id` found it there.
    (offset != 0).then(|| unsafe { ((thread_pointer() + offset) as *const u32).read_volatile() })
}

/// Offset from the thread pointer at which glibc keeps where a thread's stack is; 0: not looked for; [`NOWHERE`]: not found.
static STACK_OFFSET: AtomicUsize = AtomicUsize::new(0);
const NOWHERE: usize = usize::MAX;

/// Whether an address is on the stack that libc has made for the calling thread, or was given for it: between its guard and the
/// thread pointer all is mapped then. The main thread has none.
#[inline]
pub fn is_on_own_stack(address: usize) -> bool {
    match STACK_OFFSET.load(Relaxed) {
        0 => finds_stack(address),
        NOWHERE => false,
        offset => holds_stack(offset, address),
    }
}

/// Whether there are at that offset, as in glibc's struct pthread: where a stack begins on which that address is, its size,
/// which reaches to the descriptor's end, and that of its guard.
fn holds_stack(offset: usize, address: usize) -> bool {
    /// The descriptor and what aligns it.
    const REACH: usize = 8192;
    let pointer = thread_pointer();
    // SAFETY: within the descriptor, as `finds_stack` has seen to.
    let word = |nth: usize| unsafe { ((pointer + offset) as *const usize).add(nth).read_volatile() };
    let (start, size, guard) = (word(0), word(1), word(2));
    let beyond = start.wrapping_add(size).wrapping_sub(pointer);
    // A small number beside a pointer into the descriptor adds up, too.
    beyond <= REACH
        && guard < size
        && size < start
        && address >= start.wrapping_add(guard)
        && address < pointer
}

/// Looks for it, on the first thread that asks while it is on its stack.
#[cold]
fn finds_stack(address: usize) -> bool {
    /// Where it may be, in a descriptor that has 2304 bytes (nptl/descr.h, x86-64). The id's place tells that it is glibc's.
    const PLACES: core::ops::Range<usize> = 0x500..0x8c0;
    const GLIBC_ID: usize = 0x2d0;
    if ID_OFFSET.load(Relaxed) != GLIBC_ID {
        STACK_OFFSET.store(NOWHERE, Relaxed);
        return false;
    }
    let found = PLACES.step_by(8).find(|offset| holds_stack(*offset, address));
    found.inspect(|offset| STACK_OFFSET.store(*offset, Relaxed)).is_some()
}

/// The stack pointer.
#[inline]
pub fn stack_pointer() -> usize {
    let pointer;
    // SAFETY: reads a register.
    unsafe { asm!("mov {0}, rsp", out(reg) pointer, options(nostack, nomem)) };
    pointer
}

/// Adds to a thread's counter in one instruction, so that a signal handler on the same thread never loses an addition
/// (and without a bus lock, as no other thread writes it). Gives the value before.
///
/// # Safety
///
/// `counter` is valid for reads and writes and belongs to the calling thread.
#[inline(always)]
pub unsafe fn add(counter: *mut AtomicU64, amount: u64) -> u64 {
    let before;
    // SAFETY: as promised by the caller.
    unsafe {
        asm!("xadd qword ptr [{0}], {1}", in(reg) counter, inlateout(reg) amount => before, options(nostack))
    };
    before
}
