//! The cache folder: finished kernels under their keys, one work tree, the logs of failed builds, a lock.
//!
//! ```text
//! annotated-0123456789abcdef/   a finished kernel: bzImage, config, lib/modules/RELEASE with the twins and `build`
//! work/linux-source-6.12-…/     objects of the source built last
//! logs/KEY.log                  why a build failed
//! lock                          held while building
//! ```

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

use crate::error::{Error, IoContext};
use crate::kernel::Kernel;
use crate::variant::Variant;

/// Finished kernels that are kept, 80 MB each: enough for both variants of several sources, and for whoever builds a tree
/// of his own a hundred times a day not too many.
const KEPT: usize = 16;

/// Prefix of folders that are not finished.
const STAGING: &str = ".new-";

/// The finished kernels in a cache folder, newest first. An empty or missing folder has none.
///
/// # Errors
///
/// [`Error::Io`] if the folder exists and cannot be listed.
pub fn cached(folder: &Path) -> Result<Vec<Kernel>, Error> {
    Ok(Cache::new(folder)
        .finished()?
        .into_iter()
        .filter_map(|(_, path)| Kernel::at(&path, None).ok())
        .collect())
}

#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
}

/// Held while building. The system gives it up with the last process that has the file open, however that ends.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Another handle on the lock. The file is empty: as the standard input of `make` it reads as end of file, and all that
    /// `make` starts holds the lock. So when this process is killed, the next build waits for the compilers that are left.
    pub(crate) fn share(&self) -> Result<File, Error> {
        self.file.try_clone().doing("share", &self.path)
    }
}

impl Cache {
    pub(crate) fn new(folder: &Path) -> Cache {
        Cache { folder: folder.to_owned() }
    }

    /// The kernel of this key. One that somebody damaged counts as absent.
    pub(crate) fn find(&self, key: &str) -> Option<Kernel> {
        Kernel::at(&self.folder.join(key), None).ok()
    }

    /// Takes the lock; calls `wait` once if another build holds it.
    pub(crate) fn lock(&self, wait: &mut dyn FnMut()) -> Result<Lock, Error> {
        fs::create_dir_all(&self.folder).doing("create", &self.folder)?;
        let path = self.folder.join("lock");
        let open = File::options().read(true).write(true).create(true).truncate(true).open(&path);
        let file = open.doing("create", &path)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            wait();
            flock(&file, FlockOperation::LockExclusive).map_err(Into::into).doing("lock", &path)?;
        }
        Ok(Lock { file, path })
    }

    pub(crate) fn log(&self, key: &str) -> PathBuf {
        self.folder.join("logs").join(format!("{key}.log"))
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.folder.join("work")
    }

    /// A folder to assemble a kernel in, on the same file system as its later place.
    pub(crate) fn staging(&self, _lock: &Lock) -> Result<TempDir, Error> {
        for entry in self.entries()? {
            if is_staging(&entry) {
                fs::remove_dir_all(&entry).doing("remove", &entry)?;
            }
        }
        tempfile::Builder::new()
            .prefix(STAGING)
            .tempdir_in(&self.folder)
            .doing("create a folder in", &self.folder)
    }

    /// Gives a complete kernel its name in one step, and removes the oldest ones.
    pub(crate) fn publish(&self, staging: TempDir, key: &str, _lock: &Lock) -> Result<Kernel, Error> {
        let place = self.folder.join(key);
        if place.exists() {
            fs::remove_dir_all(&place).doing("remove", &place)?;
        }
        fs::rename(staging.path(), &place).doing("rename a finished kernel to", &place)?;
        // It is no longer there to be removed.
        let _ = staging.keep();
        for (_, old) in self.finished()?.into_iter().skip(KEPT) {
            fs::remove_dir_all(&old).doing("remove", &old)?;
        }
        Kernel::at(&place, None)
    }

    /// Finished kernels with the time of their publication, newest first.
    fn finished(&self) -> Result<Vec<(SystemTime, PathBuf)>, Error> {
        let mut finished = Vec::new();
        for path in self.entries()? {
            if is_key(&path) {
                let time = fs::metadata(&path).and_then(|meta| meta.modified()).doing("read", &path)?;
                finished.push((time, path));
            }
        }
        finished.sort();
        finished.reverse();
        Ok(finished)
    }

    fn entries(&self) -> Result<Vec<PathBuf>, Error> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        let entries = fs::read_dir(&self.folder).doing("list", &self.folder)?;
        entries.map(|entry| entry.map(|entry| entry.path()).doing("list", &self.folder)).collect()
    }
}

fn is_staging(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(STAGING))
}

fn is_key(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.split_once('-').is_some_and(|(variant, hash)| variant.parse::<Variant>().is_ok() && hash.len() == 16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::fake_image;

    fn fill(folder: &Path, release: &str) {
        fs::write(folder.join("bzImage"), fake_image(release)).unwrap();
        let modules = folder.join("lib/modules").join(release);
        fs::create_dir_all(&modules).unwrap();
        fs::write(modules.join("modules.dep"), "").unwrap();
    }

    fn publish(cache: &Cache, key: &str) -> Kernel {
        let lock = cache.lock(&mut || ()).unwrap();
        let staging = cache.staging(&lock).unwrap();
        fill(staging.path(), "6.12-fencelab");
        cache.publish(staging, key, &lock).unwrap()
    }

    #[test]
    fn a_published_kernel_is_found_and_an_unfinished_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(&dir.path().join("kernels"));
        assert_eq!(cache.find("stock-0123456789abcdef"), None);
        let lock = cache.lock(&mut || ()).unwrap();
        let staging = cache.staging(&lock).unwrap();
        fill(staging.path(), "6.12-fencelab");
        assert_eq!(cached(&cache.folder).unwrap(), []);
        let kernel = cache.publish(staging, "stock-0123456789abcdef", &lock).unwrap();
        assert_eq!(cache.find("stock-0123456789abcdef"), Some(kernel.clone()));
        assert_eq!(cached(&cache.folder).unwrap(), [kernel]);
    }

    #[test]
    fn what_an_interrupted_build_left_is_swept() {
        let dir = tempfile::tempdir().unwrap();
        let left = dir.path().join(".new-abc");
        fs::create_dir_all(left.join("lib")).unwrap();
        publish(&Cache::new(dir.path()), "stock-0123456789abcdef");
        assert!(!left.exists());
    }

    #[test]
    fn publishing_again_replaces() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path());
        publish(&cache, "stock-0123456789abcdef");
        fs::remove_file(dir.path().join("stock-0123456789abcdef/bzImage")).unwrap();
        assert_eq!(cache.find("stock-0123456789abcdef"), None);
        publish(&cache, "stock-0123456789abcdef");
        assert!(cache.find("stock-0123456789abcdef").is_some());
    }

    #[test]
    fn only_so_many_kernels_are_kept_and_nothing_else_is_touched() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path());
        fs::create_dir(dir.path().join("work")).unwrap();
        fs::create_dir(dir.path().join("stock-mine")).unwrap();
        for n in 0..KEPT + 3 {
            publish(&cache, &format!("stock-{n:016}"));
        }
        assert_eq!(cached(dir.path()).unwrap().len(), KEPT);
        assert!(cache.find(&format!("stock-{:016}", KEPT + 2)).is_some());
        assert!(dir.path().join("work").exists() && dir.path().join("stock-mine").exists());
    }

    #[test]
    fn whoever_shares_the_lock_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path());
        let lock = cache.lock(&mut || ()).unwrap();
        let mut sleeper =
            std::process::Command::new("sleep").arg("60").stdin(lock.share().unwrap()).spawn().unwrap();
        drop(lock);
        let mut waited = false;
        std::thread::scope(|scope| {
            let (waiting, heard) = std::sync::mpsc::channel();
            let next = scope.spawn(move || cache.lock(&mut || waiting.send(()).unwrap()).map(drop));
            waited = heard.recv().is_ok();
            sleeper.kill().unwrap();
            sleeper.wait().unwrap();
            next.join().unwrap().unwrap();
        });
        assert!(waited);
    }

    #[test]
    fn a_second_builder_waits() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path());
        let held = cache.lock(&mut || ()).unwrap();
        let (waiting, heard) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let second = scope.spawn(|| cache.lock(&mut || waiting.send(()).unwrap()).map(drop));
            heard.recv().unwrap();
            drop(held);
            second.join().unwrap().unwrap();
        });
    }
}
