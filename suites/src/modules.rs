//! Kernel modules: loads one with its parameters and all that it depends on, by reading `modules.dep`, so that a
//! guest needs no modprobe.

use std::collections::HashMap;
use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::kmod::{DeleteModuleFlags, ModuleInitFlags, delete_module, finit_module};

/// Why a module cannot be loaded or unloaded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No folder of modules, or one without `modules.dep`.
    #[error("read {}: {error}", path.display())]
    Index {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Neither in the folder nor built in.
    #[error("find the module {name} in {}", folder.display())]
    Unknown {
        /// The module.
        name: String,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// Its file cannot be read.
    #[error("read {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The kernel refused it.
    #[error("load the module {name}: {errno}")]
    Refused {
        /// The module, perhaps one that another needs.
        name: String,
        /// The kernel's answer: often that of the module's own init function.
        errno: Errno,
    },
    /// The kernel keeps it.
    #[error("unload the module {name}: {errno}")]
    Kept {
        /// The module.
        name: String,
        /// The kernel's answer.
        errno: Errno,
    },
}

/// What a load came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loaded {
    /// It was loaded now, with the parameters.
    Now,
    /// It was there already; its parameters are those of then.
    Before,
    /// It is built into the kernel; its parameters come from the kernel's command line.
    BuiltIn,
}

/// A folder of modules, `/lib/modules/RELEASE`.
#[derive(Debug, Clone)]
pub struct Modules {
    folder: PathBuf,
    /// Each module's file and the files it needs, all relative to the folder, as `modules.dep` has them.
    files: HashMap<String, (String, Vec<String>)>,
    built_in: Vec<String>,
}

impl Modules {
    /// The running kernel's own.
    ///
    /// # Errors
    /// [`Error::Index`].
    pub fn here() -> Result<Self, Error> {
        let release = fs::read_to_string("/proc/sys/kernel/osrelease")
            .map_err(|error| Error::Index { path: "/proc/sys/kernel/osrelease".into(), error })?;
        Self::open(&Path::new("/lib/modules").join(release.trim()))
    }

    /// The modules in `folder`.
    ///
    /// # Errors
    /// [`Error::Index`].
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("modules.dep");
        let index = fs::read_to_string(&path).map_err(|error| Error::Index { path, error })?;
        let mut files = HashMap::new();
        for (file, needs) in index.lines().filter_map(|line| line.split_once(':')) {
            let needs = needs.split_whitespace().map(str::to_owned).collect();
            files.insert(name_of(file), (file.to_owned(), needs));
        }
        // A kernel without the list has built in what its modules.dep lacks, for all that is known here.
        let built_in = fs::read_to_string(folder.join("modules.builtin")).unwrap_or_default();
        let built_in = built_in.lines().map(name_of).collect();
        Ok(Modules { folder: folder.into(), files, built_in })
    }

    /// The module's own file; none for one that is not in the folder.
    pub fn file(&self, name: &str) -> Option<PathBuf> {
        let (file, _) = self.files.get(&name.replace('-', "_"))?;
        Some(self.folder.join(file))
    }

    /// Loads a module with these parameters (`mock_selftests=-1 st_filter=..`), after all that it needs.
    ///
    /// # Errors
    /// [`Error::Unknown`], [`Error::Read`], [`Error::Refused`].
    pub fn load(&self, name: &str, parameters: &str) -> Result<Loaded, Error> {
        let key = name.replace('-', "_");
        let Some((file, needs)) = self.files.get(&key) else {
            if self.built_in.contains(&key) {
                return Ok(Loaded::BuiltIn);
            }
            return Err(Error::Unknown { name: name.into(), folder: self.folder.clone() });
        };
        // modules.dep names the direct need first and the deepest last.
        for needed in needs.iter().rev() {
            self.insert(needed, "")?;
        }
        self.insert(file, parameters)
    }

    /// Unloads a module, which nothing may use any more. What it needed stays.
    ///
    /// # Errors
    /// [`Error::Kept`].
    pub fn unload(name: &str) -> Result<(), Error> {
        let key = name.replace('-', "_");
        let kept = |errno| Error::Kept { name: name.into(), errno };
        let c_name = CString::new(key).map_err(|_| kept(Errno::EINVAL))?;
        delete_module(&c_name, DeleteModuleFlags::O_NONBLOCK).map_err(kept)
    }

    /// Whether the module is in the kernel, loaded or built in with parameters.
    pub fn is_loaded(name: &str) -> bool {
        Path::new("/sys/module").join(name.replace('-', "_")).exists()
    }

    fn insert(&self, file: &str, parameters: &str) -> Result<Loaded, Error> {
        let path = self.folder.join(file);
        let refused = |errno| Error::Refused { name: name_of(file), errno };
        let parameters = CString::new(parameters).map_err(|_| refused(Errno::EINVAL))?;
        let module = File::open(&path).map_err(|error| Error::Read { path, error })?;
        match finit_module(&module, &parameters, compression(file)) {
            Ok(()) => Ok(Loaded::Now),
            Err(Errno::EEXIST) => Ok(Loaded::Before),
            Err(errno) => Err(refused(errno)),
        }
    }
}

/// `kernel/drivers/gpu/drm/virtio/virtio-gpu.ko.xz` is the module `virtio_gpu`.
fn name_of(file: &str) -> String {
    let base = file.rsplit('/').next().unwrap_or(file);
    base.split(".ko").next().unwrap_or(base).replace('-', "_")
}

/// The kernel unpacks compressed modules itself when it is told to (`MODULE_INIT_COMPRESSED_FILE` in
/// include/uapi/linux/module.h).
fn compression(file: &str) -> ModuleInitFlags {
    const COMPRESSED_FILE: libc::c_uint = 4;
    if file.ends_with(".ko") {
        ModuleInitFlags::empty()
    } else {
        ModuleInitFlags::from_bits_retain(COMPRESSED_FILE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let index =
            "kernel/drm/drm.ko.xz:\nkernel/drm/virtio-gpu.ko: kernel/drm/helper.ko kernel/drm/drm.ko.xz\n";
        fs::write(folder.path().join("modules.dep"), index).unwrap();
        fs::write(folder.path().join("modules.builtin"), "kernel/dma-buf/udmabuf.ko\n").unwrap();
        folder
    }

    #[test]
    fn modules_are_known_by_either_spelling() {
        let folder = folder();
        let modules = Modules::open(folder.path()).unwrap();
        let (file, needs) = &modules.files["virtio_gpu"];
        assert_eq!(file, "kernel/drm/virtio-gpu.ko");
        assert_eq!(needs, &["kernel/drm/helper.ko", "kernel/drm/drm.ko.xz"]);
        assert!(modules.files.contains_key("drm"));
        assert_eq!(modules.file("virtio-gpu").unwrap(), folder.path().join(file));
        assert_eq!(modules.load("udmabuf", "").unwrap(), Loaded::BuiltIn);
    }

    #[test]
    fn the_deepest_need_comes_first_and_errors_name_the_file() {
        let folder = folder();
        let modules = Modules::open(folder.path()).unwrap();
        let error = modules.load("virtio-gpu", "").unwrap_err().to_string();
        assert!(error.contains("kernel/drm/drm.ko.xz"), "{error}");
        let error = modules.load("amdgpu", "").unwrap_err().to_string();
        assert!(error.starts_with("find the module amdgpu in /"), "{error}");
    }

    #[test]
    fn a_folder_without_an_index_is_told() {
        let error = Modules::open(Path::new("/nonexistent")).unwrap_err().to_string();
        assert!(error.starts_with("read /nonexistent/modules.dep: "), "{error}");
    }
}
