//! New threads and processes: dispatch is off in them until they turn it on.

use fencelab_abi::Kind;

use super::dispatch::call;
use super::frame::Frame;
use super::start::{Start, fencelab_raw_clone, fencelab_raw_vfork};
use super::{save, signals, threads};
use crate::hooks::{Timed, head, write};
use crate::readable::{self, Trust, load64};
use crate::real::RAW;
use crate::sys::nr;
use crate::{clock, ring, session};

const CLONE_VM: usize = 0x100;
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
