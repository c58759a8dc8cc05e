//! Turns the kernel's answers into checks: a call that must succeed, and a call that must be refused.

use std::io;

use nix::errno::Errno;

use crate::case::{Stop, Tested};

/// An error of the kernel that has an errno.
pub trait HasErrno {
    /// The errno; `UnknownErrno` where there is none.
    fn errno(&self) -> Errno;
}

impl HasErrno for Errno {
    fn errno(&self) -> Errno {
        *self
    }
}

impl HasErrno for io::Error {
    fn errno(&self) -> Errno {
        self.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw)
    }
}

/// What a case expects of a call. `what` names the call as it fits after "failed to": "create a syncobj".
pub trait Must<T> {
    /// The value, or a failed check that names the errno.
    ///
    /// # Errors
    /// [`Stop::Fail`] where the call failed.
    fn must(self, what: &str) -> Result<T, Stop>;

    /// Checks that the call was refused with this errno.
    ///
    /// # Errors
    /// [`Stop::Fail`] where the call succeeded or failed with another errno.
    fn refused(self, what: &str, expected: Errno) -> Tested;

    /// Checks that the call was refused with one of these errnos, and says which it was.
    ///
    /// # Errors
    /// [`Stop::Fail`] where the call succeeded or failed with another errno.
    fn refused_with(self, what: &str, expected: &[Errno]) -> Result<Errno, Stop>;
}

impl<T, E: HasErrno> Must<T> for Result<T, E> {
    fn must(self, what: &str) -> Result<T, Stop> {
        self.map_err(|e| Stop::fail(format!("failed to {what}: {}", e.errno())))
    }

    fn refused(self, what: &str, expected: Errno) -> Tested {
        self.refused_with(what, &[expected]).map(drop)
    }

    fn refused_with(self, what: &str, expected: &[Errno]) -> Result<Errno, Stop> {
        match self.map_err(|e| e.errno()) {
            Err(errno) if expected.contains(&errno) => Ok(errno),
            Err(errno) => Err(Stop::fail(format!("{what}: refused with {errno:?}, expected {expected:?}"))),
            Ok(_) => Err(Stop::fail(format!("{what}: it succeeded, expected {expected:?}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_call_names_its_errno() {
        let stop = Err::<(), _>(Errno::EBADF).must("close the file").unwrap_err();
        assert_eq!(stop, Stop::Fail("failed to close the file: EBADF: Bad file number".into()));
        let error = io::Error::from_raw_os_error(libc::ENOENT);
        let Stop::Fail(text) = Err::<(), _>(error).must("open it").unwrap_err() else {
            panic!("a failed call is a failed check");
        };
        assert!(text.contains("ENOENT"), "{text}");
    }

    #[test]
    fn a_refusal_is_checked_both_ways() {
        assert!(Err::<(), _>(Errno::EINVAL).refused("bad flags", Errno::EINVAL).is_ok());
        assert!(Err::<(), _>(Errno::EINVAL).refused("bad flags", Errno::EBADF).is_err());
        assert!(Ok::<_, Errno>(1).refused("bad flags", Errno::EINVAL).is_err());
        let found = Err::<(), _>(Errno::ENOSYS).refused_with("import", &[Errno::ENODEV, Errno::ENOSYS]);
        assert_eq!(found, Ok(Errno::ENOSYS));
    }
}
