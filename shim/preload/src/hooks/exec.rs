//! exec. The record is written before the call, as nothing of ours is left after it.

use core::arch::global_asm;
use core::ffi::{c_char, c_int};

use fencelab_abi::section::PATH;
use fencelab_abi::{Kind, SESSION_VARIABLE};

use super::{Part, about_to, write};
use crate::readable::{self, Trust};
use crate::{real, ring};

/// Longest path that is looked at.
const LONGEST: usize = 256;

type Strings = *const *const c_char;

macro_rules! execs {
    ($($(#[$doc:meta])* $name:ident = $function:ident($($argument:ident: $type:ty),*), $path:expr, $environment:expr;)*) => { $(
        $(#[$doc])*
        pub fn $name(namespace: usize, $($argument: $type),*) -> c_int {
            announce($path, $environment);
            let result = real!(namespace, $function, fn($($type),*) -> c_int, $($argument),*);
            failed(real::outcome(namespace, result));
            result
        }
    )* };
}

execs! {
    /// `int execve(const char *path, char *const argv[], char *const envp[])`.
    execve = Execve(path: *const c_char, arguments: Strings, environment: Strings), path, Some(environment);
    /// `int execv(const char *path, char *const argv[])`.
    execv = Execv(path: *const c_char, arguments: Strings), path, None;
    /// `int execvp(const char *file, char *const argv[])`.
    execvp = Execvp(file: *const c_char, arguments: Strings), file, None;
    /// `int execvpe(const char *file, char *const argv[], char *const envp[])`.
    execvpe = Execvpe(file: *const c_char, arguments: Strings, environment: Strings), file, Some(environment);
    /// `int execveat(int folder, const char *path, char *const argv[], char *const envp[], int flags)`.
    execveat = Execveat(folder: c_int, path: *const c_char, arguments: Strings, environment: Strings, flags: c_int),
        path, Some(environment);
    /// `int fexecve(int fd, char *const argv[], char *const envp[])`.
    fexecve = Fexecve(fd: c_int, arguments: Strings, environment: Strings), core::ptr::null(), Some(environment);
}

// execl and its like take their arguments one by one: five in registers, the rest on the stack. Without the return address
// between them, they lie there as an array.
global_asm!(
    ".pushsection .text.fencelab_execl,\"ax\",@progbits",
    ".macro listed name hook",
    ".globl \\name",
    ".hidden \\name",
    ".type \\name,@function",
    "\\name:",
    "endbr64",
    "pop r10",
    "push r9",
    "push r8",
    "push rcx",
    "push rdx",
    "push rsi",
    "mov rsi, rsp",
    "push r10", // aligns the stack
    "call \\hook",
    "pop r10",
    "add rsp, 40",
    "push r10",
    "ret",
    ".endm",
    "listed fencelab_execl {execl}",
    "listed fencelab_execle {execle}",
    "listed fencelab_execlp {execlp}",
    ".popsection",
    execl = sym execl,
    execle = sym execle,
    execlp = sym execlp,
);

/// `int execl(const char *path, const char *argument, ..., NULL)`.
extern "C" fn execl(path: *const c_char, arguments: Strings) -> c_int {
    execv(0, path, arguments)
}

/// `int execle(const char *path, const char *argument, ..., NULL, char *const envp[])`.
extern "C" fn execle(path: *const c_char, arguments: Strings) -> c_int {
    let mut end = arguments;
    // SAFETY: the list ends with a null pointer, and the environment follows.
    let environment = unsafe {
        while !(*end).is_null() {
            end = end.add(1);
        }
        *end.add(1)
    };
    execve(0, path, arguments, environment.cast())
}

/// `int execlp(const char *file, const char *argument, ..., NULL)`.
extern "C" fn execlp(file: *const c_char, arguments: Strings) -> c_int {
    execvp(0, file, arguments)
}

/// Records that the program is about to be replaced. What it passes may be garbage: the kernel is yet to say so.
pub(crate) fn announce(path: *const c_char, environment: Option<Strings>) {
    ring::thread();
    let mut name = [0; LONGEST];
    let len = copy_string(path, &mut name);
    // What is recorded from outside needs no environment.
    let lacks = environment.filter(|_| !crate::raw::is_on()).is_some_and(|environment| {
        // SAFETY: it is only read where it is there.
        readable::check(environment as usize, size_of::<usize>(), Trust::Look)
            && unsafe { lacks_session(environment) }
    });
    write(&about_to(Kind::Exec, -1, u32::from(lacks)), &[Part::bytes(PATH, &name[..len])]);
}

fn failed(errno: i32) {
    let mut head = about_to(Kind::Exec, -1, 0);
    (head.exit, head.result) = (head.enter, errno);
    write(&head, &[]);
}

/// Copies a string as far as it can be read.
fn copy_string(from: *const c_char, to: &mut [u8; LONGEST]) -> usize {
    for (at, byte) in to.iter_mut().enumerate() {
        let address = from as usize + at;
        // Whether a byte is there can change at a page's start only.
        let looked = at == 0 || address.is_multiple_of(4096);
        if from.is_null() || looked && !readable::check(address, 1, Trust::Ask) {
            return at;
        }
        // SAFETY: checked.
        *byte = unsafe { readable::load(address, 1) as u8 };
        if *byte == 0 {
            return at;
        }
    }
    LONGEST
}

/// Whether an environment lacks the session's variable.
///
/// # Safety
///
/// It ends with a null pointer, and its strings that are on the stack, in data or in the heap end with NUL.
pub(crate) unsafe fn lacks_session(environment: Strings) -> bool {
    const MOST: usize = 4096;
    let wanted = SESSION_VARIABLE.as_bytes();
    for index in 0..MOST {
        let slot = environment as usize + index * size_of::<usize>();
        if !readable::check(slot, size_of::<usize>(), Trust::Ask) {
            return false;
        }
        // SAFETY: checked.
        let string = unsafe { readable::load(slot, 8) as usize };
        if string == 0 {
            return true;
        }
        if !readable::check(string, wanted.len() + 1, Trust::Ask) {
            continue;
        }
        // SAFETY: checked.
        let matches =
            (0..wanted.len()).all(|at| unsafe { readable::load(string + at, 1) as u8 } == wanted[at]);
        if matches {
            return false;
        }
    }
    false
}
