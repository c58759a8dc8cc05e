//! The session folder.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use fencelab_abi::fault::Faults;
use fencelab_abi::{CHUNK_SIZE, CLOCK_FILE, Clock, Mode, POOL_FILE, POOL_HEADER_SIZE, SESSION_VARIABLE};

use crate::Error;
use crate::clock::{self, Pairs};
use crate::ends::Ends;
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
    pub(crate) ends: Ends,
}

impl Session {
    /// Makes a session in that folder, which may be there but holds no other trace. It should be on a file system whose
    /// files can be mapped shared (not 9p) and whose writes do not move blocks: tmpfs is best.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written, holds a trace, or has no room.
    pub fn create(folder: &Path, geometry: Geometry, faults: Faults) -> Result<Self, Error> {
        let folder = make_folder(folder)?;
        let path = folder.join(POOL_FILE);
        let chunks = chunks_in(geometry.bytes).max(4);
        let size = POOL_HEADER_SIZE as u64 + u64::from(chunks) * CHUNK_SIZE as u64;
        // Programs that have dropped their privileges still map it.
        let open = OpenOptions::new().read(true).write(true).create_new(true).mode(0o666).open(&path);
        let file = open.map_err(exists_or(&folder, &path))?;
        let everybody = Permissions::from_mode(0o666);
        file.set_permissions(everybody).map_err(Error::write(&path))?;
        let room = |source: nix::Error| Error::Room { path: path.clone(), size, source: source.into() };
        let made = nix::fcntl::posix_fallocate(&file, 0, size as i64).map_err(room);
        let made = made.and_then(|()| Self::begin(folder.clone(), &path, &file, chunks, geometry, faults));
        made.inspect_err(|_| clear(&folder))
    }

    /// Takes away a session into which nothing was recorded, and its folder if that holds nothing else.
    pub(crate) fn discard(self) {
        let folder = self.folder.clone();
        drop(self);
        clear(&folder);
    }

    /// Makes a session in that folder whose pool is a file that is there already: memory that this machine shares with
    /// another, such as a PCI device's resource in sysfs, which can be mapped and not written. The file's size counts, not
    /// [`Geometry::bytes`]; what it held is gone. In the folder a symbolic link leads to it.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written or holds a trace, or the file cannot be mapped or is too small for a pool.
    pub fn adopt(folder: &Path, pool: &Path, geometry: Geometry, faults: Faults) -> Result<Self, Error> {
        let folder = make_folder(folder)?;
        let file = OpenOptions::new().read(true).write(true).open(pool).map_err(Error::write(pool))?;
        let size = file.metadata().map_err(Error::write(pool))?.len();
        let chunks = chunks_in(size);
        if chunks < 4 {
            return Err(Error::Small { path: pool.into(), size });
        }
        // Where nobody but root may map it, programs that drop their privileges and run another go unrecorded.
        let _ = file.set_permissions(Permissions::from_mode(0o666));
        let link = folder.join(POOL_FILE);
        std::os::unix::fs::symlink(pool, &link).map_err(exists_or(&folder, &link))?;
        Self::begin(folder, pool, &file, chunks, geometry, faults)
    }

    fn begin(
        folder: PathBuf,
        path: &Path,
        file: &File,
        chunks: u32,
        geometry: Geometry,
        faults: Faults,
    ) -> Result<Self, Error> {
        let clock = clock::choose();
        let pool = Pool::create(file, chunks, clock, geometry, faults).map_err(Error::write(path))?;
        let pairs_path = folder.join(CLOCK_FILE);
        let pairs = Pairs::create(&pairs_path).map_err(Error::write(&pairs_path))?;
        let shim = Shim::write(&folder)?;
        let mut session = Self { folder, shim, clock, pool, pairs, ends: Ends::new() };
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

    /// An environment (`NAME=value`) that puts whoever gets it, and all that it starts, under the recorder: LD_PRELOAD with
    /// the shim in front of what was preloaded already, and the session's variable.
    pub fn environment(&self, environment: &[OsString]) -> Vec<OsString> {
        let value = |entry: &OsString, name: &str| {
            let rest = entry.as_bytes().strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
            Some(OsStr::from_bytes(rest).to_os_string())
        };
        let before = environment.iter().find_map(|entry| value(entry, PRELOAD));
        let ours = [(PRELOAD, chained(self.shim(), before)), (SESSION_VARIABLE, self.folder().into())];
        let others =
            environment.iter().filter(|entry| ours.iter().all(|(name, _)| value(entry, name).is_none()));
        let ours =
            ours.iter().map(|(name, value)| [OsStr::new(name), "=".as_ref(), value].into_iter().collect());
        others.cloned().chain(ours).collect()
    }

    /// Chunks that were ever used. It grows with each process that is seen, until all are.
    pub fn chunks_used(&self) -> u32 {
        self.pool.used()
    }

    /// Whether every chunk was used at some time.
    pub fn is_full(&self) -> bool {
        self.pool.used() == self.pool.chunk_count()
    }

    /// To be called about once a second while programs run: notes the moment on both clocks and which processes have ended,
    /// and lets the living have the chunks of threads that are gone where the pool is nearly full.
    ///
    /// # Errors
    ///
    /// When the `clock` file cannot be written. That costs precision and no records: the pool's header has the moment.
    pub fn tend(&mut self) -> std::io::Result<()> {
        self.pool.reclaim();
        self.look_for_ends();
        self.mark()
    }

    /// Notes which processes have ended. More often is more exact, and short lives are not missed.
    pub fn look_for_ends(&mut self) {
        self.ends.look(&self.pool);
    }

    /// Notes that a process has ended, with its status as waitpid gives it: to be called by whoever waits for processes. Others
    /// than those of the session's are left alone.
    pub fn process_ended(&mut self, pid: u32, status: u32) {
        self.ends.tell(&self.pool, pid, status);
    }

    /// Notes this moment on both clocks.
    pub(crate) fn mark(&mut self) -> std::io::Result<()> {
        let pair = clock::pair(self.clock);
        self.pool.set_pair(pair);
        self.pairs.add(&pair)
    }
}

/// The variable by which ld.so is told of the shim (ld.so(8)).
const PRELOAD: &str = "LD_PRELOAD";

/// The shim in front of what was preloaded already.
pub(crate) fn chained(shim: &Path, before: Option<OsString>) -> OsString {
    let mut value = shim.as_os_str().to_os_string();
    if let Some(before) = before.filter(|before| !before.is_empty()) {
        value.push(":");
        value.push(before);
    }
    value
}

fn make_folder(folder: &Path) -> Result<PathBuf, Error> {
    std::fs::create_dir_all(folder).map_err(Error::write(folder))?;
    folder.canonicalize().map_err(Error::write(folder))
}

/// Takes a session's files away. What cannot be taken away stays: the error that led here is what counts.
fn clear(folder: &Path) {
    for name in [POOL_FILE, CLOCK_FILE, crate::shim::FILE] {
        let _ = std::fs::remove_file(folder.join(name));
    }
    let _ = std::fs::remove_dir(folder);
}

/// Chunks that a pool of that many bytes has.
fn chunks_in(bytes: u64) -> u32 {
    u32::try_from(bytes.saturating_sub(POOL_HEADER_SIZE as u64) / CHUNK_SIZE as u64).unwrap_or(u32::MAX)
}

fn exists_or(folder: &Path, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    move |error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Error::Exists(folder.into()),
        _ => Error::write(path)(error),
    }
}
