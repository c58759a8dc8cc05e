//! By which system call or ioctl the kernel was entered.

use crate::blame::main_trace;
use crate::frame::Frame;
use crate::report::Report;

/// What architectures put in front of a system call's name (include/linux/syscalls.h, arch/*/include/asm/syscall_wrapper.h).
const WRAPPERS: [&str; 12] = [
    "__x64_sys_",
    "__ia32_sys_",
    "__ia32_compat_sys_",
    "__arm64_sys_",
    "__arm64_compat_sys_",
    "__s390x_sys_",
    "__riscv_sys_",
    "__se_sys_",
    "__do_sys_",
    "__sys_",
    "SyS_",
    "ksys_",
];

/// `ioctl drm_mode_atomic_ioctl`, `munmap`: the DRM ioctl's handler, or the system call. None for a kernel thread, or where
/// the trace does not reach so far.
pub(crate) fn entry(report: &Report) -> Option<String> {
    let frames: Vec<&Frame> = main_trace(report).iter().filter(|frame| !frame.unreliable).collect();
    // The dispatcher calls the handler (drm_ioctl_kernel, drivers/gpu/drm/drm_ioctl.c).
    let dispatcher = frames.iter().position(|frame| frame.function == "drm_ioctl_kernel");
    if let Some(handler) = dispatcher.and_then(|at| frames.get(at.checked_sub(1)?)) {
        return Some(format!("ioctl {}", handler.function));
    }
    let called = |frame: &&&Frame| syscall(&frame.function).is_some();
    frames.iter().rev().find(called).and_then(|frame| syscall(&frame.function)).map(str::to_owned)
}

/// `munmap` out of `__x64_sys_munmap`.
fn syscall(function: &str) -> Option<&str> {
    WRAPPERS.iter().find_map(|wrapper| function.strip_prefix(wrapper)).filter(|name| !name.is_empty())
}
