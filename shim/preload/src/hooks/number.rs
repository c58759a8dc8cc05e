//! syscall(2): calls by number, which programs use for what their libc lacks.

use core::arch::global_asm;
use core::ffi::{c_int, c_void};

use fencelab_abi::{FdClass, Request, flags, plan};

use super::{confine, exit, rights, short};
use crate::readable::{self, Trust};
use crate::real::{Function, address};
use crate::sys::nr;
use crate::{borrow, fds, real};

// `long syscall(long number, ...)`: lets all pass but the calls that we record, without a frame of ours, so that whatever
// fork or vfork is made this way finds the stack as it left it.
global_asm!(
    ".pushsection .text.fencelab_syscall,\"ax\",@progbits",
    ".globl fencelab_syscall",
    ".hidden fencelab_syscall",
    ".type fencelab_syscall,@function",
    "fencelab_syscall:",
    "endbr64",
    "cmp rdi, {ioctl}",
    "je {by_number}",
    "cmp rdi, {getfd}",
    "je {by_number}",
    "cmp rdi, {seccomp}",
    "je {by_number}",
    "cmp rdi, {exit_group}",
    "je {by_number}",
    "push rdi",
    "push rsi",
    "push rdx",
    "push rcx",
    "push r8",
    "push r9",
    "sub rsp, 8", // aligns the stack
    "call {next}",
    "add rsp, 8",
    "pop r9",
    "pop r8",
    "pop rcx",
    "pop rdx",
    "pop rsi",
    "pop rdi",
    "jmp rax",
    ".popsection",
    ioctl = const nr::IOCTL,
    getfd = const nr::PIDFD_GETFD,
    seccomp = const nr::SECCOMP,
    exit_group = const nr::EXIT_GROUP,
    by_number = sym by_number,
    next = sym next,
);

/// Where the real one is. Also notes that a child may borrow our memory.
extern "C" fn next(number: usize, flags: usize) -> usize {
    const CLONE_VM: usize = 0x100;
    const CLONE_SETTLS: usize = 0x80000;
    let flags = match number {
        nr::CLONE => flags,
        // SAFETY: the flags are the first word of struct clone_args, if that is there.
        nr::CLONE3 if readable::check(flags, 8, Trust::Look) => unsafe { readable::load(flags, 8) as usize },
        nr::VFORK => CLONE_VM,
        _ => 0,
    };
    if flags & (CLONE_VM | CLONE_SETTLS) == CLONE_VM {
        borrow::begins();
    }
    address(0, Function::Syscall)
}

extern "C" fn by_number(number: usize, a: usize, b: usize, c: usize, d: usize, e: usize) -> isize {
    match number {
        nr::IOCTL => ioctl(0, a as c_int, b, c as *mut c_void) as isize,
        nr::PIDFD_GETFD => rights::pidfd_getfd(0, a as c_int, b as c_int, c as u32) as isize,
        nr::EXIT_GROUP => exit::exit_at_once(0, a as c_int),
        _ => {
            confine::seccomp();
            real!(0, Syscall, fn(usize, usize, usize, usize, usize, usize) -> isize, number, a, b, c, d, e)
        }
    }
}

/// An ioctl that was made by its number.
pub(crate) fn ioctl(namespace: usize, fd: c_int, request: usize, argument: *mut c_void) -> c_int {
    let request = request as u64;
    let class = || -> FdClass { fds::class(fd) };
    match plan::find(Request(request as u32), class) {
        Some((plan, listed)) => {
            let noted = flags::BY_NUMBER | if listed { 0 } else { flags::UNLISTED };
            short::make(fd, request, argument, plan, noted, namespace)
        }
        None => super::ioctl::ioctl(namespace, fd, request, argument),
    }
}
