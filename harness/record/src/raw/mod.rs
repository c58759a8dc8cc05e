//! `--raw`: bringing the shim into programs that no ld.so would load it into.
//!
//! A task that is about to exec asks for it in the pool's header ([`request`]). The [`tracer`] traces it until the new program
//! is there, puts the shim's [`image`] into its memory, has it start ([`tracee`]), and lets go.

mod image;
mod request;
mod tracee;
mod tracer;

pub(crate) use image::Image;
pub(crate) use request::Requests;
pub(crate) use tracer::Tracer;

/// Whether this kernel has Syscall User Dispatch: turning off what is off works.
pub(crate) fn is_supported() -> bool {
    const PR_SET_SYSCALL_USER_DISPATCH: libc::c_int = 59;
    // SAFETY: PR_SYS_DISPATCH_OFF with zeros changes nothing.
    unsafe { libc::prctl(PR_SET_SYSCALL_USER_DISPATCH, 0, 0, 0, 0) == 0 }
}
