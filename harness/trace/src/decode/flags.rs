//! Names of flags and constants, as the uAPI headers of Linux 6.12 have them.

use super::value::Value;

/// Bits and their names.
type Names = &'static [(u64, &'static str)];

/// include/uapi/drm/drm.h.
const SYNCOBJ_WAIT: Names =
    &[(1, "WAIT_ALL"), (2, "WAIT_FOR_SUBMIT"), (4, "WAIT_AVAILABLE"), (8, "WAIT_DEADLINE")];
const SYNCOBJ_CREATE: Names = &[(1, "SIGNALED")];
const HANDLE_TO_FD: Names = &[(1, "EXPORT_SYNC_FILE"), (2, "TIMELINE")];
const FD_TO_HANDLE: Names = &[(1, "IMPORT_SYNC_FILE"), (2, "TIMELINE")];
const SYNCOBJ_QUERY: Names = &[(1, "LAST_SUBMITTED")];
const PRIME: Names = &[(2, "RDWR"), (0x8_0000, "CLOEXEC")];
/// include/uapi/drm/drm_mode.h.
const ATOMIC: Names = &[
    (1, "PAGE_FLIP_EVENT"),
    (2, "PAGE_FLIP_ASYNC"),
    (0x100, "TEST_ONLY"),
    (0x200, "NONBLOCK"),
    (0x400, "ALLOW_MODESET"),
];
const PAGE_FLIP: Names = &[(1, "EVENT"), (2, "ASYNC"), (4, "TARGET_ABSOLUTE"), (8, "TARGET_RELATIVE")];
const ADDFB2: Names = &[(1, "INTERLACED"), (2, "MODIFIERS")];
/// include/uapi/linux/dma-buf.h. That SYNC_START is 0 is said by the absence of SYNC_END.
const DMA_BUF_SYNC: Names = &[(1, "READ"), (2, "WRITE"), (4, "END")];
const DMA_BUF_SYNC_FILE: Names = &[(1, "READ"), (2, "WRITE")];
/// include/uapi/drm/vgem_drm.h.
const VGEM_ATTACH: Names = &[(1, "WRITE")];
/// include/uapi/drm/virtgpu_drm.h.
const VIRTGPU_EXEC: Names = &[(1, "FENCE_FD_IN"), (2, "FENCE_FD_OUT"), (4, "RING_IDX")];
const VIRTGPU_WAIT: Names = &[(1, "NOWAIT")];
/// include/uapi/drm/i915_drm.h; the low six bits name the engine.
const I915_EXEC: Names = &[
    (1 << 16, "FENCE_IN"),
    (1 << 17, "FENCE_OUT"),
    (1 << 18, "BATCH_FIRST"),
    (1 << 19, "FENCE_ARRAY"),
    (1 << 20, "FENCE_SUBMIT"),
    (1 << 21, "USE_EXTENSIONS"),
];
const I915_FENCE: Names = &[(1, "WAIT"), (2, "SIGNAL")];
/// include/uapi/drm/xe_drm.h.
const XE_SYNC: Names = &[(1, "SIGNAL")];
/// include/uapi/drm/panthor_drm.h.
const PANTHOR_SYNC: Names = &[(1, "TIMELINE_SYNCOBJ"), (1 << 31, "SIGNAL")];
/// include/uapi/drm/msm_drm.h; the low four bits name the pipe.
const MSM_SUBMIT: Names = &[
    (0x8000_0000, "NO_IMPLICIT"),
    (0x4000_0000, "FENCE_FD_IN"),
    (0x2000_0000, "FENCE_FD_OUT"),
    (0x0800_0000, "SYNCOBJ_IN"),
    (0x0400_0000, "SYNCOBJ_OUT"),
    (0x0200_0000, "FENCE_SN_IN"),
];
/// include/uapi/drm/etnaviv_drm.h.
const ETNAVIV_SUBMIT: Names = &[(1, "NO_IMPLICIT"), (2, "FENCE_FD_IN"), (4, "FENCE_FD_OUT"), (8, "SOFTPIN")];
/// include/uapi/asm-generic/fcntl.h, the bits above the access mode.
const OPEN: Names = &[
    (0x40, "O_CREAT"),
    (0x80, "O_EXCL"),
    (0x100, "O_NOCTTY"),
    (0x200, "O_TRUNC"),
    (0x400, "O_APPEND"),
    (0x800, "O_NONBLOCK"),
    (0x8_0000, "O_CLOEXEC"),
];
/// include/uapi/linux/close_range.h.
const CLOSE_RANGE: Names = &[(2, "CLOSE_RANGE_UNSHARE"), (4, "CLOSE_RANGE_CLOEXEC")];

fn names(ioctl: &str, field: &str) -> Names {
    match (ioctl, field) {
        ("DRM_IOCTL_SYNCOBJ_CREATE", _) => SYNCOBJ_CREATE,
        ("DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD", _) => HANDLE_TO_FD,
        ("DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE", _) => FD_TO_HANDLE,
        (
            "DRM_IOCTL_SYNCOBJ_WAIT"
            | "DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT"
            | "DRM_IOCTL_SYNCOBJ_TRANSFER"
            | "DRM_IOCTL_SYNCOBJ_EVENTFD",
            _,
        ) => SYNCOBJ_WAIT,
        ("DRM_IOCTL_SYNCOBJ_QUERY", _) => SYNCOBJ_QUERY,
        ("DRM_IOCTL_PRIME_HANDLE_TO_FD" | "DRM_IOCTL_PRIME_FD_TO_HANDLE", _) => PRIME,
        ("DRM_IOCTL_MODE_ATOMIC", _) => ATOMIC,
        ("DRM_IOCTL_MODE_PAGE_FLIP", _) => PAGE_FLIP,
        ("DRM_IOCTL_MODE_ADDFB2", _) => ADDFB2,
        ("DMA_BUF_IOCTL_SYNC", _) => DMA_BUF_SYNC,
        ("DMA_BUF_IOCTL_EXPORT_SYNC_FILE" | "DMA_BUF_IOCTL_IMPORT_SYNC_FILE", _) => DMA_BUF_SYNC_FILE,
        ("DMA_HEAP_IOCTL_ALLOC", "fd_flags") => OPEN,
        ("DRM_IOCTL_VGEM_FENCE_ATTACH", _) => VGEM_ATTACH,
        ("DRM_IOCTL_VIRTGPU_EXECBUFFER", "flags") => VIRTGPU_EXEC,
        ("DRM_IOCTL_VIRTGPU_WAIT", _) => VIRTGPU_WAIT,
        ("DRM_IOCTL_MSM_GEM_SUBMIT", "flags") => MSM_SUBMIT,
        ("DRM_IOCTL_ETNAVIV_GEM_SUBMIT", "flags") => ETNAVIV_SUBMIT,
        ("DRM_IOCTL_XE_EXEC" | "DRM_IOCTL_XE_VM_BIND", "flags") => XE_SYNC,
        ("DRM_IOCTL_PANTHOR_GROUP_SUBMIT" | "DRM_IOCTL_PANTHOR_VM_BIND", "flags") => PANTHOR_SYNC,
        _ => &[],
    }
}

/// A flags field's value with the names that its ioctl gives its bits. `size` tells i915's flags of a whole submission
/// from those of one of its fences.
pub(super) fn flags(ioctl: &str, field: &str, size: u16, bits: u64) -> Value {
    let table = match (ioctl, size) {
        ("DRM_IOCTL_I915_GEM_EXECBUFFER2_WR", 8) => I915_EXEC,
        ("DRM_IOCTL_I915_GEM_EXECBUFFER2_WR", _) => I915_FENCE,
        _ => names(ioctl, field),
    };
    named(table, bits)
}

fn named(table: Names, bits: u64) -> Value {
    let mut rest = bits;
    let mut names = Vec::new();
    for (mask, name) in table {
        if bits & mask == *mask {
            names.push(*name);
            rest &= !mask;
        }
    }
    Value::Flags { bits, names, rest }
}

/// The flags of an open.
pub fn open_flags(flags: u32) -> Value {
    const ACCESS: u64 = 3;
    let bits = u64::from(flags);
    let access = match bits & ACCESS {
        0 => "O_RDONLY",
        1 => "O_WRONLY",
        _ => "O_RDWR",
    };
    match named(OPEN, bits & !ACCESS) {
        Value::Flags { names, rest, .. } => {
            Value::Flags { bits, names: [vec![access], names].concat(), rest }
        }
        other => other,
    }
}

/// The flags of a close_range.
pub fn close_range_flags(flags: u32) -> Value {
    named(CLOSE_RANGE, u64::from(flags))
}

/// The name of a constant that a field holds.
pub(super) fn constant(ioctl: &str, field: &str, number: u64) -> Option<&'static str> {
    const AMDGPU_CTX: &[&str] = &["", "ALLOC_CTX", "FREE_CTX", "QUERY_STATE", "QUERY_STATE2"];
    const AMDGPU_LIST: &[&str] = &["CREATE", "DESTROY", "UPDATE"];
    const AMDGPU_FENCE: &[&str] = &["GET_SYNCOBJ", "GET_SYNCOBJ_FD", "GET_SYNC_FILE_FD"];
    const XE_SYNC: &[&str] = &["SYNCOBJ", "TIMELINE_SYNCOBJ", "USER_FENCE"];
    let names = match (ioctl, field) {
        ("DRM_IOCTL_AMDGPU_CTX", "in.op") => AMDGPU_CTX,
        ("DRM_IOCTL_AMDGPU_BO_LIST", "in.operation") => AMDGPU_LIST,
        ("DRM_IOCTL_AMDGPU_FENCE_TO_HANDLE", "in.what") => AMDGPU_FENCE,
        ("DRM_IOCTL_XE_EXEC" | "DRM_IOCTL_XE_VM_BIND", "type") => XE_SYNC,
        _ => return None,
    };
    names.get(usize::try_from(number).ok()?).copied().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_bits_have_names_and_the_rest_is_kept() {
        let expected = Value::Flags { bits: 0x13, names: vec!["WAIT_ALL", "WAIT_FOR_SUBMIT"], rest: 0x10 };
        assert_eq!(flags("DRM_IOCTL_SYNCOBJ_WAIT", "flags", 4, 0x13), expected);
    }

    #[test]
    fn an_open_has_an_access_mode() {
        let Value::Flags { names, rest, .. } = open_flags(0x8_0002) else { panic!("flags") };
        assert_eq!((names, rest), (vec!["O_RDWR", "O_CLOEXEC"], 0));
    }
}
