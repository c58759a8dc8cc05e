//! Checksums of what a CRTC scans out, from debugfs (`drivers/gpu/drm/drm_debugfs_crc.c`).

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::Duration;

use drm::control::Device as _;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::fstat;

use super::Pipe;
use crate::case::Stop;
use crate::must::{HasErrno, Must};

/// How long a frame may take on a loaded, emulated machine.
const PATIENCE: Duration = Duration::from_secs(8);

/// An open stream of checksums, one line a frame.
#[derive(Debug)]
pub struct Crc {
    data: File,
}

impl Crc {
    /// Starts the stream of a pipeline that is on.
    ///
    /// # Errors
    /// Skips where debugfs or the driver has no checksums.
    pub fn of(pipe: &Pipe) -> Result<Self, Stop> {
        let folder = folder(pipe)?;
        let missing = |e: std::io::Error| {
            Stop::skip(format!("{} tells no checksums: {:?}", pipe.card().name(), e.errno()))
        };
        fs::write(folder.join("control"), "auto").map_err(missing)?;
        let data = OpenOptions::new().read(true).open(folder.join("data")).map_err(missing)?;
        Ok(Crc { data })
    }

    /// The checksum of a frame that began after this call: the second one from now, the first may be on its way.
    ///
    /// # Errors
    /// Fails where none comes.
    pub fn frame(&mut self) -> Result<u64, Stop> {
        while self.readable(Duration::ZERO)? {
            self.line()?;
        }
        for _ in 0..2 {
            self.wait()?;
            self.line()?;
        }
        self.wait()?;
        self.line()
    }

    fn wait(&self) -> Result<(), Stop> {
        crate::check!(self.readable(PATIENCE)?, "no checksum came");
        Ok(())
    }

    fn readable(&self, timeout: Duration) -> Result<bool, Stop> {
        let timeout = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
        let mut fds = [PollFd::new(self.data.as_fd(), PollFlags::POLLIN)];
        Ok(poll(&mut fds, timeout).must("poll for a checksum")? > 0)
    }

    /// One line: the frame's number and its checksums, in hexadecimal.
    fn line(&mut self) -> Result<u64, Stop> {
        let mut bytes = [0; 256];
        let len = self.data.read(&mut bytes).must("read a checksum")?;
        let text = String::from_utf8_lossy(&bytes[..len]);
        let word = text.split_whitespace().nth(1).and_then(|w| w.strip_prefix("0x"));
        let crc = word.and_then(|w| u64::from_str_radix(w, 16).ok());
        crc.ok_or_else(|| Stop::fail(format!("{text:?} is no line of checksums")))
    }
}

fn folder(pipe: &Pipe) -> Result<PathBuf, Stop> {
    let minor = fstat(pipe.card().as_fd()).must("stat the card")?.st_rdev & 0xff;
    let resources = pipe.card().resource_handles().must("list the KMS resources")?;
    let index = resources.crtcs().iter().position(|&c| c == pipe.crtc()).unwrap_or(0);
    Ok(PathBuf::from(format!("/sys/kernel/debug/dri/{minor}/crtc-{index}/crc")))
}
