//! New threads and processes: dispatch is off in them until they turn it on.

use core::arch::global_asm;

use fencelab_abi::Kind;

use super::dispatch::call;
use super::frame::Frame;
use super::{signals, threads};
use crate::hooks::{Timed, head, write};
use crate::readable::{self, Trust, load64};
use crate::real::RAW;
use crate::sys::nr;
use crate::{clock, ring, session};

const CLONE_VM: usize = 0x100;
const CLONE_SIGHAND: usize = 0x800;
const CLONE_VFORK: usize = 0x4000;
const CLONE_THREAD: usize = 0x10000;
const SIGCHLD: usize = 17;

/// Words of struct clone_args (include/uapi/linux/sched.h) that matter here.
const FLAGS: usize = 0;
const STACK: usize = 5;
const STACK_SIZE: usize = 6;
/// Words of it that are known: through cgroup.
const KNOWN: usize = 11;

/// What a task is to be, however it is asked for.
struct Wanted {
    flags: usize,
    /// First address behind the new stack; 0: the caller's.
    stack: usize,
}

/// fork, vfork, clone and clone3. Gives what the caller gets.
pub(super) fn task(frame: &mut Frame, number: usize, a: [usize; 6]) -> isize {
    let mut args = [0; KNOWN];
    let wanted = match number {
        nr::CLONE => Wanted { flags: a[0], stack: a[1] },
        nr::CLONE3 => match clone_args(a, &mut args) {
            Some(wanted) => wanted,
            // The kernel refuses it, or it is of the future: its task is not recorded.
            None => return call(number, a),
        },
        nr::VFORK => Wanted { flags: CLONE_VM | CLONE_VFORK | SIGCHLD, stack: 0 },
        _ => Wanted { flags: SIGCHLD, stack: 0 },
    };
    ring::thread();
    let enter = clock::now();
    let result = match (wanted.flags & CLONE_VM != 0, wanted.stack) {
        (false, stack) => forked(frame, number, a, args, stack),
        (true, 0) => vforked(frame, number, a),
        (true, stack) => on_stack(frame, number, a, args, &wanted, stack),
    };
    let kind = match wanted.flags {
        flags if flags & CLONE_THREAD != 0 => None,
        flags if flags & CLONE_VM != 0 => Some(Kind::Vfork),
        _ => Some(Kind::Fork),
    };
    if let Some(kind) = kind.filter(|_| result != 0) {
        let made = Timed { result: result as i32, enter, exit: clock::now() };
        write(&head(RAW, kind, -1, wanted.flags as u32, &made), &[]);
    }
    result
}

/// Copies the arguments of a clone3 whose every word is known.
fn clone_args(a: [usize; 6], args: &mut [usize; KNOWN]) -> Option<Wanted> {
    const FIRST: usize = 64;
    let known = (FIRST..=KNOWN * 8).contains(&a[1]) && a[1].is_multiple_of(8);
    if !known || !readable::check(a[0], a[1], Trust::Ask) {
        return None;
    }
    for (word, at) in args.iter_mut().zip((a[0]..a[0] + a[1]).step_by(8)) {
        // SAFETY: checked.
        *word = unsafe { load64(at) as usize };
    }
    Some(Wanted { flags: args[FLAGS], stack: args[STACK].wrapping_add(args[STACK_SIZE]) })
}

/// A child with a copy of the memory: it goes on in its copy of this handler.
fn forked(
    frame: &mut Frame,
    number: usize,
    mut a: [usize; 6],
    mut args: [usize; KNOWN],
    stack: usize,
) -> isize {
    match number {
        nr::CLONE => a[1] = 0,
        nr::CLONE3 => {
            (args[STACK], args[STACK_SIZE]) = (0, 0);
            a[0] = args.as_ptr() as usize;
        }
        _ => {}
    }
    let result = call(number, a);
    if result == 0 {
        threads::forget_all();
        session::adopt_child();
        signals::install();
        super::arm();
        if stack != 0 {
            frame.sp = stack;
        }
    }
    result
}

/// What a new task that shares our memory finds on its stack: the registers that it is to have.
#[repr(C, align(16))]
struct Start {
    /// r8, r9, r10, r12, r13, r14, r15, di, si, bp, bx, dx.
    registers: [usize; 12],
    ip: usize,
    eflags: usize,
    sp: usize,
    /// Flags of the clone.
    flags: usize,
}

/// A thread, or a child as posix_spawn makes it: it begins on a stack of its own.
fn on_stack(
    frame: &Frame,
    number: usize,
    mut a: [usize; 6],
    mut args: [usize; KNOWN],
    wanted: &Wanted,
    stack: usize,
) -> isize {
    /// What the psABI lets a leaf function use below the stack pointer.
    const RED_ZONE: usize = 128;
    let place = (stack.wrapping_sub(RED_ZONE + size_of::<Start>())) & !15;
    if !readable::check(place, size_of::<Start>(), Trust::Ask) {
        return call(number, a);
    }
    let f = frame;
    let start = Start {
        registers: [f.r8, f.r9, f.r10, f.r12, f.r13, f.r14, f.r15, f.di, f.si, f.bp, f.bx, f.dx],
        ip: f.ip,
        eflags: f.eflags,
        sp: stack,
        flags: wanted.flags,
    };
    // SAFETY: below the top of a stack that the program gives away, and it can be read: the new task would write there next.
    unsafe { (place as *mut Start).write(start) };
    if number == nr::CLONE {
        a[1] = place;
    } else {
        args[STACK_SIZE] = place - args[STACK];
        a[0] = args.as_ptr() as usize;
    }
    // SAFETY: the new task starts with what lies at `place`.
    unsafe { fencelab_raw_clone(number, &a) }
}

unsafe extern "C" {
    fn fencelab_raw_clone(number: usize, arguments: &[usize; 6]) -> isize;
    fn fencelab_raw_vfork(number: usize, arguments: &[usize; 6], save: *mut u8, end: usize) -> isize;
}

global_asm!(
    ".pushsection .text.fencelab_raw_clone,\"ax\",@progbits",
    ".globl fencelab_raw_clone",
    ".hidden fencelab_raw_clone",
    "fencelab_raw_clone:",
    "mov rax, rdi",
    "mov rdi, [rsi]",
    "mov rdx, [rsi + 16]",
    "mov r10, [rsi + 24]",
    "mov r8, [rsi + 32]",
    "mov r9, [rsi + 40]",
    "mov rsi, [rsi + 8]",
    "syscall",
    "test rax, rax",
    "jz 2f",
    "ret",
    "2:", // the new task: rsp is at its struct Start
    "mov rdi, rsp",
    "call {arrived}",
    "pop r8",
    "pop r9",
    "pop r10",
    "pop r12",
    "pop r13",
    "pop r14",
    "pop r15",
    "pop rdi",
    "pop rsi",
    "pop rbp",
    "pop rbx",
    "pop rdx",
    "pop rcx",
    "pop r11",
    "mov eax, 0",
    "push r11",
    "popfq",
    "pop rsp",
    "jmp rcx",
    // A child on its parent's stack overwrites the parent's frames: all of them, from here to the end of what the kernel
    // has pushed, are saved, and put back when the parent runs again. Its registers the kernel keeps.
    ".globl fencelab_raw_vfork",
    ".hidden fencelab_raw_vfork",
    "fencelab_raw_vfork:",
    "push rbx",
    "push r12",
    "push r13",
    "mov rax, rdi",
    "mov r11, rsi",
    "mov rbx, rdx",
    "mov r12, rcx",
    "sub r12, rsp",
    "mov rsi, rsp",
    "mov rdi, rbx",
    "mov rcx, r12",
    "rep movsb",
    "mov rdi, [r11]",
    "mov rsi, [r11 + 8]",
    "mov rdx, [r11 + 16]",
    "mov r10, [r11 + 24]",
    "mov r8, [r11 + 32]",
    "mov r9, [r11 + 40]",
    "syscall",
    "test rax, rax",
    "jz 3f",
    "mov rsi, rbx",
    "mov rdi, rsp",
    "mov rcx, r12",
    "rep movsb",
    "3:",
    "pop r13",
    "pop r12",
    "pop rbx",
    "ret",
    ".popsection",
    arrived = sym arrived,
);

/// The new task's first act.
extern "C" fn arrived(start: &Start) {
    if start.flags & CLONE_SIGHAND == 0 {
        // The handlers are its own, and CLONE_CLEAR_SIGHAND may have reset them.
        signals::install();
    }
    super::arm();
}

/// A child that runs on our stack while we wait.
fn vforked(frame: &Frame, number: usize, a: [usize; 6]) -> isize {
    let save = save::take();
    let end = frame.end();
    let here = &raw const save as usize;
    if end - here > save::SIZE - save::SLACK {
        // No such frames are known. A child with a copy of the memory does what a program may rely on.
        save.give_back();
        return call(nr::CLONE, [CLONE_VFORK | SIGCHLD, 0, 0, 0, 0, 0]);
    }
    // SAFETY: the frames fit.
    let result = unsafe { fencelab_raw_vfork(number, &a, save.room(), end) };
    if result == 0 {
        super::arm();
    } else {
        save.give_back();
        threads::forget(result.max(0) as u32);
    }
    result
}

/// Where frames are kept meanwhile.
mod save {
    use core::cell::UnsafeCell;
    use core::sync::atomic::{AtomicBool, Ordering::*};

    use crate::sys;

    /// Bytes of a place: more than a signal's frame with every register that there is.
    pub(super) const SIZE: usize = 32 << 10;
    /// For what is pushed between the measuring and the saving.
    pub(super) const SLACK: usize = 1 << 10;
    const PLACES: usize = 16;

    /// A place.
    pub(super) struct Save {
        taken: AtomicBool,
        room: UnsafeCell<[u8; SIZE]>,
    }

    // SAFETY: the room is used by whoever has set `taken`.
    unsafe impl Sync for Save {}

    static SAVES: [Save; PLACES] =
        [const { Save { taken: AtomicBool::new(false), room: UnsafeCell::new([0; SIZE]) } }; PLACES];

    /// Takes a free place; waits for one.
    pub(super) fn take() -> &'static Save {
        const PAUSE: u64 = 1_000_000;
        loop {
            let free = |save: &&Save| save.taken.compare_exchange(false, true, AcqRel, Relaxed).is_ok();
            match SAVES.iter().find(free) {
                Some(save) => return save,
                None => sys::sleep(PAUSE),
            }
        }
    }

    impl Save {
        pub(super) fn room(&self) -> *mut u8 {
            self.room.get().cast()
        }

        pub(super) fn give_back(&self) {
            self.taken.store(false, Release);
        }
    }
}
