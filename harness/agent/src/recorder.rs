//! The recorder over the cases' processes, and over no others.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use fencelab_bench::protocol::Record;
use fencelab_record::{Faults, Geometry, Session};

/// Where a guest's session folder is. Only the pool leads out of the guest.
const GUEST_FOLDER: &str = "/run/fencelab";

/// ivshmem's PCI identity (docs/specs/ivshmem-spec).
const IVSHMEM: (&str, &str) = ("0x1af4", "0x1110");

/// Records the cases.
pub(crate) struct Recorder {
    session: Session,
    /// Chunks of the trace that were used when the last case began; none of one that was forked by a process which is in it.
    used: Option<u32>,
    /// A process that forks for cases is there.
    served: bool,
    /// It was told that a case's process went unrecorded.
    told: bool,
}

impl Recorder {
    /// Begins a session as `record` says; or why there is none, in a sentence for the doctor.
    pub(crate) fn start(record: &Record) -> Result<Option<Self>, String> {
        let session = match record {
            Record::Nowhere => return Ok(None),
            Record::Folder { path, bytes } => {
                let geometry = Geometry { bytes: *bytes, ..Geometry::default() };
                Session::create(Path::new(path), geometry, Faults::default()).map_err(|e| e.to_string())
            }
            Record::SharedMemory => shared_memory().map_err(|e| e.to_string()).and_then(|pool| {
                Session::adopt(Path::new(GUEST_FOLDER), &pool, Geometry::default(), Faults::default())
                    .map_err(|e| e.to_string())
            }),
            Record::Failed { why } => Err(why.clone()),
        };
        match session {
            Ok(session) => Ok(Some(Recorder { session, used: None, served: false, told: false })),
            Err(why) => {
                Err(format!("cases run unrecorded ({why}): no splat and no hang is tied to its ioctl"))
            }
        }
    }

    /// A case's environment with what puts it under the recorder.
    pub(crate) fn environment(&self, environment: &[OsString]) -> Vec<OsString> {
        self.session.environment(environment)
    }

    /// To be called every second.
    pub(crate) fn tend(&mut self) {
        // Only the `clock` file can fail, and the pool's header has what it would have held.
        let _ = self.session.tend();
    }

    /// A process has ended that was this one's child. The shim cannot tell of one that was killed.
    pub(crate) fn process_ended(&mut self, pid: u32, status: u32) {
        self.session.process_ended(pid, status);
    }

    /// A case begins, in a fork of another process or not.
    pub(crate) fn case_begins(&mut self, forked: bool) {
        let is_new = !forked || !self.served;
        self.used = is_new.then(|| self.session.chunks_used());
        self.served |= forked;
    }

    /// A case has ended: says once if none of its processes entered itself in the trace.
    pub(crate) fn case_ended(&mut self) -> Option<String> {
        self.session.look_for_ends();
        let unseen = self.used == Some(self.session.chunks_used()) && !self.session.is_full();
        if !unseen || self.told {
            return None;
        }
        self.told = true;
        Some(
            "the recorder did not get into the case's process (a program that is linked statically takes no LD_PRELOAD): \
             its ioctls are not known"
                .into(),
        )
    }
}

/// The guest's memory that its host sees, as sysfs lets it be mapped (drivers/pci/pci-sysfs.c). A real processor would
/// write each word of the plain resource by itself; through the write-combining one a record goes out as a whole line.
fn shared_memory() -> io::Result<PathBuf> {
    let missing = || io::Error::new(io::ErrorKind::NotFound, "the guest has no ivshmem device");
    let is_ours = |device: &PathBuf| {
        let says = |file: &str, what| fs::read_to_string(device.join(file)).is_ok_and(|t| t.trim() == what);
        says("vendor", IVSHMEM.0) && says("device", IVSHMEM.1)
    };
    let mut devices = fs::read_dir("/sys/bus/pci/devices")?.flatten().map(|entry| entry.path());
    let device = devices.find(is_ours).ok_or_else(missing)?;
    // No driver has done it: its memory answers only then.
    fs::write(device.join("enable"), "1")?;
    let combining = device.join("resource2_wc");
    Ok(if combining.exists() { combining } else { device.join("resource2") })
}
