//! What the recorder keeps of each thread.
//!
//! Stable Rust has no thread locals without std, so the block is declared in assembly, in the initial-exec model: the
//! object is there from the start of the program, and one load and one add find the block, with no call that could
//! allocate it.

use core::arch::{asm, global_asm};
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use fencelab_abi::pool::NO_CHUNK;
use fencelab_abi::{CHUNK_SIZE, SLOT_SIZE};

/// A thread's state. All zero: it has written nothing yet.
#[repr(C, align(64))]
pub struct Thread {
    /// [`crate::session::epoch`] that the rest belongs to; anything else: a new thread, or one that has forked.
    pub epoch: u32,
    /// Its id.
    pub tid: u32,
    /// First byte of the chunk that it writes.
    pub chunk: *mut u8,
    /// First free slot there. Changed by one instruction, as signal handlers write records too.
    pub next: u32,
    /// The chunk's generation.
    pub generation: u32,
    /// Records written there.
    pub records: u32,
    /// Index of the chunk.
    pub index: u32,
    /// Index of the oldest chunk that it holds.
    pub oldest: u32,
    /// Chunks that it holds.
    pub held: u32,
    /// The session's serial of the thread.
    pub serial: u32,
    /// Bits: inside a step that a signal handler must not start over; a block of [`crate::borrow`].
    pub busy: u32,
    /// Chunks it has claimed.
    pub sequence: u64,
    /// Its records that are gone.
    pub dropped: u64,
    /// Calls that fault mode has looked at.
    pub calls: u64,
}

impl Thread {
    /// Before the first record: its chunk is full.
    pub const EMPTY: Self = Self {
        epoch: 0,
        tid: 0,
        chunk: core::ptr::null_mut(),
        next: (CHUNK_SIZE / SLOT_SIZE) as u32,
        generation: 0,
        records: 0,
        index: NO_CHUNK,
        oldest: NO_CHUNK,
        held: 0,
        serial: 0,
        busy: 0,
        sequence: 0,
        dropped: 0,
        calls: 0,
    };
}

const SIZE: usize = 128;
const _: () = assert!(size_of::<Thread>() == SIZE);

global_asm!(
    ".pushsection .tbss.fencelab_thread,\"awT\",@nobits",
    ".p2align 6",
    ".globl fencelab_thread",
    ".hidden fencelab_thread",
    ".type fencelab_thread,@object",
    ".size fencelab_thread,128",
    "fencelab_thread:",
    ".zero 128",
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
#[inline]
pub unsafe fn add(counter: *mut u32, amount: u32) -> u32 {
    let before;
    // SAFETY: as promised by the caller.
    unsafe {
        asm!("xadd dword ptr [{0}], {1:e}", in(reg) counter, inlateout(reg) amount => before, options(nostack))
    };
    before
}

/// Adds 1 to a thread's counter in one instruction, as [`add`] does.
///
/// # Safety
///
/// As for [`add`].
#[inline(always)]
pub unsafe fn count(counter: *mut u32) {
    // SAFETY: as promised by the caller.
    unsafe { asm!("add dword ptr [{0}], 1", in(reg) counter, options(nostack)) };
}
