//! A kernel that a guest can boot.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, IoContext};
use crate::image;
use crate::variant::Variant;

/// A bootable image and the modules that belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// The bzImage.
    pub image: PathBuf,
    /// The folder of this release's modules, `…/lib/modules/RELEASE`. `modprobe -d` takes [`Kernel::modules_root`].
    pub modules: PathBuf,
    /// What `uname -r` says in the guest.
    pub release: String,
    /// Which of our kernels it is; `None` for one that was built elsewhere, of whose annotations nothing is known.
    pub variant: Option<Variant>,
}

/// Where a folder may hold its image: ours, a distribution's `/boot`, a build tree.
const IMAGE_NAMES: &[&str] = &["bzImage", "vmlinuz", "arch/x86/boot/bzImage"];

impl Kernel {
    /// Takes a kernel that exists: a folder with an image and `lib/modules/RELEASE`, or an image file. Unless `modules` is
    /// given (as `lib/modules/RELEASE` itself, or as a folder that holds `lib/modules/RELEASE`, `modules/RELEASE` or
    /// `RELEASE`), they are looked for beside the image, and beside its parent for an image in `/boot`.
    ///
    /// # Errors
    ///
    /// [`Error::NoImage`], [`Error::Image`] and [`Error::NoModules`] say what was looked for and where; [`Error::Io`] if
    /// something cannot be read.
    pub fn at(path: &Path, modules: Option<&Path>) -> Result<Kernel, Error> {
        let path = fs::canonicalize(path).doing("open kernel", path)?;
        let image = if path.is_dir() { image_in(&path)? } else { path.clone() };
        let release = image::release(&image)?;
        let candidates = match modules {
            Some(given) => given_modules(&fs::canonicalize(given).doing("open modules", given)?, &release),
            None => modules_beside(&path, &release),
        };
        match candidates.iter().find(|folder| has_modules(folder)) {
            Some(modules) => {
                let variant = Variant::of_release(&release);
                Ok(Kernel { image, modules: modules.clone(), release, variant })
            }
            None => Err(Error::NoModules { release, looked_in: candidates }),
        }
    }

    /// The folder that holds `lib/modules/RELEASE`, if the modules lie in such a place.
    pub fn modules_root(&self) -> Option<&Path> {
        let modules = self.modules.parent()?;
        let lib = modules.parent()?;
        (modules.ends_with("modules") && lib.ends_with("lib")).then(|| lib.parent()).flatten()
    }
}

fn image_in(folder: &Path) -> Result<PathBuf, Error> {
    if let Some(image) = IMAGE_NAMES.iter().map(|name| folder.join(name)).find(|image| image.is_file()) {
        return Ok(image);
    }
    let mut versioned = Vec::new();
    for entry in fs::read_dir(folder).doing("list", folder)? {
        let entry = entry.doing("list", folder)?;
        if entry.file_name().to_string_lossy().starts_with("vmlinuz-") && entry.path().is_file() {
            versioned.push(entry.path());
        }
    }
    match versioned.len() {
        1 => Ok(versioned.remove(0)),
        0 => Err(no_image(folder, format!("there is no {} or vmlinuz-*", IMAGE_NAMES.join(", ")))),
        n => Err(no_image(folder, format!("there are {n} vmlinuz-* files; give one of them"))),
    }
}

fn no_image(folder: &Path, reason: String) -> Error {
    Error::NoImage { path: folder.to_owned(), reason }
}

fn given_modules(given: &Path, release: &str) -> Vec<PathBuf> {
    let inside = ["lib/modules", "modules", ""].map(|folder| given.join(folder).join(release));
    if given.ends_with(release) { vec![given.to_owned()] } else { inside.into() }
}

/// `path` is the image or a folder above it.
fn modules_beside(path: &Path, release: &str) -> Vec<PathBuf> {
    let folder = if path.is_dir() { Some(path) } else { path.parent() };
    let above = folder.and_then(Path::parent);
    [folder, above].into_iter().flatten().map(|folder| folder.join("lib/modules").join(release)).collect()
}

/// A folder without an index is of no use to modprobe.
fn has_modules(folder: &Path) -> bool {
    folder.join("modules.dep").is_file()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::fake_image;

    const RELEASE: &str = "6.12.117-fencelab-annotated";

    fn write(path: PathBuf, bytes: &[u8]) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// A folder whose path holds no symbolic links, so that results compare.
    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = fs::canonicalize(folder.path()).unwrap();
        (folder, path)
    }

    #[test]
    fn a_folder_with_image_and_modules() {
        let (_keep, dir) = folder();
        write(dir.join("bzImage"), &fake_image(RELEASE));
        write(dir.join("lib/modules").join(RELEASE).join("modules.dep"), b"");
        let kernel = Kernel::at(&dir, None).unwrap();
        assert_eq!(kernel.release, RELEASE);
        assert_eq!(kernel.variant, Some(Variant::Annotated));
        assert_eq!(kernel.modules_root(), Some(dir.as_path()));
        assert_eq!(Kernel::at(&dir.join("bzImage"), None).unwrap(), kernel);
    }

    #[test]
    fn a_distribution_keeps_them_apart() {
        let (_keep, dir) = folder();
        let release = "6.1.0-38-amd64";
        write(dir.join("boot/vmlinuz-6.1.0-38-amd64"), &fake_image(release));
        write(dir.join("lib/modules").join(release).join("modules.dep"), b"");
        let kernel = Kernel::at(&dir.join("boot"), None).unwrap();
        assert_eq!(kernel.variant, None);
        assert_eq!(kernel.modules, dir.join("lib/modules").join(release));
    }

    #[test]
    fn modules_may_be_given_at_any_depth() {
        let (_keep, dir) = folder();
        write(dir.join("bzImage"), &fake_image(RELEASE));
        let modules = dir.join("elsewhere/lib/modules").join(RELEASE);
        write(modules.join("modules.dep"), b"");
        let image = dir.join("bzImage");
        for given in
            [&modules, &dir.join("elsewhere/lib/modules"), &dir.join("elsewhere/lib"), &dir.join("elsewhere")]
        {
            assert_eq!(Kernel::at(&image, Some(given)).unwrap().modules, modules, "{}", given.display());
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let (_keep, dir) = folder();
        let message = |path: &Path| Kernel::at(path, None).unwrap_err().to_string();
        assert!(message(&dir).contains("there is no bzImage, vmlinuz"), "{}", message(&dir));
        write(dir.join("vmlinuz-1"), b"");
        write(dir.join("vmlinuz-2"), b"");
        assert!(message(&dir).contains("there are 2 vmlinuz-* files"), "{}", message(&dir));
        write(dir.join("bzImage"), &fake_image(RELEASE));
        let expected = format!("looked in {}/lib/modules/{RELEASE}, ", dir.display());
        assert!(message(&dir).contains(&expected), "{}", message(&dir));
        assert_eq!(message(&dir.join("nothing")), format!("open kernel {}/nothing", dir.display()));
    }
}
