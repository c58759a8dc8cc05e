//! Checksums of what a CRTC scans out, from debugfs (`drivers/gpu/drm/drm_debugfs_crc.c`).

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::Duration;

use drm::control::Device as _;
use drm::{Device as _, VblankWaitFlags, VblankWaitTarget};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::fstat;

use super::Pipe;
use crate::case::Stop;
use crate::must::{HasErrno, Must};

/// How long a frame may take on a loaded, emulated machine.
const PATIENCE: Duration = Duration::from_secs(8);

/// Frames from one call to the first that surely began after it: a checksum may be told when its frame begins (vkms) or when
/// it is over (i915).
const FRAMES: u32 = 2;

/// An open stream of checksums, one line a frame.
#[derive(Debug)]
pub struct Crc<'a> {
    pipe: &'a Pipe,
    /// The how-manieth CRTC of its card that is.
    crtc: u32,
    data: File,
}

/// What a frame's line tells.
#[derive(Clone, Copy, Debug)]
struct Line {
    /// Its number, as vblanks are counted; `None`: the driver has none.
    frame: Option<u32>,
    crc: u64,
}

impl<'a> Crc<'a> {
    /// Starts the stream of a pipeline that is on.
    ///
    /// # Errors
    /// Skips where debugfs or the driver has no checksums.
    pub fn of(pipe: &'a Pipe) -> Result<Self, Stop> {
        let (minor, crtc) = (minor(pipe)?, index(pipe)?);
        let folder = PathBuf::from(format!("/sys/kernel/debug/dri/{minor}/crtc-{crtc}/crc"));
        let missing = |e: std::io::Error| {
            Stop::skip(format!("{} tells no checksums: {:?}", pipe.card().name(), e.errno()))
        };
        fs::write(folder.join("control"), "auto").map_err(missing)?;
        let data = OpenOptions::new().read(true).open(folder.join("data")).map_err(missing)?;
        Ok(Self { pipe, crtc, data })
    }

    /// The checksum of a frame that began after this call.
    ///
    /// Frames are told apart by their numbers, as a slow machine tells one checksum for several (`vkms_composer_worker()`).
    ///
    /// # Errors
    /// Fails where none comes.
    pub fn frame(&mut self) -> Result<u64, Stop> {
        while self.readable(Duration::ZERO)? {
            self.line()?;
        }
        let first = self.vblanks()?.wrapping_add(FRAMES);
        let mut unnumbered = 0;
        loop {
            self.wait()?;
            let Line { frame, crc } = self.line()?;
            unnumbered += u32::from(frame.is_none());
            // The counts wrap.
            if unnumbered > FRAMES || frame.is_some_and(|frame| frame.wrapping_sub(first).cast_signed() >= 0)
            {
                return Ok(crc);
            }
        }
    }

    /// Vblanks of the CRTC until now.
    fn vblanks(&self) -> Result<u32, Stop> {
        let now = VblankWaitTarget::Relative(0);
        let reply = self.pipe.card().wait_vblank(now, VblankWaitFlags::empty(), self.crtc, 0);
        Ok(reply.must("count the vblanks")?.frame())
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

    /// One line: the frame's number, or `XXXXXXXXXX`, and its checksums, in hexadecimal.
    fn line(&mut self) -> Result<Line, Stop> {
        let mut bytes = [0; 256];
        let len = self.data.read(&mut bytes).must("read a checksum")?;
        let text = String::from_utf8_lossy(&bytes[..len]);
        let mut words = text.split_whitespace().map(|word| {
            let digits = word.strip_prefix("0x")?;
            u64::from_str_radix(digits, 16).ok()
        });
        let frame = words.next().flatten().map(|frame| frame as u32);
        let crc = words.next().flatten();
        let line = crc.map(|crc| Line { frame, crc });
        line.ok_or_else(|| Stop::fail(format!("{text:?} is no line of checksums")))
    }
}

fn minor(pipe: &Pipe) -> Result<u64, Stop> {
    Ok(fstat(pipe.card().as_fd()).must("stat the card")?.st_rdev & 0xff)
}

fn index(pipe: &Pipe) -> Result<u32, Stop> {
    let resources = pipe.card().resource_handles().must("list the KMS resources")?;
    let index = resources.crtcs().iter().position(|&crtc| crtc == pipe.crtc());
    Ok(index.unwrap_or(0) as u32)
}
