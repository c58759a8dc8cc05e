//! What the kernel leaves on the stack for a signal handler on x86-64.

use core::mem::offset_of;

/// Si_code of a call that Syscall User Dispatch has stopped (include/uapi/asm-generic/siginfo.h).
pub const SYS_USER_DISPATCH: i32 = 2;
/// SI_TKILL.
pub const FROM_TKILL: i32 = -6;

/// siginfo_t as SIGSYS fills it in (include/uapi/asm-generic/siginfo.h).
#[repr(C)]
pub struct Info {
    /// The signal.
    pub signal: i32,
    /// An errno, for seccomp.
    pub errno: i32,
    /// Why it was sent.
    pub code: i32,
    pad: u32,
    /// The instruction behind the call.
    pub address: usize,
    /// The call's number.
    pub number: i32,
    /// AUDIT_ARCH of the call.
    pub arch: u32,
}

/// AUDIT_ARCH_X86_64 (include/uapi/linux/audit.h).
pub const ARCH_X86_64: u32 = 0xc000_003e;

/// stack_t.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Stack {
    /// Lowest address.
    pub start: usize,
    /// SS_ flags.
    pub flags: i32,
    /// Zero.
    pub pad: u32,
    /// Bytes.
    pub size: usize,
}

/// struct ucontext with struct sigcontext_64 (arch/x86/include/uapi/asm/sigcontext.h): the registers as they were when the
/// signal came, and as they will be when the handler returns.
#[repr(C)]
#[allow(missing_docs, reason = "registers")]
pub struct Frame {
    flags: u64,
    link: usize,
    /// The alternate stack.
    pub stack: Stack,
    pub r8: usize,
    pub r9: usize,
    pub r10: usize,
    pub r11: usize,
    pub r12: usize,
    pub r13: usize,
    pub r14: usize,
    pub r15: usize,
    pub di: usize,
    pub si: usize,
    pub bp: usize,
    pub bx: usize,
    pub dx: usize,
    pub ax: usize,
    pub cx: usize,
    pub sp: usize,
    pub ip: usize,
    pub eflags: usize,
    selectors: [u16; 4],
    err: u64,
    trap: u64,
    old_mask: u64,
    cr2: u64,
    /// The floating-point state.
    pub fpstate: usize,
    reserved: [u64; 8],
    /// The signals that are blocked.
    pub mask: u64,
}

/// Offset of the mask, as calls that are given a frame's address need it.
pub const MASK_OFFSET: usize = offset_of!(Frame, mask);
const _: () = assert!(MASK_OFFSET == 296 && offset_of!(Frame, r8) == 40 && offset_of!(Frame, fpstate) == 224);

impl Frame {
    /// The system call's arguments.
    pub fn arguments(&self) -> [usize; 6] {
        [self.di, self.si, self.dx, self.r10, self.r8, self.r9]
    }

    /// The address behind all that the kernel has pushed for this signal.
    pub fn end(&self) -> usize {
        /// struct _fpx_sw_bytes within the 512 bytes of the legacy state, with its size of everything, and its magic.
        const SOFTWARE: usize = 464;
        const MAGIC: u32 = 0x4650_5853;
        const LEGACY: usize = 512;
        if self.fpstate == 0 {
            return self as *const Self as usize + size_of::<Self>() + size_of::<[u64; 16]>();
        }
        // SAFETY: the kernel has written the state there.
        let [magic, size] = unsafe { ((self.fpstate + SOFTWARE) as *const [u32; 2]).read() };
        self.fpstate + if magic == MAGIC { size as usize } else { LEGACY }
    }
}
