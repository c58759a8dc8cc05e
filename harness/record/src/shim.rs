//! The shared object that is loaded into programs, embedded in this one.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::Error;

static OBJECT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/libfencelab.so"));

/// Its name in the session folder.
const FILE: &str = "libfencelab.so";

/// Writes it into the session folder, where programs of any user may load it from.
pub(crate) fn write(folder: &Path) -> Result<PathBuf, Error> {
    if OBJECT.is_empty() {
        return Err(Error::Architecture);
    }
    let path = folder.join(FILE);
    std::fs::write(&path, OBJECT).map_err(Error::write(&path))?;
    let readable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&path, readable).map_err(Error::write(&path))?;
    Ok(path)
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
}
