//! The memory that a guest shares with its host for the recorder's records: a file that QEMU maps and shows the guest as
//! an ivshmem device (docs/specs/ivshmem-spec). What the guest has written is the host's at that moment, whatever becomes of the guest.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The file's name in its folder: the trace's pool (shim/abi).
const FILE: &str = "pool";

/// A file of a guest's records.
#[derive(Debug)]
pub(super) struct Records {
    path: PathBuf,
    mib: u32,
}

impl Records {
    /// Makes the file, its room taken: a guest that writes where the disk is full dies of it (SIGBUS in QEMU).
    ///
    /// # Errors
    /// Why there is no file, in words.
    pub(super) fn make(folder: &Path, mib: u32) -> Result<Records, String> {
        let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
        let folder = std::path::absolute(folder).map_err(|e| failed(folder, e))?;
        fs::create_dir_all(&folder).map_err(|e| failed(&folder, e))?;
        let path = folder.join(FILE);
        let file = File::create(&path).map_err(|e| failed(&path, e))?;
        let room = nix::fcntl::posix_fallocate(&file, 0, i64::from(mib) << 20);
        if let Err(errno) = room {
            drop(file);
            let _ = fs::remove_file(&path);
            return Err(format!("no room for {mib} MiB at {}: {}", path.display(), errno.desc()));
        }
        Ok(Records { path, mib })
    }

    /// QEMU's arguments. In its options a comma is written twice.
    pub(super) fn arguments(&self) -> [String; 4] {
        let path = self.path.display().to_string().replace(',', ",,");
        let memory = format!("memory-backend-file,id=records,share=on,mem-path={path},size={}M", self.mib);
        ["-object".into(), memory, "-device".into(), "ivshmem-plain,memdev=records".into()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_there_whole_and_its_path_is_quoted_for_qemu() {
        let folder = tempfile::tempdir().unwrap();
        let records = Records::make(&folder.path().join("a,b"), 2).unwrap();
        assert_eq!(fs::metadata(folder.path().join("a,b/pool")).unwrap().len(), 2 << 20);
        assert!(records.arguments()[1].ends_with("a,,b/pool,size=2M"), "{:?}", records.arguments());
    }

    #[test]
    fn what_cannot_be_made_is_told_with_its_path() {
        let told = Records::make(Path::new("/proc/nonesuch"), 2).unwrap_err();
        assert!(told.starts_with("/proc/nonesuch: "), "{told}");
    }
}
