//! The work tree: our own copy of a source, and the objects built from it.
//!
//! `source/` is the unpacked package, 1.7 GB, which exists only while building; or links to each file of the caller's tree,
//! so that neither patches nor a build can reach the original. `obj/`, about 360 MB, stays, because it makes the other
//! variant a matter of seconds and a developer's next build an incremental one. Only the source built last has a work tree,
//! and that of a package goes when both variants are in the cache.

use std::fs;
use std::io::{self, ErrorKind, Write};
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

    /// Makes `source/` what the source is now.
    pub(crate) fn lay_out(&self, source: &Source, log: &mut Log) -> Result<(), Error> {
        let folder = self.source();
        match source {
            Source::DebianPackage(archive) => {
                self.remove_source()?;
                unpack(archive, &folder, log)
            }
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
    fs::create_dir(folder).doing("create", folder)?;
    let mut tar = Command::new("tar");
    tar.arg("-xf").arg(archive).arg("--strip-components=1").arg("-C").arg(folder);
    log.run(Phase::Source, "tar", tar, &mut |_| ())
}

/// Gives `folder` a link to every file of `tree`, an absolute path. Links that it has already stay: a kernel has 85,000.
fn link(tree: &Path, folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).doing("create", folder)?;
    walk(folder, &mut |relative, _| {
        let is_file = fs::symlink_metadata(tree.join(relative)).is_ok_and(|meta| !meta.is_dir());
        let place = folder.join(relative);
        if is_file { Ok(()) } else { fs::remove_file(&place).doing("remove", &place) }
    })?;
    let mut parent = PathBuf::new();
    walk(tree, &mut |relative, _| {
        let place = folder.join(relative);
        // Entries come folder by folder.
        if let Some(above) = place.parent().filter(|above| *above != parent) {
            fs::create_dir_all(above).doing("create", above)?;
            parent = above.to_owned();
        }
        link_file(&tree.join(relative), &place).doing("link", &place)
    })
}

fn link_file(original: &Path, place: &Path) -> io::Result<()> {
    match symlink(original, place) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        done => return done,
    }
    let there = fs::symlink_metadata(place)?;
    if there.is_symlink() {
        return Ok(());
    }
    // A file that patches touched, or a folder that became a file.
    if there.is_dir() {
        fs::remove_dir_all(place)?
    } else {
        fs::remove_file(place)?
    }
    symlink(original, place)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

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
        let mut log = Log::create(cache.join("log"), File::open("/dev/null").unwrap()).unwrap();
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
    fn laying_out_again_follows_the_tree() {
        let (tree, cache) = (tree(), tempfile::tempdir().unwrap());
        let file = |name: &str| tree.path().join(name);
        fs::write(file("gone.c"), "").unwrap();
        fs::write(file("folder"), "").unwrap();
        fs::create_dir(file("file")).unwrap();
        fs::write(file("file/inner.c"), "").unwrap();
        laid_out(tree.path(), cache.path()).apply(Variant::Stock).unwrap();

        fs::remove_file(file("gone.c")).unwrap();
        fs::remove_file(file("folder")).unwrap();
        fs::remove_dir_all(file("file")).unwrap();
        fs::create_dir(file("folder")).unwrap();
        fs::write(file("folder/new.c"), "new").unwrap();
        fs::write(file("file"), "now a file").unwrap();
        fs::write(file(touched_files()[0]), "edited").unwrap();
        let work = laid_out(tree.path(), cache.path());
        work.apply(Variant::Stock).unwrap();

        let read = |name: &str| fs::read_to_string(work.source().join(name)).unwrap();
        assert!(fs::symlink_metadata(work.source().join("gone.c")).is_err());
        assert_eq!(read("folder/new.c"), "new");
        assert_eq!(read("file"), "now a file");
        assert_eq!(read(touched_files()[0]), "edited");
    }

    #[test]
    #[ignore = "needs Debian's linux-source-6.12 in /usr/src, and 2 GB and 10 s to unpack it"]
    fn every_patch_applies_to_debians_source() {
        let source = Source::newest_in(Path::new("/usr/src")).unwrap();
        let cache = tempfile::tempdir().unwrap();
        let work = Work::open(&cache.path().join("work"), &source, "x").unwrap();
        let mut log = Log::create(cache.path().join("log"), File::open("/dev/null").unwrap()).unwrap();
        work.lay_out(&source, &mut log).unwrap();
        work.apply(Variant::Annotated).unwrap();
        for file in touched_files() {
            let text = fs::read_to_string(work.source().join(file)).unwrap();
            assert!(text.contains("dma_fence_begin_signalling()"), "{file}");
        }
    }
}
