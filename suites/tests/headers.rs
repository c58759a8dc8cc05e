//! Compares the GPU drivers' structs with the kernel's own headers, by compiling a C program that includes them.
//!
//! The headers come from Debian's `linux-source-6.12`, which fencelab's guest kernel is built from, or from the folder
//! that `FENCELAB_UAPI` names (an `include/uapi`).

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use fencelab_suites::uapi::{Layout, amdgpu, fb2, i915, xe};

const SOURCE: &str = "/usr/src/linux-source-6.12.tar.xz";
const HEADERS: [&str; 4] = ["drm.h", "amdgpu_drm.h", "i915_drm.h", "xe_drm.h"];

/// A folder with `drm/*.h` for userspace, or `None` without the kernel's source.
fn headers(folder: &Path) -> Option<PathBuf> {
    let uapi = match std::env::var_os("FENCELAB_UAPI") {
        Some(uapi) => PathBuf::from(uapi),
        None if !Path::new(SOURCE).exists() => return None,
        None => {
            let wanted = "linux-source-6.12/include/uapi/drm";
            let tar =
                Command::new("tar").args(["xf", SOURCE, "-C"]).arg(folder).arg(wanted).status().unwrap();
            assert!(tar.success(), "tar failed");
            folder.join("linux-source-6.12/include/uapi")
        }
    };
    let include = folder.join("include");
    std::fs::create_dir_all(include.join("drm")).unwrap();
    for header in HEADERS.iter().chain(&["drm_mode.h", "drm_fourcc.h"]) {
        let text = std::fs::read_to_string(uapi.join("drm").join(header)).unwrap();
        std::fs::write(include.join("drm").join(header), text.replace("__user", "")).unwrap();
    }
    Some(include)
}

/// Lines that fail to compile where a struct is another than the header's. Padding and reserved fields have names of
/// their own here; their places follow from their neighbours'.
fn struct_lines<T: Layout>(text: &mut String, checked: &mut usize) {
    let name = T::C_NAME;
    assert!(!name.is_empty(), "a struct without a name cannot be compared");
    let _ = writeln!(text, "_Static_assert(sizeof({name}) == {}, \"size of {name}\");", size_of::<T>());
    for (field, offset, size) in T::FIELDS {
        let field = &field.trim_start_matches("r#");
        let extension =
            name.ends_with("timeline_fences") && ["next_extension", "name", "flags", "rsvd"].contains(field);
        if extension || ["pad", "dr1", "dr4", "arguments"].contains(field) {
            continue;
        }
        *checked += 1;
        let _ = writeln!(
            text,
            "_Static_assert(offsetof({name}, {field}) == {offset} && sizeof((({name} *)0)->{field}) == {size}, \"{name}.{field}\");"
        );
    }
}

fn request_line(text: &mut String, name: &str, number: libc::Ioctl) {
    let _ = writeln!(text, "_Static_assert({name} == {number:#x}ul, \"{name}\");");
}

/// xe's numbers: nothing but the header tells whether they are right, for no case here runs them.
fn constants(text: &mut String) {
    for (name, value) in [
        ("DRM_XE_DEVICE_QUERY_ENGINES", u64::from(xe::QUERY_ENGINES)),
        ("DRM_XE_DEVICE_QUERY_MEM_REGIONS", xe::QUERY_MEM_REGIONS.into()),
        ("DRM_XE_MEM_REGION_CLASS_SYSMEM", xe::REGION_SYSMEM.into()),
        ("DRM_XE_ENGINE_CLASS_VM_BIND", xe::CLASS_VM_BIND.into()),
        ("DRM_XE_ENGINE_CLASS_COPY", xe::CLASS_COPY.into()),
        ("DRM_XE_GEM_CPU_CACHING_WB", xe::CACHING_WB.into()),
        ("DRM_XE_VM_CREATE_FLAG_LR_MODE", xe::VM_LR_MODE.into()),
        ("DRM_XE_VM_CREATE_FLAG_FAULT_MODE", xe::VM_FAULT_MODE.into()),
        ("DRM_XE_VM_BIND_OP_MAP", xe::BIND_MAP.into()),
        ("DRM_XE_VM_BIND_OP_UNMAP", xe::BIND_UNMAP.into()),
        ("DRM_XE_VM_BIND_OP_MAP_USERPTR", xe::BIND_MAP_USERPTR.into()),
        ("DRM_XE_SYNC_TYPE_SYNCOBJ", xe::SYNC_SYNCOBJ.into()),
        ("DRM_XE_SYNC_TYPE_TIMELINE_SYNCOBJ", xe::SYNC_TIMELINE.into()),
        ("DRM_XE_SYNC_TYPE_USER_FENCE", xe::SYNC_USER_FENCE.into()),
        ("DRM_XE_SYNC_FLAG_SIGNAL", xe::SYNC_SIGNAL.into()),
        ("DRM_XE_UFENCE_WAIT_OP_EQ", xe::WAIT_EQ.into()),
        ("DRM_XE_UFENCE_WAIT_OP_LTE", xe::WAIT_LTE.into()),
        ("DRM_XE_UFENCE_WAIT_FLAG_ABSTIME", xe::WAIT_ABSTIME.into()),
        ("DRM_MODE_FB_MODIFIERS", fb2::MODIFIERS.into()),
        ("DRM_FORMAT_MOD_LINEAR", fb2::LINEAR),
        ("DRM_FORMAT_MOD_INVALID", fb2::INVALID),
    ] {
        let _ = writeln!(text, "_Static_assert({name} == {value:#x}ull, \"{name}\");");
    }
}

#[test]
#[ignore = "unpacks a part of the kernel's source, which takes up to a minute"]
fn structs_and_requests_agree_with_the_kernels_headers() {
    let folder = tempfile::tempdir().unwrap();
    let Some(include) = headers(folder.path()) else {
        eprintln!("skipped: no {SOURCE}, and FENCELAB_UAPI is not set");
        return;
    };
    let mut text = String::from("#include <stddef.h>\n#include <sys/ioctl.h>\n");
    HEADERS
        .iter()
        .chain(&["drm_mode.h", "drm_fourcc.h"])
        .for_each(|header| text.push_str(&format!("#include <drm/{header}>\n")));
    let mut checked = 0;
    macro_rules! compare {
        ($($module:ident: $($name:ident)*;)*) => {
            $($(struct_lines::<$module::$name>(&mut text, &mut checked);)*)*
        };
    }
    compare! {
        amdgpu: CreateIn MmapIn Userptr Va GemOp WaitIdleIn WaitIdleOut CtxIn BoListIn BoListEntry Chunk CsIn CsOut
            ChunkIb ChunkDep ChunkSem ChunkSyncobj WaitCsIn WaitCsOut Fence WaitFencesIn WaitFencesOut Info;
        i915: Getparam Create MmapOffset Userptr ExecObject Execbuffer ExecFence TimelineFences Wait Busy ContextCreate
            ContextDestroy ResetStats;
        xe: EngineInstance Engine MemRegion DeviceQuery GemCreate MmapOffset VmCreate VmDestroy VmBindOp VmBind ExecQueueCreate
            ExecQueueDestroy Sync Exec WaitUserFence;
        fb2: FbCmd2;
    }
    macro_rules! requests {
        ($module:ident $prefix:literal: $($name:ident)*) => {
            $(request_line(&mut text, concat!($prefix, stringify!($name)), $module::request::$name);)*
        };
    }
    requests!(amdgpu "DRM_IOCTL_AMDGPU_": GEM_CREATE GEM_MMAP CTX CS INFO GEM_WAIT_IDLE GEM_VA WAIT_CS GEM_OP GEM_USERPTR
        WAIT_FENCES FENCE_TO_HANDLE);
    requests!(i915 "DRM_IOCTL_I915_": GETPARAM GEM_BUSY GEM_CREATE GEM_MMAP_OFFSET GEM_WAIT GET_RESET_STATS GEM_USERPTR);
    requests!(xe "DRM_IOCTL_XE_": DEVICE_QUERY GEM_CREATE GEM_MMAP_OFFSET VM_CREATE VM_DESTROY VM_BIND EXEC_QUEUE_CREATE
        EXEC_QUEUE_DESTROY EXEC WAIT_USER_FENCE);
    constants(&mut text);
    request_line(&mut text, "DRM_IOCTL_MODE_ADDFB2", fb2::ADDFB2);
    request_line(&mut text, "DRM_IOCTL_I915_GEM_EXECBUFFER2_WR", i915::request::EXECBUFFER2_WR);
    request_line(&mut text, "DRM_IOCTL_I915_GEM_CONTEXT_CREATE", i915::request::CONTEXT_CREATE);
    request_line(&mut text, "DRM_IOCTL_I915_GEM_CONTEXT_DESTROY", i915::request::CONTEXT_DESTROY);
    let source = folder.path().join("check.c");
    std::fs::write(&source, &text).unwrap();
    let cc = Command::new("cc").args(["-fsyntax-only", "-I"]).arg(include).arg(source).output().unwrap();
    assert!(cc.status.success(), "{}", String::from_utf8_lossy(&cc.stderr));
    assert!(checked > 100, "only {checked} fields were compared");
}
