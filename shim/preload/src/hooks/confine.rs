//! What may keep a later exec from finding the session, or us from asking the kernel: chroot, other users, seccomp.

use core::ffi::{c_char, c_int, c_uint, c_ulong};

use fencelab_abi::Kind;

use super::{about_to, write};
use crate::{clock, readable, real, session, sys::nr};

/// `int chroot(const char *path)`.
pub fn chroot(namespace: usize, path: *const c_char) -> c_int {
    let result = real!(namespace, Chroot, fn(*const c_char) -> c_int, path);
    confined(result, nr::CHROOT as u32)
}

/// `int setuid(uid_t user)`.
pub fn setuid(namespace: usize, user: c_uint) -> c_int {
    let result = real!(namespace, Setuid, fn(c_uint) -> c_int, user);
    confined(result, nr::SETUID as u32)
}

/// `int setreuid(uid_t real, uid_t effective)`.
pub fn setreuid(namespace: usize, user: c_uint, effective: c_uint) -> c_int {
    let result = real!(namespace, Setreuid, fn(c_uint, c_uint) -> c_int, user, effective);
    confined(result, nr::SETREUID as u32)
}

/// `int setresuid(uid_t real, uid_t effective, uid_t saved)`.
pub fn setresuid(namespace: usize, user: c_uint, effective: c_uint, saved: c_uint) -> c_int {
    let result = real!(namespace, Setresuid, fn(c_uint, c_uint, c_uint) -> c_int, user, effective, saved);
    confined(result, nr::SETRESUID as u32)
}

/// `int prctl(int operation, ...)`.
#[inline]
pub fn prctl(namespace: usize, operation: c_int, rest: [c_ulong; 4]) -> c_int {
    const PR_SET_SECCOMP: c_int = 22;
    const PR_SET_TSC: c_int = 26;
    const PR_TSC_SIGSEGV: c_ulong = 2;
    const SECCOMP_MODE_STRICT: c_ulong = 1;
    let forbids_tsc = match operation {
        PR_SET_TSC => rest[0] == PR_TSC_SIGSEGV,
        PR_SET_SECCOMP => {
            seccomp();
            // Which forbids it too (kernel/seccomp.c: seccomp_set_mode_strict).
            rest[0] == SECCOMP_MODE_STRICT
        }
        _ => false,
    };
    if forbids_tsc {
        forbid_tsc();
    }
    real!(
        namespace,
        Prctl,
        fn(c_int, c_ulong, c_ulong, c_ulong, c_ulong) -> c_int,
        operation,
        rest[0],
        rest[1],
        rest[2],
        rest[3]
    )
}

/// A filter is about to be set: what it forbids may end the program, so everything of ours that is left to ask is asked
/// now or never.
#[cold]
pub(crate) fn seccomp() {
    write(&about_to(Kind::Confined, -1, nr::SECCOMP as u32), &[]);
    readable::stop_probing();
}

/// The time stamp counter is about to be forbidden.
#[cold]
pub(crate) fn forbid_tsc() {
    if crate::ring::thread().is_some() {
        clock::leave_tsc(session::pool().first_pair);
    }
}

fn confined(result: c_int, call: u32) -> c_int {
    if result == 0 {
        let mut head = about_to(Kind::Confined, -1, call);
        head.exit = head.enter;
        write(&head, &[]);
    }
    result
}
