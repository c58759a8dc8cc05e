//! Compares the tables with the kernel's own headers, by compiling a C program that includes them.
//!
//! The headers come from Debian's `linux-source-6.12`, which fencelab's guest kernel is built from, or from the folder
//! that `FENCELAB_UAPI` names (an `include/uapi`).

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use fencelab_abi::ioctl::Ioctl;
use fencelab_abi::table;

const SOURCE: &str = "/usr/src/linux-source-6.12.tar.xz";

/// Headers that the kernel's uAPI has. Those of others, and amdgpu's user queues, which are newer than 6.12, stay out.
fn is_checked(ioctl: &Ioctl) -> bool {
    (ioctl.header.starts_with("drm/") || ioctl.header.starts_with("linux/")) && !ioctl.name.contains("USERQ")
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
    for ioctl in table::all().filter(|ioctl| is_checked(ioctl)) {
        let to = include.join(ioctl.header);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        let text = std::fs::read_to_string(uapi.join(ioctl.header)).unwrap();
        let text = text.replace("__user", "").replace("#include <linux/compiler.h>", "");
        std::fs::write(to, text).unwrap();
    }
    for extra in ["drm/drm_mode.h", "drm/drm_fourcc.h"] {
        std::fs::copy(uapi.join(extra), include.join(extra)).unwrap();
    }
    Some(include)
}

/// Lines that fail to compile where the table is wrong. A struct that is shorter in the header than in the table is an
/// older one: its common part is compared.
fn assertions(ioctl: &Ioctl) -> String {
    let mut text = String::new();
    let (name, (ty, nr)) = (ioctl.name, ioctl.key);
    let _ =
        writeln!(text, "_Static_assert(_IOC_TYPE({name}) == {ty} && _IOC_NR({name}) == {nr}, \"{name}\");");
    let _ = writeln!(text, "_Static_assert(_IOC_SIZE({name}) <= {}, \"size of {name}\");", ioctl.size);
    let composite = ioctl.argument.starts_with("struct") || ioctl.argument.starts_with("union");
    for field in ioctl.fields.iter().filter(|field| composite && !field.name.contains('[')) {
        if name.starts_with("DRM_IOCTL_SYNCOBJ_") && field.name == "point" && ioctl.size == 24 {
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
    let checked: Vec<&Ioctl> = table::all().filter(|ioctl| is_checked(ioctl)).collect();
    let mut program = String::from("#include <stddef.h>\n#include <sys/ioctl.h>\n");
    for ioctl in &checked {
        let _ = writeln!(program, "#include <{}>", ioctl.header);
    }
    program.extend(checked.iter().map(|ioctl| assertions(ioctl)));
    let source = folder.path().join("check.c");
    std::fs::write(&source, program).unwrap();
    let cc = Command::new("cc").args(["-fsyntax-only", "-I"]).arg(include).arg(source).output().unwrap();
    assert!(cc.status.success(), "{}", String::from_utf8_lossy(&cc.stderr));
    assert!(checked.len() > 140, "only {} ioctls were compared", checked.len());
}
