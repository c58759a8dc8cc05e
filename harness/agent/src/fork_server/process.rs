//! The process that forks: one thread, which holds nothing but its socket and waits.

use std::ffi::OsString;
use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::process::ExitCode;

use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, send};

use super::SOCKET;
use crate::fork::{Kin, fork_into, settle};

/// A case's arguments, in JSON: the descriptions of three devices are some hundred bytes each.
const LARGEST: usize = 64 << 10;

/// Forks whenever it is asked, until nobody can ask any more. Returns in each child too, with what `run` gave.
pub(crate) fn serve(run: impl FnOnce(&[OsString]) -> ExitCode) -> ExitCode {
    // SAFETY: the agent passes this descriptor for this use, and nothing else in this process has it.
    let socket = unsafe { OwnedFd::from_raw_fd(SOCKET) };
    loop {
        let (arguments, mut fds) = match hear(&socket) {
            Ok(Some(request)) => request,
            Ok(None) => return ExitCode::SUCCESS,
            Err(_) => return ExitCode::FAILURE,
        };
        let cgroup = fds.pop();
        let answer = match fork_into(cgroup.as_ref().map(AsFd::as_fd), Kin::Sibling) {
            Ok(0) => {
                drop((socket, cgroup));
                return settle(&fds).map_or(ExitCode::FAILURE, |()| {
                    drop(fds);
                    run(&arguments)
                });
            }
            Ok(pid) => pid,
            Err(error) => -error.raw_os_error().unwrap_or(libc::EIO),
        };
        if send(socket.as_raw_fd(), &answer.to_ne_bytes(), MsgFlags::MSG_NOSIGNAL).is_err() {
            return ExitCode::FAILURE;
        }
    }
}

/// A request: the arguments, and the descriptors, the cgroup's last. None: the agent is gone.
fn hear(socket: &OwnedFd) -> io::Result<Option<(Vec<OsString>, Vec<OwnedFd>)>> {
    let mut bytes = vec![0; LARGEST];
    let mut space = nix::cmsg_space!([RawFd; 8]);
    let mut parts = [IoSliceMut::new(&mut bytes)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut space), flags)?;
    let mut fds = Vec::new();
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(rights) = control {
            // SAFETY: the kernel has just made these descriptors for us alone.
            fds.extend(rights.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }));
        }
    }
    let (len, flags) = (message.bytes, message.flags);
    if len == 0 {
        return Ok(None);
    }
    if flags.intersects(MsgFlags::MSG_TRUNC | MsgFlags::MSG_CTRUNC) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the request was cut"));
    }
    let arguments: Vec<String> = serde_json::from_slice(&bytes[..len])?;
    Ok(Some((arguments.into_iter().map(OsString::from).collect(), fds)))
}
