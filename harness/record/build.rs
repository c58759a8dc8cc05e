//! Makes the shared object that is loaded into recorded programs, for `src/shim.rs` to embed.
//!
//! It has no std, no libc and no unwinding, and takes libc's place. Cargo gives such settings to a whole workspace, not to
//! a member, so the object is made here from the sources of shim/abi and shim/preload, with the same compiler: two
//! calls of rustc and one of the linker.

#![allow(clippy::unwrap_used, reason = "a build script tells of an error by ending")]

use std::env::var_os;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

const OPTIONS: &str = "--edition=2024 -Copt-level=2 -Cpanic=abort -Ccodegen-units=1 -Cembed-bitcode=yes \
    -Crelocation-model=pic -Cforce-unwind-tables=yes -Cllvm-args=-inline-threshold=25";
/// No libc and nothing else that would have to be loaded with it; every symbol resolved; what nobody calls left out.
const LINK: &str = "-shared -nostdlib -Wl,-O2,--build-id=none,--gc-sections,-z,defs,-z,now,-z,relro,-z,noexecstack,--hash-style=gnu,-z,noseparate-code,-Bsymbolic,-s";

fn main() {
    let shim = PathBuf::from(var_os("CARGO_MANIFEST_DIR").unwrap()).join("../../shim");
    let out = PathBuf::from(var_os("OUT_DIR").unwrap());
    for folder in ["abi/src", "preload/src", "preload/exports.map"] {
        println!("cargo::rerun-if-changed={}", shim.join(folder).display());
    }
    let object = out.join("libfencelab.so");
    if var_os("CARGO_CFG_TARGET_ARCH").unwrap() != "x86_64" {
        // The recorder then says that it has no shim for this machine.
        std::fs::write(object, []).unwrap();
        return;
    }
    let abi = out.join("libfencelab_abi.rlib");
    let small = ["-Copt-level=s".into()];
    compile(&shim.join("abi/src/lib.rs"), "fencelab_abi", "rlib", &abi, &small);
    let archive = out.join("libfencelab_preload.a");
    // What of it is hot is inlined by hand: the bench shows no difference, and a fifth of the size is saved.
    let with_abi = [
        "-Copt-level=s".into(),
        "--cfg".into(),
        "feature=\"so\"".into(),
        "-Clto=fat".into(),
        "--extern".into(),
        join("fencelab_abi=", &abi),
    ];
    compile(&shim.join("preload/src/lib.rs"), "fencelab_preload", "staticlib", &archive, &with_abi);
    let mut link = Command::new(var_os("CC").unwrap_or_else(|| "cc".into()));
    link.args(LINK.split_whitespace()).arg("-u").arg("ioctl").arg("-o").arg(&object);
    link.arg(join("-Wl,--version-script=", &shim.join("preload/exports.map"))).arg(&archive);
    run(&mut link);
}

fn compile(source: &Path, name: &str, kind: &str, to: &Path, more: &[OsString]) {
    let mut rustc = Command::new(var_os("RUSTC").unwrap());
    rustc.arg(source).args(["--crate-name", name, "--crate-type", kind, "-o"]).arg(to);
    rustc.arg("--target").arg(var_os("TARGET").unwrap()).args(OPTIONS.split_whitespace()).args(more);
    run(&mut rustc);
}

fn run(command: &mut Command) {
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
}

fn join(prefix: &str, path: &Path) -> OsString {
    let mut text = OsString::from(prefix);
    text.push(path);
    text
}
