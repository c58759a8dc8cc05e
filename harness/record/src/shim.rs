//! The shared object that is loaded into programs, embedded in this one.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::{FsFlags, statvfs};

use crate::Error;

pub(crate) static OBJECT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/libfencelab.so"));

/// Its name in a session's folder.
pub(crate) const FILE: &str = "libfencelab.so";

/// Where it may lie when nothing may be executed from the session folder's file system.
const ELSEWHERE: [&str; 3] = ["/dev/shm", "/tmp", "/var/tmp"];

/// The shared object as a file. Gone with the value if it is not in the session folder.
pub(crate) struct Shim {
    path: PathBuf,
    is_elsewhere: bool,
}

impl Shim {
    /// Writes it where programs of any user may load it from: into the session folder, if its file system lets code be
    /// executed.
    pub(crate) fn write(folder: &Path) -> Result<Self, Error> {
        if OBJECT.is_empty() {
            return Err(Error::Architecture);
        }
        let elsewhere = ELSEWHERE.map(Path::new).into_iter().find(|folder| allows_code(folder));
        let shim = match elsewhere {
            Some(other) if !allows_code(folder) => {
                let name = format!("libfencelab-{}.so", std::process::id());
                Self { path: other.join(name), is_elsewhere: true }
            }
            _ => Self { path: folder.join(FILE), is_elsewhere: false },
        };
        std::fs::write(&shim.path, OBJECT).map_err(Error::write(&shim.path))?;
        let readable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&shim.path, readable).map_err(Error::write(&shim.path))?;
        Ok(shim)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Shim {
    fn drop(&mut self) {
        if self.is_elsewhere {
            // What stays behind is a file that nobody uses.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Whether a file system lets its files be mapped as code.
fn allows_code(folder: &Path) -> bool {
    statvfs(folder).is_ok_and(|stat| !stat.flags().contains(FsFlags::ST_NOEXEC))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn it_is_a_small_shared_object() {
        assert!(OBJECT.starts_with(b"\x7fELF"));
        assert!(OBJECT.len() < 100 * 1024, "{} bytes", OBJECT.len());
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn it_needs_no_library() {
        use object::{Object, ObjectSection};
        const DT_NULL: u64 = 0;
        const DT_NEEDED: u64 = 1;
        let file = object::read::elf::ElfFile64::<object::Endianness>::parse(OBJECT).unwrap();
        let dynamic = file.section_by_name(".dynamic").unwrap();
        let entries = dynamic.data().unwrap().chunks(16);
        let tags = entries.map(|entry| u64::from_le_bytes(entry[..8].try_into().unwrap()));
        let tags: Vec<u64> = tags.take_while(|tag| *tag != DT_NULL).collect();
        assert!(tags.len() > 5 && !tags.contains(&DT_NEEDED), "{tags:?}");
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn it_lies_where_code_may_be_executed() {
        let folder = tempfile::tempdir().unwrap();
        let shim = Shim::write(folder.path()).unwrap();
        assert!(allows_code(shim.path().parent().unwrap()));
    }
}
