//! Compares the tables with the kernel's own headers, by compiling a C program that includes them.
//!
//! The headers come from Debian's `linux-source-6.12`, which fencelab's guest kernel is built from, or from the folder
//! that `FENCELAB_UAPI` names (an `include/uapi`, or a newer linux-libc-dev's `usr/include`). amdgpu's user queues, which are
//! newer than 6.12, are compared where the header has them. nvidia-drm's are compared where `FENCELAB_NVIDIA_DRM` names its
//! nvidia-drm-ioctl.h, as Debian's nvidia-open-kernel-source has it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use fencelab_abi::ioctl::Ioctl;
use fencelab_abi::table;

const SOURCE: &str = "/usr/src/linux-source-6.12.tar.xz";

/// Headers that the kernel's uAPI has.
fn is_uapi(ioctl: &Ioctl) -> bool {
    ioctl.header.starts_with("drm/") || ioctl.header.starts_with("linux/")
}

/// Those whose header has it: user queues are newer than 6.12.
fn is_checked(ioctl: &Ioctl, include: &Path) -> bool {
    let has = || std::fs::read_to_string(include.join(ioctl.header)).unwrap().contains("AMDGPU_USERQ_SIGNAL");
    is_uapi(ioctl) && (!ioctl.name.contains("USERQ") || has())
}

/// An `include` folder for userspace, in `folder`, or `None` without the kernel's source.
fn headers(folder: &Path) -> Option<PathBuf> {
    let uapi = match std::env::var_os("FENCELAB_UAPI") {
        Some(uapi) => PathBuf::from(uapi),
        None => {
            if !Path::new(SOURCE).exists() {
                return None;
            }
            let wanted = "linux-source-6.12/include/uapi";
            let tar =
                Command::new("tar").args(["xf", SOURCE, "-C"]).arg(folder).arg(wanted).status().unwrap();
            assert!(tar.success(), "tar failed");
            folder.join(wanted)
        }
    };
    let include = folder.join("include");
    for ioctl in table::all().filter(|ioctl| is_uapi(ioctl)) {
        let to = include.join(ioctl.header);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        let text = std::fs::read_to_string(uapi.join(ioctl.header)).unwrap();
        let text = text.replace("__user", "").replace("#include <linux/compiler.h>", "");
        std::fs::write(to, text).unwrap();
    }
    for extra in ["drm/drm_mode.h", "drm/drm_fourcc.h"] {
        std::fs::copy(uapi.join(extra), include.join(extra)).unwrap();
    }
    // What drm_mode.h includes since 6.18.
    if uapi.join("linux/bits.h").exists() {
        std::fs::copy(uapi.join("linux/bits.h"), include.join("linux/bits.h")).unwrap();
    }
    Some(include)
}

/// Lines that fail to compile where the table is wrong. A struct that is shorter in the header than in the table is an
/// older one: its common part is compared.
fn assertions(ioctl: &Ioctl, header: &str) -> String {
    let mut text = String::new();
    let (name, (ty, nr)) = (ioctl.name, ioctl.key);
    let _ =
        writeln!(text, "_Static_assert(_IOC_TYPE({name}) == {ty} && _IOC_NR({name}) == {nr}, \"{name}\");");
    let _ = writeln!(text, "_Static_assert(_IOC_SIZE({name}) <= {}, \"size of {name}\");", ioctl.size);
    // A struct that is shorter in the header: fields whose names others have too.
    let grown: &[(&str, &str)] = &[
        ("DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD", "point"),
        ("DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE", "point"),
        ("DRM_IOCTL_AMDGPU_GEM_VA", "num_syncobj_handles"),
        ("DRM_IOCTL_PANFROST_SUBMIT", "pad"),
        ("DRM_IOCTL_AMDGPU_GEM_OP", "num_entries"),
        ("DRM_IOCTL_AMDGPU_GEM_OP", "padding"),
    ];
    let grown = if header.contains("jm_ctx_handle") || header.contains("AMDGPU_USERQ_SIGNAL") {
        &[][..]
    } else {
        grown
    };
    let composite = ioctl.argument.starts_with("struct") || ioctl.argument.starts_with("union");
    for field in ioctl.fields.iter().filter(|field| composite && !field.name.contains('[')) {
        let last = field.name.rsplit('.').next().unwrap_or_default();
        if grown.contains(&(name, field.name)) || ioctl.header != "drm/drm.h" && !header.contains(last) {
            continue;
        }
        let (argument, path) = (ioctl.argument, field.name);
        let _ = writeln!(
            text,
            "_Static_assert(offsetof({argument}, {path}) == {} && sizeof((({argument} *)0)->{path}) == {}, \"{name}.{path}\");",
            field.offset, field.size
        );
    }
    text
}

#[test]
#[ignore = "unpacks a part of the kernel's source, which takes up to a minute"]
fn tables_agree_with_the_kernels_headers() {
    let folder = tempfile::tempdir().unwrap();
    let Some(include) = headers(folder.path()) else {
        eprintln!("skipped: no {SOURCE}, and FENCELAB_UAPI is not set");
        return;
    };
    let checked: Vec<&Ioctl> = table::all().filter(|ioctl| is_checked(ioctl, &include)).collect();
    let mut program = String::from("#include <stddef.h>\n#include <sys/ioctl.h>\n");
    for ioctl in &checked {
        let _ = writeln!(program, "#include <{}>", ioctl.header);
    }
    let text = |ioctl: &Ioctl| std::fs::read_to_string(include.join(ioctl.header)).unwrap();
    program.extend(checked.iter().map(|ioctl| assertions(ioctl, &text(ioctl))));
    let source = folder.path().join("check.c");
    std::fs::write(&source, program).unwrap();
    let cc = Command::new("cc").args(["-fsyntax-only", "-I"]).arg(include).arg(source).output().unwrap();
    assert!(cc.status.success(), "{}", String::from_utf8_lossy(&cc.stderr));
    assert!(checked.len() > 140, "only {} ioctls were compared", checked.len());
}

#[test]
#[ignore = "needs NVIDIA's header, which Debian's main archive does not have"]
fn the_table_of_nvidia_drm_agrees_with_its_header() {
    let Some(header) = std::env::var_os("FENCELAB_NVIDIA_DRM") else {
        eprintln!("skipped: FENCELAB_NVIDIA_DRM is not set");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let Some(include) = headers(folder.path()) else {
        eprintln!("skipped: no {SOURCE}, and FENCELAB_UAPI is not set");
        return;
    };
    let text = std::fs::read_to_string(header).unwrap();
    std::fs::write(folder.path().join("nvidia-drm-ioctl.h"), &text).unwrap();
    // The kernel's own types, which the header takes for granted.
    let mut program = String::from(
        "#include <stddef.h>\n#include <stdint.h>\n#include <stdbool.h>\n#include <sys/ioctl.h>\n",
    );
    program += "#define NV_LINUX\n#include \"nvidia-drm-ioctl.h\"\n";
    // Semaphore surfaces came with 550.
    let is_there = |ioctl: &&Ioctl| ioctl.name.contains("_NVIDIA_") && text.contains(ioctl.name);
    let checked: Vec<&Ioctl> = table::all().filter(is_there).collect();
    program.extend(checked.iter().map(|ioctl| assertions(ioctl, &text)));
    let source = folder.path().join("check.c");
    std::fs::write(&source, program).unwrap();
    let mut cc = Command::new("cc");
    cc.args(["-fsyntax-only", "-I"]).arg(include).arg("-I").arg(folder.path()).arg(source);
    let cc = cc.output().unwrap();
    assert!(cc.status.success(), "{}", String::from_utf8_lossy(&cc.stderr));
    assert!(checked.len() >= 2, "only {} ioctls were compared", checked.len());
}
