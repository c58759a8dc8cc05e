//! Where a pool's bytes come from.
//!
//! Bytes are copied out by position and never borrowed: a live pool changes while it is read, and a mapped file that
//! somebody cuts short would end the reader with SIGBUS.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Bytes that can be read at any position and may change meanwhile.
pub trait Source: Send + Sync {
    /// How many there are now.
    ///
    /// # Errors
    ///
    /// As the file system says.
    fn len(&self) -> io::Result<u64>;

    /// Whether there are none.
    ///
    /// # Errors
    ///
    /// As [`Source::len`].
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Copies bytes from position `at` on; gives how many there were, fewer than asked for only at the end.
    ///
    /// # Errors
    ///
    /// As the file system says.
    fn read_at(&self, at: u64, out: &mut [u8]) -> io::Result<usize>;
}

impl Source for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, at: u64, out: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = out.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match FileExt::read_at(self, rest, at + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }
}

impl Source for Vec<u8> {
    fn len(&self) -> io::Result<u64> {
        Ok(Vec::len(self) as u64)
    }

    fn read_at(&self, at: u64, out: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(at).ok().and_then(|at| self.get(at..)).unwrap_or_default();
        let count = rest.len().min(out.len());
        out[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

impl<S: Source + ?Sized> Source for Arc<S> {
    fn len(&self) -> io::Result<u64> {
        (**self).len()
    }

    fn read_at(&self, at: u64, out: &mut [u8]) -> io::Result<usize> {
        (**self).read_at(at, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_behind_the_end_gives_nothing() {
        let (bytes, mut out) = (vec![1u8, 2, 3], [0; 2]);
        assert_eq!(bytes.read_at(2, &mut out).unwrap(), 1);
        assert_eq!(bytes.read_at(u64::MAX, &mut out).unwrap(), 0);
    }
}
