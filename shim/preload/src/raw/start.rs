//! How new tasks begin that share our memory.

use core::arch::global_asm;

use super::signals;
use crate::raw;

const CLONE_SIGHAND: usize = 0x800;

/// What a new task that shares our memory finds on its stack: the registers that it is to have.
#[repr(C, align(16))]
pub(super) struct Start {
    /// r8, r9, r10, r12, r13, r14, r15, di, si, bp, bx, dx.
    pub(super) registers: [usize; 12],
    pub(super) ip: usize,
    pub(super) eflags: usize,
    pub(super) sp: usize,
    /// Flags of the clone.
    pub(super) flags: usize,
}

unsafe extern "C" {
    /// Makes the call; the new task begins with the [`Start`] on top of its stack.
    pub(super) fn fencelab_raw_clone(number: usize, arguments: &[usize; 6]) -> isize;
    /// Makes the call on the caller's stack, which is kept in `save` up to `end` meanwhile.
    pub(super) fn fencelab_raw_vfork(
        number: usize,
        arguments: &[usize; 6],
        save: *mut u8,
        end: usize,
    ) -> isize;
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
    raw::arm();
}
