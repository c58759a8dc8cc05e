//! The work tree: our own copy of a source, and the objects built from it.
//!
//! `source/` exists only while building. It is the unpacked package, or links to each file of the caller's tree, so that
//! neither patches nor a build can reach the original. `obj/` stays, because it makes the other variant a matter of seconds
//! and a developer's next build an incremental one. It takes about 360 MB, and only the source built last has one; it goes
//! when both variants of a package are in the cache.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use crate::error::{Error, IoContext};
use crate::make::Log;
use crate::patch::{Patch, touched_files};
use crate::progress::Phase;
use crate::source::{Source, walk};
use crate::variant::Variant;

#[derive(Debug)]
pub(crate) struct Work {
    folder: PathBuf,
    source_name: String,
}

impl Work {
    /// The work tree for a source below `parent`. Those of other sources are removed.
    pub(crate) fn open(parent: &Path, source: &Source, fingerprint: &str) -> Result<Work, Error> {
        let name = folder_name(source, fingerprint);
        fs::create_dir_all(parent.join(&name)).doing("create", &parent.join(&name))?;
        for entry in fs::read_dir(parent).doing("list", parent)? {
            let entry = entry.doing("list", parent)?;
            if entry.file_name() != name.as_str() {
                fs::remove_dir_all(entry.path()).doing("remove", &entry.path())?;
            }
        }
        let work = Work { folder: parent.join(name), source_name: source.name() };
        let object = work.object();
        fs::create_dir_all(&object).doing("create", &object)?;
        Ok(work)
    }

    pub(crate) fn source(&self) -> PathBuf {
        self.folder.join("source")
    }

    pub(crate) fn object(&self) -> PathBuf {
        self.folder.join("obj")
    }

    /// Whether an earlier build got as far as linking.
    pub(crate) fn has_objects(&self) -> bool {
        self.object().join("vmlinux").exists()
    }

    /// Makes `source/` anew.
    pub(crate) fn lay_out(&self, source: &Source, log: &mut Log) -> Result<(), Error> {
        self.remove_source()?;
        let folder = self.source();
        fs::create_dir(&folder).doing("create", &folder)?;
        match source {
            Source::DebianPackage(archive) => unpack(archive, &folder, log),
            Source::Tree(tree) => link(tree, &folder),
        }
    }

    /// Gives the files that patches touch the content of `variant`.
    ///
    /// They are written anew for every variant and so get a new time, which makes kbuild compile them again: which variant
    /// the objects were built from needs no bookkeeping, and an interrupted build cannot get it wrong.
    pub(crate) fn apply(&self, variant: Variant) -> Result<(), Error> {
        let source = self.source();
        for file in touched_files() {
            let path = source.join(file);
            // A tree without the file takes no patch either; that is reported with the patch's name.
            if path.exists() {
                let text = fs::read(&path).doing("read", &path)?;
                fs::remove_file(&path).doing("replace", &path)?;
                fs::write(&path, text).doing("write", &path)?;
            }
        }
        variant.patches().iter().try_for_each(|patch| self.apply_patch(patch))
    }

    fn apply_patch(&self, patch: &Patch) -> Result<(), Error> {
        let error = |source| Error::Run { program: "patch", source };
        let mut child = Command::new("patch")
            .args(["-p1", "--batch", "--forward", "--no-backup-if-mismatch", "--reject-file=-"])
            .current_dir(self.source())
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(error)?;
        if let Some(mut stdin) = child.stdin.take() {
            // A patch that gives up early says why on its output.
            let _ = stdin.write_all(patch.text().as_bytes());
        }
        let output = child.wait_with_output().map_err(error)?;
        if output.status.success() {
            return Ok(());
        }
        let output = String::from_utf8_lossy(&output.stdout).into_owned();
        Err(Error::Patch { patch: patch.file(), source_name: self.source_name.clone(), output })
    }

    /// Removes `source/`, 1.7 GB if it was unpacked.
    pub(crate) fn remove_source(&self) -> Result<(), Error> {
        let source = self.source();
        if source.exists() { fs::remove_dir_all(&source).doing("remove", &source) } else { Ok(()) }
    }

    pub(crate) fn remove(self) -> Result<(), Error> {
        fs::remove_dir_all(&self.folder).doing("remove", &self.folder)
    }
}

/// A tree keeps its objects while it is edited; another package, or another version of one, starts afresh.
fn folder_name(source: &Source, fingerprint: &str) -> String {
    let hash = match source {
        Source::DebianPackage(_) => Sha256::digest(fingerprint),
        Source::Tree(path) => Sha256::digest(path.as_os_str().as_encoded_bytes()),
    };
    format!("{}-{}", source.name(), &format!("{hash:x}")[..8])
}

fn unpack(archive: &Path, folder: &Path, log: &mut Log) -> Result<(), Error> {
    let mut tar = Command::new("tar");
    tar.arg("-xf").arg(archive).arg("--strip-components=1").arg("-C").arg(folder);
    log.run(Phase::Source, "tar", tar, &mut |_| ())
}

/// Links every file of `tree`, an absolute path, into `folder`.
fn link(tree: &Path, folder: &Path) -> Result<(), Error> {
    let mut parent = PathBuf::new();
    walk(tree, &mut |relative, _| {
        let place = folder.join(relative);
        // Entries come folder by folder.
        if let Some(above) = place.parent().filter(|above| *above != parent) {
            fs::create_dir_all(above).doing("create", above)?;
            parent = above.to_owned();
        }
        symlink(tree.join(relative), &place).doing("link", &place)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree that has just the files that the patches touch, empty.
    fn tree() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in touched_files() {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "int nothing;\n").unwrap();
        }
        fs::write(dir.path().join("Makefile"), "PATCHLEVEL = 12\n").unwrap();
        dir
    }

    fn laid_out(tree: &Path, cache: &Path) -> Work {
        let source = Source::Tree(tree.to_owned());
        let work = Work::open(&cache.join("work"), &source, "x").unwrap();
        let mut log = Log::create(cache.join("log")).unwrap();
        work.lay_out(&source, &mut log).unwrap();
        work
    }

    #[test]
    fn a_tree_is_linked_and_touched_files_are_copies() {
        let (tree, cache) = (tree(), tempfile::tempdir().unwrap());
        let work = laid_out(tree.path(), cache.path());
        work.apply(Variant::Stock).unwrap();
        assert!(work.source().join("Makefile").is_symlink());
        for file in touched_files() {
            let copy = work.source().join(file);
            assert!(!copy.is_symlink());
            fs::write(copy, "changed").unwrap();
            assert_eq!(fs::read_to_string(tree.path().join(file)).unwrap(), "int nothing;\n");
        }
    }

    #[test]
    fn a_patch_that_does_not_fit_is_named_and_the_tree_stays_as_it_was() {
        let (tree, cache) = (tree(), tempfile::tempdir().unwrap());
        let work = laid_out(tree.path(), cache.path());
        let message = work.apply(Variant::Annotated).unwrap_err().to_string();
        assert!(message.contains("05-drm-vblank-signalling-section.patch"), "{message}");
        assert!(message.contains("FAILED"), "{message}");
        for file in touched_files() {
            assert_eq!(fs::read_to_string(tree.path().join(file)).unwrap(), "int nothing;\n");
        }
    }

    #[test]
    fn one_source_at_a_time_has_a_work_tree() {
        let cache = tempfile::tempdir().unwrap();
        let (one, two) = (Source::Tree("/trees/one".into()), Source::Tree("/trees/two".into()));
        let first = Work::open(cache.path(), &one, "").unwrap();
        let same = Work::open(cache.path(), &one, "edited since").unwrap();
        assert_eq!(first.folder, same.folder);
        assert!(first.object().is_dir());
        let second = Work::open(cache.path(), &two, "").unwrap();
        assert!(!first.folder.exists() && second.object().is_dir());
        second.remove().unwrap();
        assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 0);
    }

    #[test]
    fn laying_out_again_forgets_files_that_are_gone() {
        let (tree, cache) = (tree(), tempfile::tempdir().unwrap());
        fs::write(tree.path().join("gone.c"), "").unwrap();
        laid_out(tree.path(), cache.path());
        fs::remove_file(tree.path().join("gone.c")).unwrap();
        let work = laid_out(tree.path(), cache.path());
        assert!(fs::symlink_metadata(work.source().join("gone.c")).is_err());
    }

    #[test]
    #[ignore = "needs Debian's linux-source-6.12 in /usr/src, and 2 GB and 10 s to unpack it"]
    fn every_patch_applies_to_debians_source() {
        let source = Source::newest_in(Path::new("/usr/src")).unwrap();
        let cache = tempfile::tempdir().unwrap();
        let work = Work::open(&cache.path().join("work"), &source, "x").unwrap();
        let mut log = Log::create(cache.path().join("log")).unwrap();
        work.lay_out(&source, &mut log).unwrap();
        work.apply(Variant::Annotated).unwrap();
        for file in touched_files() {
            let text = fs::read_to_string(work.source().join(file)).unwrap();
            assert!(text.contains("dma_fence_begin_signalling()"), "{file}");
        }
    }
}
