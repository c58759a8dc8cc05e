//! The session's folder: what lies where, and the journal's writer.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fencelab_events::{Entry, Event, Session, journal};

use crate::error::Error;

/// Where things lie in a session's folder.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Folder(path.into())
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The journal.
    pub fn journal(&self) -> PathBuf {
        self.0.join("events.jsonl")
    }

    /// The kernel log of one of the session's machines, counted from 1, as a person reads it.
    pub fn kernel_log(&self, machine: usize) -> PathBuf {
        match machine {
            1 => self.0.join("kernel.log"),
            _ => self.0.join(format!("kernel-{machine}.log")),
        }
    }

    /// The kernel log of one boot, as /dev/kmsg gave it.
    pub fn kmsg(&self, boot: u32) -> PathBuf {
        self.0.join(format!("kmsg/boot-{boot}.kmsg"))
    }

    /// The console of one boot.
    pub fn console(&self, boot: u32) -> PathBuf {
        self.0.join(format!("console/boot-{boot}.log"))
    }

    /// The kernel's trace of one boot.
    pub fn trace(&self, boot: u32) -> PathBuf {
        self.0.join(format!("trace/boot-{boot}.txt"))
    }

    /// The recorder's session of one boot: a folder with `pool` in it.
    pub fn records(&self, boot: u32) -> PathBuf {
        self.0.join(format!("trace/boot-{boot}"))
    }

    /// Writes a whole file in one step: it is never seen half-written, not even by a reader beside a kill -9.
    ///
    /// # Errors
    /// The file system's, with the path.
    pub fn replace(&self, name: &str, content: &[u8]) -> Result<(), Error> {
        let path = self.0.join(name);
        let half = self.0.join(format!(".{}.half", name.replace('/', "-")));
        let write = || {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(&half, content)?;
            fs::rename(&half, &path)
        };
        write().map_err(|e| {
            // On a full disk even half a file is in the way.
            let _ = fs::remove_file(&half);
            Error::file("write", &path, e)
        })
    }

    /// Opens a file for appending, and the folders above it.
    ///
    /// # Errors
    /// The file system's, with the path.
    pub fn append(path: &Path) -> Result<File, Error> {
        let open = || {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            OpenOptions::new().create(true).append(true).open(path)
        };
        open().map_err(|e| Error::file("open", path, e))
    }
}

/// When the journal is forced to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// Before each case: the case may take this machine down. One fdatasync a case, since the line that starts
    /// a case follows the one that ended the last.
    EachCase,
    /// At most once in so long: the cases run on another machine, and only a power cut here loses lines.
    Every(Duration),
}

/// The writer of a session's journal, with the session folded as it is written.
pub struct Journal {
    file: File,
    path: PathBuf,
    sync: Sync,
    synced: Instant,
    session: Session,
}

impl Journal {
    /// Begins a session in `folder`, which must not hold one.
    ///
    /// # Errors
    /// [`Error::SessionExists`], or the file system's.
    pub fn create(folder: &Folder, sync: Sync) -> Result<Journal, Error> {
        let path = folder.journal();
        if path.exists() {
            return Err(Error::SessionExists { path: folder.path().into() });
        }
        let file = Folder::append(&path)?;
        lock(&file, folder)?;
        Ok(Journal { file, path, sync, synced: Instant::now(), session: Session::default() })
    }

    /// Takes up the session in `folder`: a torn last line is cut off, what is whole is folded.
    ///
    /// # Errors
    /// [`Error::InUse`] while another runner writes it, [`Error::Journal`] where it cannot be read.
    pub fn reopen(folder: &Folder, sync: Sync) -> Result<Journal, Error> {
        let path = folder.journal();
        let file = OpenOptions::new().read(true).append(true).open(&path);
        let file = file.map_err(|e| Error::file("open", &path, e))?;
        lock(&file, folder)?;
        let read = journal::read(BufReader::new(&file))
            .map_err(|source| Error::Journal { path: path.clone(), source })?;
        if read.torn {
            file.set_len(read.whole_bytes).map_err(|e| Error::file("cut the torn line of", &path, e))?;
        }
        let session = Session::fold(&read.entries);
        Ok(Journal { file, path, sync, synced: Instant::now(), session })
    }

    /// The session as far as it is written.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Appends an event.
    ///
    /// # Errors
    /// The file system's (a full disk), with the path.
    pub fn write(&mut self, event: Event) -> Result<(), Error> {
        let starts = matches!(event, Event::CaseStarted { .. });
        let entry = Entry { at_ms: now_ms(), event };
        let mut line = Vec::with_capacity(512);
        let whole = self.file.metadata().map_err(|e| Error::file("look at", &self.path, e))?.len();
        let written = journal::write(&mut line, &entry).and_then(|()| self.file.write_all(&line));
        written.map_err(|e| {
            // Half a line with another behind it could never be read again.
            let _ = self.file.set_len(whole);
            Error::file("write", &self.path, e)
        })?;
        self.session.apply(&entry);
        match self.sync {
            Sync::EachCase if starts => self.sync(),
            Sync::Every(pause) if self.synced.elapsed() >= pause => self.sync(),
            _ => Ok(()),
        }
    }

    /// Forces it to the disk.
    ///
    /// # Errors
    /// The file system's, with the path.
    pub fn sync(&mut self) -> Result<(), Error> {
        self.synced = Instant::now();
        self.file.sync_data().map_err(|e| Error::file("sync", &self.path, e))
    }
}

/// One runner a session: the lock goes with the open file, so a killed runner leaves none.
fn lock(file: &File, folder: &Folder) -> Result<(), Error> {
    match rustix::fs::flock(file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(()),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(Error::InUse { path: folder.path().into() }),
        Err(e) => Err(Error::file("lock", &folder.journal(), e.into())),
    }
}

/// The wall clock in milliseconds since 1970.
pub fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// The boot id of this machine; empty where the kernel has none.
pub fn host_boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|s| s.trim().to_owned()).unwrap_or_default()
}

impl Error {
    pub(crate) fn file(doing: &'static str, path: &Path, source: io::Error) -> Error {
        Error::File { doing, path: path.into(), source }
    }
}
