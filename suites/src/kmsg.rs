//! The kernel log from one moment on, for cases whose result is only there (`Documentation/ABI/testing/dev-kmsg`).

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;

use crate::case::Stop;
use crate::must::Must;

/// One record at most; the kernel's limit is `PRINTKRB_RECORD_MAX`, 1024, and its prefix and dictionary.
const RECORD: usize = 8192;

/// A reader of `/dev/kmsg` that begins behind the last record of its opening.
#[derive(Debug)]
pub struct Kmsg {
    file: File,
    lost: bool,
}

impl Kmsg {
    /// Opens the log at its end.
    ///
    /// # Errors
    /// Skips where the log may not be read.
    pub fn at_end() -> Result<Self, Stop> {
        let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open("/dev/kmsg");
        let mut file =
            file.map_err(|e| Stop::skip(format!("the kernel log cannot be read: /dev/kmsg: {e}")))?;
        file.seek(SeekFrom::End(0)).must("seek to the end of /dev/kmsg")?;
        Ok(Kmsg { file, lost: false })
    }

    /// The messages that came since the last call, without their prefixes. Records that the kernel overwrote before
    /// they were read are left out.
    ///
    /// # Errors
    /// [`Stop::Fail`] where the log cannot be read.
    pub fn lines(&mut self) -> Result<Vec<String>, Stop> {
        let mut lines = Vec::new();
        let mut record = [0; RECORD];
        loop {
            match self.file.read(&mut record) {
                Ok(0) => return Ok(lines),
                Ok(len) => lines.extend(message(&record[..len])),
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(lines),
                // The log has run over; the next read goes on with its oldest record.
                Err(e) if e.kind() == ErrorKind::BrokenPipe => self.lost = true,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e).must("read /dev/kmsg"),
            }
        }
    }

    /// Whether the kernel overwrote records before they were read, so that what is not in the lines may have been.
    pub fn lost(&self) -> bool {
        self.lost
    }
}

/// The text of a record: behind the first `;`, up to the end of its line. What follows is the dictionary.
fn message(record: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(record);
    let (_, message) = text.split_once(';')?;
    message.lines().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_its_text() {
        let record = b"6,339,5140900,-,caller=T1;NET: Registered; PF_INET6\n SUBSYSTEM=net\n";
        assert_eq!(message(record).unwrap(), "NET: Registered; PF_INET6");
        assert_eq!(message(b"6,1,2,-;    ok 1 name\n").unwrap(), "    ok 1 name");
        assert_eq!(message(b"6,1,2,-;\n").unwrap(), "");
        assert_eq!(message(b"no record"), None);
    }
}
