//! The session folder.

use std::fs::OpenOptions;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use fencelab_abi::fault::Faults;
use fencelab_abi::{CHUNK_SIZE, CLOCK_FILE, Clock, Mode, POOL_FILE, POOL_HEADER_SIZE};

use crate::Error;
use crate::clock::{self, Pairs};
use crate::pool::Pool;
use crate::shim::Shim;

/// How large a trace may get, and what happens then.
#[derive(Clone, Copy, Debug)]
pub struct Geometry {
    /// Bytes for the whole session. They are taken at the start and never exceeded.
    pub bytes: u64,
    /// What happens when they are used up.
    pub mode: Mode,
    /// Bytes that one thread may hold in flight mode.
    pub thread_bytes: u64,
}

impl Default for Geometry {
    /// A flight recorder of 64 MiB, of which a thread may hold 2: its last 30,000 calls or so.
    fn default() -> Self {
        Self { bytes: 64 << 20, mode: Mode::Flight, thread_bytes: 2 << 20 }
    }
}

/// A session that is being recorded.
pub struct Session {
    folder: PathBuf,
    shim: Shim,
    clock: Clock,
    pub(crate) pool: Pool,
    pub(crate) pairs: Pairs,
}

impl Session {
    /// Makes a session in that folder, which may be there but holds no other trace. It should be on a file system whose
    /// files can be mapped shared (not 9p) and whose writes do not move blocks: tmpfs is best.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written, holds a trace, or has no room.
    pub fn create(folder: &Path, geometry: Geometry, faults: Faults) -> Result<Self, Error> {
        std::fs::create_dir_all(folder).map_err(Error::write(folder))?;
        let folder = folder.canonicalize().map_err(Error::write(folder))?;
        let path = folder.join(POOL_FILE);
        let chunks = (geometry.bytes.saturating_sub(POOL_HEADER_SIZE as u64) / CHUNK_SIZE as u64).max(4);
        let size = POOL_HEADER_SIZE as u64 + chunks * CHUNK_SIZE as u64;
        // Programs that have dropped their privileges still map it.
        let open = OpenOptions::new().read(true).write(true).create_new(true).mode(0o666).open(&path);
        let file = open.map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => Error::Exists(folder.clone()),
            _ => Error::write(&path)(error),
        })?;
        let everybody = std::fs::Permissions::from_mode(0o666);
        file.set_permissions(everybody).map_err(Error::write(&path))?;
        let room = |source: nix::Error| Error::Room { path: path.clone(), size, source: source.into() };
        nix::fcntl::posix_fallocate(&file, 0, size as i64).map_err(room)?;
        let clock = clock::choose();
        let pool =
            Pool::create(&file, chunks as u32, clock, geometry, faults).map_err(Error::write(&path))?;
        let pairs_path = folder.join(CLOCK_FILE);
        let pairs = Pairs::create(&pairs_path).map_err(Error::write(&pairs_path))?;
        let shim = Shim::write(&folder)?;
        let mut session = Self { folder, shim, clock, pool, pairs };
        session.mark().map_err(Error::write(&pairs_path))?;
        Ok(session)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The shared object to load into programs.
    pub fn shim(&self) -> &Path {
        self.shim.path()
    }

    /// Notes this moment on both clocks.
    pub(crate) fn mark(&mut self) -> std::io::Result<()> {
        let pair = self.pairs.add(self.clock)?;
        self.pool.set_pair(pair);
        Ok(())
    }
}
