//! What modules from outside of a kernel's tree are built with: its headers, configuration and build scripts, in the folder
//! `build` beside its modules, where `make -C /lib/modules/RELEASE/build M=…` looks for them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, IoContext};
use crate::kernel::Kernel;
use crate::make::kernel_make;
use crate::source::walk;
use crate::work::Work;

/// The kernel's list of exported symbols, in its `build` folder. Empty where the kernel was built before these were kept.
const SYMBOLS: &str = "Module.symvers";

/// The folder of a finished kernel.
pub(crate) fn folder(kernel: &Kernel) -> PathBuf {
    kernel.modules.join("build")
}

/// Whether the kernel has kept it.
pub(crate) fn are_there(kernel: &Kernel) -> bool {
    folder(kernel).join(SYMBOLS).is_file()
}

/// Whether the list of symbols has any.
pub(crate) fn has_symbols(kernel: &Kernel) -> bool {
    fs::metadata(folder(kernel).join(SYMBOLS)).is_ok_and(|meta| meta.len() > 0)
}

/// `make` that copies them to `folder`, with the script that the kernel makes its own packages with.
pub(crate) fn command(work: &Work, folder: &Path, jobs: usize) -> Result<Command, Error> {
    // Only linking the kernel makes the list.
    let symbols = work.object().join(SYMBOLS);
    if !symbols.exists() {
        fs::write(&symbols, "").doing("write", &symbols)?;
    }
    let mut make = kernel_make(&work.source(), &work.object(), jobs);
    let script = "$(srctree)/scripts/package/install-extmod-build";
    make.arg("run-command").arg(format!("KBUILD_RUN_COMMAND={script} {}", folder.display()));
    Ok(make)
}

/// Replaces links by what they lead to: a tree of the caller's own is laid out as links, and will change.
pub(crate) fn resolve_links(folder: &Path) -> Result<(), Error> {
    let mut links = Vec::new();
    walk(folder, &mut |relative, meta| {
        let path = folder.join(relative);
        if meta.is_symlink() && fs::read_link(&path).is_ok_and(|target| target.is_absolute()) {
            links.push(path);
        }
        Ok(())
    })?;
    for link in links {
        let target = fs::read_link(&link).doing("read", &link)?;
        fs::remove_file(&link).doing("replace", &link)?;
        fs::copy(&target, &link).doing("copy", &target)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_out_of_the_folder_become_files_and_others_stay() {
        let (dir, tree) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(tree.path().join("Makefile"), "first").unwrap();
        fs::create_dir(dir.path().join("include")).unwrap();
        let copy = dir.path().join("include/Makefile");
        symlink(tree.path().join("Makefile"), &copy).unwrap();
        symlink("Makefile", dir.path().join("include/same")).unwrap();
        resolve_links(dir.path()).unwrap();
        fs::write(tree.path().join("Makefile"), "edited").unwrap();
        assert_eq!(fs::read_to_string(&copy).unwrap(), "first");
        assert!(dir.path().join("include/same").is_symlink());
    }
}
