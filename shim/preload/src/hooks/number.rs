//! syscall(2): calls by number, which programs use for what their libc lacks.

use core::arch::global_asm;
use core::ffi::{c_int, c_void};

use fencelab_abi::{FdClass, Request, flags, plan};

use super::fork::end_vfork;
use super::{confine, exec, exit, short};
use crate::raw::dispatch;
use crate::readable::{self, Trust};
use crate::real::{Function, RAW, address};
use crate::sys::nr;
use crate::{borrow, fds, real};

// `long syscall(long number, ...)`: lets all pass but the calls that we record, without a frame of ours, so that whatever
// fork is made this way finds the stack as it left it. A child that borrows this very stack until it execs returns twice: there
// the return address waits in a register that the kernel keeps.
global_asm!(
    ".pushsection .text.fencelab_syscall,\"ax\",@progbits",
    ".globl fencelab_syscall",
    ".hidden fencelab_syscall",
    ".type fencelab_syscall,@function",
    "fencelab_syscall:",
    "endbr64",
    "cmp rdi, {numbers}",
    "jae 2f",
    "lea rax, [rip + {ours}]",
    "bt qword ptr [rax], rdi",
    "jc {by_number}",
    "2: push rdi",
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
    "test rax, rax",
    "jz 3f",
    "jmp rax",
    "3: mov rax, rdi",
    "mov rdi, rsi",
    "mov rsi, rdx",
    "mov rdx, rcx",
    "mov r10, r8",
    "mov r8, r9",
    "pop r9",
    "syscall",
    "push r9",
    "test rax, rax",
    "jz 4f",
    "mov rdi, rax",
    "jmp {end}",
    "4: ret",
    ".popsection",
    numbers = const NUMBERS,
    ours = sym OURS,
    by_number = sym by_number,
    next = sym next,
    end = sym end_vfork,
);

/// Numbers that are looked up: those below.
const NUMBERS: usize = 448;

/// A bit for each call that has a hook.
static OURS: [u64; NUMBERS / 64] = {
    let ours = [
        nr::IOCTL,
        nr::OPEN,
        nr::OPENAT,
        nr::OPENAT2,
        nr::CLOSE,
        nr::CLOSE_RANGE,
        nr::DUP,
        nr::DUP2,
        nr::DUP3,
        nr::FCNTL,
        nr::SENDMSG,
        nr::RECVMSG,
        nr::SENDMMSG,
        nr::RECVMMSG,
        nr::PIDFD_OPEN,
        nr::PIDFD_GETFD,
        nr::SOCKETPAIR,
        nr::CONNECT,
        nr::BIND,
        nr::ACCEPT,
        nr::ACCEPT4,
        nr::POLL,
        nr::EXECVE,
        nr::EXECVEAT,
        nr::CHROOT,
        nr::PRCTL,
        nr::SECCOMP,
        nr::EXIT_GROUP,
    ];
    let (mut bits, mut i) = ([0; NUMBERS / 64], 0);
    while i < ours.len() {
        bits[ours[i] / 64] |= 1 << (ours[i] % 64);
        i += 1;
    }
    bits
};

/// Where the real one is. Also notes that a child may borrow our memory; 0: it borrows the stack as well, until it execs or
/// ends.
extern "C" fn next(number: usize, flags: usize, stack: usize) -> usize {
    const CLONE_VM: usize = 0x100;
    const CLONE_VFORK: usize = 0x4000;
    const CLONE_SETTLS: usize = 0x80000;
    let flags = match number {
        nr::CLONE => flags,
        // SAFETY: the flags are the first word of struct clone_args, if that is there.
        nr::CLONE3 if readable::check(flags, 8, Trust::Look) => unsafe { readable::load(flags, 8) as usize },
        nr::VFORK => CLONE_VM,
        _ => 0,
    };
    let borrows = flags & (CLONE_VM | CLONE_SETTLS) == CLONE_VM;
    if borrows {
        crate::ring::thread();
        borrow::begins();
    }
    let returns = number == nr::VFORK || number == nr::CLONE && flags & CLONE_VFORK != 0 && stack == 0;
    if borrows && returns { 0 } else { address(0, Function::Syscall) }
}

extern "C" fn by_number(number: usize, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> isize {
    match number {
        nr::IOCTL => return ioctl(0, a as c_int, b, c as *mut c_void) as isize,
        nr::EXIT_GROUP => exit::exit_at_once(0, a as c_int),
        nr::EXECVE => return exec::execve(0, a as *const _, b as *const _, c as *const _) as isize,
        nr::EXECVEAT => {
            let (arguments, environment) = (c as *const _, d as *const _);
            return exec::execveat(0, a as c_int, b as *const _, arguments, environment, e as c_int) as isize;
        }
        nr::SECCOMP => {
            const SECCOMP_SET_MODE_STRICT: usize = 0;
            confine::seccomp();
            if a == SECCOMP_SET_MODE_STRICT {
                confine::forbid_tsc();
            }
        }
        _ => {}
    }
    let result = match number {
        nr::PRCTL => confine::prctl(RAW, a as c_int, [b, c, d, e].map(|argument| argument as u64)) as isize,
        _ => dispatch::hooked(number, [a, b, c, d, e, f]),
    };
    if (-4095..0).contains(&result) { real::fail(0, -result as c_int) as isize } else { result }
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
