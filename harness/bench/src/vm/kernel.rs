//! The kernel that a guest boots.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::Error;

/// A kernel image with its modules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// The bzImage.
    pub image: PathBuf,
    /// The folder of its modules: `.../lib/modules/RELEASE`, `modules.dep` in it.
    pub modules: PathBuf,
    /// Its release, as `uname -r` has it.
    pub release: String,
}

impl Kernel {
    /// The kernel in a folder that holds `bzImage` and `lib/modules/RELEASE`, the one there is.
    ///
    /// # Errors
    /// [`Error::Kernel`] when one of the two is missing or unreadable.
    pub fn find(folder: &Path) -> Result<Self, Error> {
        let all = folder.join("lib/modules");
        let unreadable = |error| Error::Kernel { path: all.clone(), error };
        let mut releases =
            fs::read_dir(&all).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(unreadable)?;
        releases.retain(|entry| entry.path().join("modules.dep").exists());
        let none = || unreadable(std::io::Error::other("no folder with a modules.dep in it (run depmod)"));
        let release = releases.pop().ok_or_else(none)?;
        let kernel = Kernel {
            image: folder.join("bzImage"),
            modules: release.path(),
            release: release.file_name().to_string_lossy().into_owned(),
        };
        kernel.check()?;
        Ok(kernel)
    }

    /// Whether everything can be read, before QEMU says it in its own words.
    pub(crate) fn check(&self) -> Result<(), Error> {
        for path in [&self.image, &self.modules.join("modules.dep")] {
            File::open(path).map_err(|error| Error::Kernel { path: path.clone(), error })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_found_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let error = |folder: &Path| Kernel::find(folder).unwrap_err().to_string();
        assert!(error(folder.path()).contains("lib/modules: No such file"));
        let modules = folder.path().join("lib/modules/6.12.0-test");
        fs::create_dir_all(&modules).unwrap();
        assert!(error(folder.path()).contains("run depmod"));
        fs::write(modules.join("modules.dep"), "").unwrap();
        assert!(error(folder.path()).contains("bzImage: No such file"));
        fs::write(folder.path().join("bzImage"), "").unwrap();
        let kernel = Kernel::find(folder.path()).unwrap();
        assert_eq!((kernel.release.as_str(), &kernel.modules), ("6.12.0-test", &modules));
    }
}
