//! Where a kernel's source comes from.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Error, IoContext};

/// The source of a kernel. It is read, never written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A `linux-source-*.tar.xz`, as Debian's package of that name installs it in `/usr/src`.
    DebianPackage(PathBuf),
    /// An unpacked kernel tree.
    Tree(PathBuf),
}

impl Source {
    /// The newest `linux-source-*.tar.xz` in a folder, usually `/usr/src`.
    ///
    /// # Errors
    ///
    /// [`Error::NoSource`] if there is none, [`Error::Io`] if the folder cannot be listed.
    pub fn newest_in(folder: &Path) -> Result<Source, Error> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).doing("list", folder)? {
            let path = entry.doing("list", folder)?.path();
            if let Some(version) = package_version(&path) {
                found.push((version, path));
            }
        }
        found.sort();
        let (_, path) = found.pop().ok_or_else(|| Error::NoSource(folder.to_owned()))?;
        Ok(Source::DebianPackage(path))
    }

    /// The package or the tree.
    pub fn path(&self) -> &Path {
        match self {
            Source::DebianPackage(path) | Source::Tree(path) => path,
        }
    }

    /// The same source under its absolute path, so that `.` and its full name are one tree.
    pub(crate) fn resolved(&self) -> Result<Source, Error> {
        let path = fs::canonicalize(self.path()).doing("find source", self.path())?;
        Ok(match self {
            Source::DebianPackage(_) => Source::DebianPackage(path),
            Source::Tree(_) => Source::Tree(path),
        })
    }

    /// A name for messages and folders: the file name without its extensions.
    pub(crate) fn name(&self) -> String {
        let name = self.path().file_name().unwrap_or_default().to_string_lossy();
        name.trim_end_matches(".xz").trim_end_matches(".tar").to_owned()
    }

    /// A text that changes whenever the source does. A package is known by name, size and time of its archive: dpkg sets
    /// the time that the package was made with, so machines agree. A tree is known by path, size and time of each of its
    /// files, `.git` left out.
    pub(crate) fn fingerprint(&self) -> Result<String, Error> {
        match self {
            Source::DebianPackage(path) => {
                let meta = fs::metadata(path).doing("find source", path)?;
                Ok(format!("{} {} {}", self.name(), meta.size(), meta.mtime()))
            }
            Source::Tree(path) => {
                check_tree(path)?;
                let mut hash = Sha256::new();
                walk(path, &mut |relative, meta| {
                    let (size, seconds, nanos) = (meta.size(), meta.mtime(), meta.mtime_nsec());
                    hash.update(format!("{}\0{size} {seconds}.{nanos:09}\n", relative.display()));
                    Ok(())
                })?;
                Ok(format!("tree {:x}", hash.finalize()))
            }
        }
    }
}

/// `6.12` of `linux-source-6.12.tar.xz`, as numbers, so that 6.12 is newer than 6.9.
fn package_version(path: &Path) -> Option<Vec<u32>> {
    let name = path.file_name()?.to_str()?;
    let version = name.strip_prefix("linux-source-")?.strip_suffix(".tar.xz")?;
    version.split('.').map(|part| part.parse().ok()).collect()
}

/// What an earlier build inside of the tree leaves; kbuild's own check for `O=` looks at the same three
/// (`outputmakefile` in the top Makefile).
const LEFT_BY_BUILDS: &[&str] = &[".config", "include/config", "arch/x86/include/generated"];

fn check_tree(path: &Path) -> Result<(), Error> {
    let reason = |reason| Error::NotATree { path: path.to_owned(), reason };
    let makefile = fs::read_to_string(path.join("Makefile")).map_err(|_| reason("it has no Makefile"))?;
    if !makefile.lines().any(|line| line.starts_with("PATCHLEVEL =")) {
        return Err(reason("its Makefile names no kernel version"));
    }
    if !path.join("Kconfig").is_file() {
        return Err(reason("it has no Kconfig"));
    }
    match LEFT_BY_BUILDS.iter().find(|left| path.join(left).exists()) {
        Some(found) => Err(Error::TreeNotClean { path: path.to_owned(), found }),
        None => Ok(()),
    }
}

/// Calls `each` for every entry below `top` that is not a folder, with its path relative to `top`, in sorted order. Links
/// are not followed; `.git` at the top is left out.
pub(crate) fn walk(
    top: &Path,
    each: &mut dyn FnMut(&Path, &fs::Metadata) -> Result<(), Error>,
) -> Result<(), Error> {
    walk_below(top, Path::new(""), each)
}

fn walk_below(
    top: &Path,
    relative: &Path,
    each: &mut dyn FnMut(&Path, &fs::Metadata) -> Result<(), Error>,
) -> Result<(), Error> {
    let folder = top.join(relative);
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).doing("list", &folder)? {
        names.push(entry.doing("list", &folder)?.file_name());
    }
    names.sort_unstable();
    for name in names {
        let relative = relative.join(name);
        if relative == Path::new(".git") {
            continue;
        }
        let path = top.join(&relative);
        let meta = fs::symlink_metadata(&path).doing("read", &path)?;
        if meta.is_dir() {
            walk_below(top, &relative, each)?;
        } else {
            each(&relative, &meta)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("Makefile"), "VERSION = 6\nPATCHLEVEL = 12\n").unwrap();
        fs::write(dir.path().join("Kconfig"), "").unwrap();
        fs::create_dir_all(dir.path().join("drivers/gpu")).unwrap();
        fs::write(dir.path().join("drivers/gpu/a.c"), "int a;\n").unwrap();
        dir
    }

    #[test]
    fn the_newest_package_wins_by_number() {
        let dir = tempfile::tempdir().unwrap();
        for name in [
            "linux-source-6.9.tar.xz",
            "linux-source-6.12.tar.xz",
            "linux-source-6.1.tar.xz",
            "linux-config-7",
        ] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let source = Source::newest_in(dir.path()).unwrap();
        assert_eq!(source, Source::DebianPackage(dir.path().join("linux-source-6.12.tar.xz")));
        assert_eq!(source.name(), "linux-source-6.12");
    }

    #[test]
    fn a_folder_without_packages_says_which_to_install() {
        let dir = tempfile::tempdir().unwrap();
        let message = Source::newest_in(dir.path()).unwrap_err().to_string();
        assert!(message.contains("Debian package linux-source"), "{message}");
    }

    #[test]
    fn a_tree_is_known_by_its_files_but_not_by_its_history() {
        let dir = tree();
        let source = Source::Tree(dir.path().to_owned());
        let before = source.fingerprint().unwrap();
        fs::create_dir(dir.path().join(".git")).unwrap();
        fs::write(dir.path().join(".git/index"), "x").unwrap();
        assert_eq!(source.fingerprint().unwrap(), before);
        fs::write(dir.path().join("drivers/gpu/a.c"), "int ab;\n").unwrap();
        let edited = source.fingerprint().unwrap();
        assert_ne!(edited, before);
        fs::write(dir.path().join("drivers/gpu/b.c"), "").unwrap();
        assert_ne!(source.fingerprint().unwrap(), edited);
    }

    #[test]
    fn a_tree_that_was_built_in_is_refused_with_advice() {
        let dir = tree();
        fs::write(dir.path().join(".config"), "").unwrap();
        let message = Source::Tree(dir.path().to_owned()).fingerprint().unwrap_err().to_string();
        assert!(message.contains(".config") && message.contains("make mrproper"), "{message}");
    }

    #[test]
    fn what_is_no_tree_says_what_it_lacks() {
        let dir = tempfile::tempdir().unwrap();
        let source = Source::Tree(dir.path().to_owned());
        assert!(source.fingerprint().unwrap_err().to_string().contains("no Makefile"));
        fs::write(dir.path().join("Makefile"), "all:\n").unwrap();
        assert!(source.fingerprint().unwrap_err().to_string().contains("no kernel version"));
    }
}
