//! New processes. A child made by fork is adopted at once; one made in another way, when it writes its first record.

use core::arch::global_asm;
use core::ffi::{c_char, c_int, c_void};

use fencelab_abi::Kind;
use fencelab_abi::section::PATH;

use super::exec::lacks_session;
use super::{Part, Timed, head, path, timed, write};
use crate::{borrow, clock, real, ring, session, sys};

const CLONE_VM: c_int = 0x100;
const CLONE_VFORK: c_int = 0x4000;
const CLONE_THREAD: c_int = 0x10000;
const CLONE_SETTLS: c_int = 0x80000;

/// `pid_t fork(void)`.
pub fn fork(namespace: usize) -> c_int {
    forked(namespace, || real!(namespace, Fork, fn() -> c_int,))
}

/// `pid_t _Fork(void)`.
pub fn fork_only(namespace: usize) -> c_int {
    forked(namespace, || real!(namespace, ForkOnly, fn() -> c_int,))
}

fn forked(namespace: usize, make: impl FnOnce() -> c_int) -> c_int {
    ring::thread();
    let parent = session::process_chunk();
    let call = timed(make);
    if call.result == 0 {
        session::adopt_child_of(parent);
    } else {
        write(&head(namespace, Kind::Fork, -1, 0, &call), &[]);
    }
    call.result
}

/// `int clone(int (*start)(void *), void *stack, int flags, void *argument, ...)`.
pub fn clone(
    namespace: usize,
    start: *const c_void,
    stack: *mut c_void,
    flags: c_int,
    argument: *mut c_void,
    rest: [usize; 3],
) -> c_int {
    let borrows = flags & CLONE_VM != 0 && flags & CLONE_SETTLS == 0;
    if borrows {
        borrow::begins();
    }
    let call = timed(|| {
        real!(
            namespace,
            Clone,
            fn(*const c_void, *mut c_void, c_int, *mut c_void, usize, usize, usize) -> c_int,
            start,
            stack,
            flags,
            argument,
            rest[0],
            rest[1],
            rest[2]
        )
    });
    // A child that shares the memory may go on borrowing for as long as it lives, if its parent does not wait for its end.
    if borrows && (call.result < 0 || flags & CLONE_VFORK != 0) {
        borrow::ended(call.result.max(0) as u32);
    }
    if flags & CLONE_THREAD == 0 {
        let kind = if flags & CLONE_VM != 0 { Kind::Vfork } else { Kind::Fork };
        write(&head(namespace, kind, -1, flags as u32, &call), &[]);
    }
    call.result
}

// `pid_t vfork(void)`: the same memory, the same stack, and two returns, so there can be no frame of ours below the call:
// the return address waits in a register that the kernel keeps.
global_asm!(
    ".pushsection .text.fencelab_vfork,\"ax\",@progbits",
    ".globl fencelab_vfork",
    ".hidden fencelab_vfork",
    ".type fencelab_vfork,@function",
    "fencelab_vfork:",
    "endbr64",
    "push rbp", // aligns the stack
    "call {begin}",
    "pop rbp",
    "pop rdi",
    "mov eax, {number}",
    "syscall",
    "push rdi",
    "test rax, rax",
    "jz 2f",
    "mov rdi, rax",
    "jmp {end}",
    "2: ret",
    ".popsection",
    begin = sym begin_vfork,
    end = sym end_vfork,
    number = const sys::nr::VFORK,
);

extern "C" fn begin_vfork() {
    ring::thread();
    borrow::begins();
}

/// In the parent, when the child has its own memory or is gone.
pub(super) extern "C" fn end_vfork(result: isize) -> isize {
    borrow::ended(result.max(0) as u32);
    let now = clock::now();
    let failed = result < 0;
    if failed {
        real::set_errno(0, -result as c_int);
    }
    let call = Timed { result: if failed { -1 } else { result as c_int }, enter: now, exit: now };
    write(&head(0, Kind::Vfork, -1, 0, &call), &[]);
    call.result as isize
}

/// `int posix_spawn(pid_t *pid, const char *path, ...)`.
pub fn posix_spawn(
    namespace: usize,
    pid: *mut c_int,
    name: *const c_char,
    rest: [*const c_void; 3],
    environment: *const *const c_char,
) -> c_int {
    let call = timed(|| {
        real!(
            namespace,
            PosixSpawn,
            fn(
                *mut c_int,
                *const c_char,
                *const c_void,
                *const c_void,
                *const c_void,
                *const *const c_char,
            ) -> c_int,
            pid,
            name,
            rest[0],
            rest[1],
            rest[2],
            environment
        )
    });
    spawned(pid, name, environment, &call);
    call.result
}

/// `int posix_spawnp(pid_t *pid, const char *file, ...)`.
pub fn posix_spawnp(
    namespace: usize,
    pid: *mut c_int,
    name: *const c_char,
    rest: [*const c_void; 3],
    environment: *const *const c_char,
) -> c_int {
    let call = timed(|| {
        real!(
            namespace,
            PosixSpawnp,
            fn(
                *mut c_int,
                *const c_char,
                *const c_void,
                *const c_void,
                *const c_void,
                *const *const c_char,
            ) -> c_int,
            pid,
            name,
            rest[0],
            rest[1],
            rest[2],
            environment
        )
    });
    spawned(pid, name, environment, &call);
    call.result
}

/// posix_spawn returns an errno and stores the pid. What it was given was read if it worked.
fn spawned(pid: *mut c_int, name: *const c_char, environment: *const *const c_char, call: &Timed) {
    let worked = call.result == 0;
    // SAFETY: libc has written the one and read the other.
    let (child, name) = unsafe {
        let child = if worked && !pid.is_null() { *pid } else { 0 };
        (child, if worked { path(name) } else { &[] })
    };
    // SAFETY: the new program was started with it.
    let lacks = worked && unsafe { lacks_session(environment) };
    let done = Timed { result: if worked { child } else { 0 }, ..*call };
    let mut head = head(0, Kind::Spawn, -1, u32::from(lacks), &done);
    if !worked {
        head.result = -call.result;
    }
    write(&head, &[Part::bytes(PATH, name)]);
}
