//! The twins: software GPUs as kernel modules (`ci/twins`), built for each kernel and installed beside its own modules.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::error::{Error, IoContext};
use crate::headers;
use crate::kernel::Kernel;
use crate::make::{Log, external_make};
use crate::progress::Phase;
use crate::tools;

/// Every source by its path below `ci/twins`. Part of the binary, as fragments and patches are.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/twins.rs"));

/// Below a kernel's modules: where modules from outside of its tree go, by `Documentation/kbuild/modules.rst`.
const FOLDER: &str = "extra";

/// Beside the modules: the key of the sources that they were built from.
const KEY_FILE: &str = "fencelab-twins.key";

/// What kbuild prints for all twins: an object each, links, and what modules get on top.
pub(crate) const STEPS: u64 = 70;

/// Changes with every source.
pub(crate) fn key() -> String {
    let mut hash = Sha256::new();
    for part in FILES.iter().flat_map(|(name, text)| [name, text]) {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    format!("{:x}", hash.finalize())
}

/// Whether the twins of this kernel are those of this program.
pub(crate) fn are_current(kernel: &Kernel) -> bool {
    fs::read_to_string(key_file(kernel)).is_ok_and(|found| found == key())
}

fn key_file(kernel: &Kernel) -> PathBuf {
    kernel.modules.join(FOLDER).join(KEY_FILE)
}

/// Builds the twins in `folder`, which is empty, and installs them. The kernel keeps what external modules need in `build`.
pub(crate) fn build(
    kernel: &Kernel,
    folder: &Path,
    jobs: usize,
    log: &mut Log,
    step: &mut dyn FnMut(&str),
) -> Result<(), Error> {
    for (name, text) in FILES {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).doing("create", parent)?;
        }
        fs::write(&path, text).doing("write", &path)?;
    }
    let root = kernel.modules_root().ok_or_else(|| Error::NoModules {
        release: kernel.release.clone(),
        looked_in: vec![kernel.modules.clone()],
    })?;
    let build = headers::folder(kernel);
    let mut make = external_make(&build, folder, jobs);
    if !headers::has_symbols(kernel) {
        // Without the kernel's list of symbols, modpost cannot tell which of them there are. depmod can, later.
        make.arg("KBUILD_MODPOST_WARN=1");
    }
    make.arg("modules");
    log.run(Phase::Twins, "make", make, step)?;
    // The key goes first and comes back last: a build that is killed in between leaves none.
    remove_key(kernel)?;
    let mut install = external_make(&build, folder, jobs);
    install.arg(format!("INSTALL_MOD_PATH={}", root.display()));
    install.args(["INSTALL_MOD_STRIP=1", "modules_install"]).arg(format!("INSTALL_MOD_DIR={FOLDER}"));
    log.run(Phase::Twins, "make", install, step)?;
    log.run(Phase::Twins, "depmod", depmod(root, &kernel.release), step)?;
    let file = key_file(kernel);
    fs::write(&file, key()).doing("write", &file)
}

fn remove_key(kernel: &Kernel) -> Result<(), Error> {
    let file = key_file(kernel);
    if file.exists() { fs::remove_file(&file).doing("remove", &file) } else { Ok(()) }
}

/// kbuild leaves the index alone where there is no System.map, as here.
fn depmod(root: &Path, release: &str) -> Command {
    let mut depmod = Command::new(tools::depmod());
    depmod.current_dir(root).arg("-b").arg(root).arg(release);
    depmod
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::fake_image;

    #[test]
    fn the_sources_are_embedded_and_what_a_build_makes_is_not() {
        let names: Vec<&str> = FILES.iter().map(|&(name, _)| name).collect();
        for wanted in ["Kbuild", "probe.sh", "core/bus.c", "include/uapi/fencelab_twin.h"] {
            assert!(names.contains(&wanted), "{wanted} is not in {names:?}");
        }
        assert!(
            !names.iter().any(|name| name.ends_with(".mod.c") || name.ends_with("compat.h")),
            "{names:?}"
        );
    }

    #[test]
    fn every_object_that_kbuild_is_told_of_has_its_source() {
        let kbuild = FILES.iter().find(|&&(name, _)| name == "Kbuild").unwrap().1;
        let objects = kbuild.split_whitespace().filter_map(|word| word.strip_suffix(".o"));
        let mut count = 0;
        for object in objects.filter(|object| object.contains('/')) {
            let source = format!("{object}.c");
            assert!(FILES.iter().any(|&(name, _)| name == source), "Kbuild names {object}.o");
            count += 1;
        }
        let sources = FILES.iter().filter(|(name, _)| name.ends_with(".c")).count();
        assert_eq!(count, sources, "a source is in no module");
    }

    #[test]
    fn twins_of_other_sources_are_not_current() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("bzImage"), fake_image("6.12-fencelab")).unwrap();
        let modules = dir.path().join("lib/modules/6.12-fencelab");
        fs::create_dir_all(modules.join(FOLDER)).unwrap();
        fs::write(modules.join("modules.dep"), "").unwrap();
        let kernel = Kernel::at(dir.path(), None).unwrap();
        assert!(!are_current(&kernel));
        fs::write(key_file(&kernel), "0123").unwrap();
        assert!(!are_current(&kernel));
        fs::write(key_file(&kernel), key()).unwrap();
        assert!(are_current(&kernel));
        remove_key(&kernel).unwrap();
        remove_key(&kernel).unwrap();
        assert!(!are_current(&kernel));
    }
}
