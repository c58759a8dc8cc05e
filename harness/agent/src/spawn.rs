//! Starts a program inside its cgroup.

use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::ptr;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::{Pid, pipe2};

use crate::fork::{Kin, fork_into, settle};

/// What is to be started.
pub(crate) struct Launch<'a> {
    /// The executable.
    pub(crate) program: &'a Path,
    /// Its arguments, its own name first.
    pub(crate) argv: &'a [OsString],
    /// Its whole environment, `NAME=value`.
    pub(crate) env: &'a [OsString],
    /// Its working directory.
    pub(crate) cwd: &'a Path,
    /// Its descriptors 0, 1, 2 and so on; it gets no others.
    pub(crate) fds: &'a [BorrowedFd<'a>],
    /// Its cgroup's folder.
    pub(crate) cgroup: Option<BorrowedFd<'a>>,
}

impl<'a> Launch<'a> {
    /// A program by its path, which its arguments begin with: in no cgroup of its own, and in the root folder.
    pub(crate) fn of(argv: &'a [OsString], env: &'a [OsString], fds: &'a [BorrowedFd<'a>]) -> Self {
        let program = Path::new(argv.first().map_or("".as_ref(), OsString::as_os_str));
        Launch { program, argv, env, cwd: Path::new("/"), fds, cgroup: None }
    }
}

/// All that the child needs, made before it is: between fork and exec it may not allocate.
struct Prepared {
    program: CString,
    cwd: CString,
    argv: Vec<*const libc::c_char>,
    env: Vec<*const libc::c_char>,
    fds: Vec<OwnedFd>,
    failure: OwnedFd,
    _strings: Vec<CString>,
}

/// Starts it, in a session of its own, killed when this thread ends. Returns when its exec is done.
///
/// # Errors
/// The kernel's, of the fork or of the exec.
pub(crate) fn spawn(launch: &Launch<'_>) -> io::Result<Pid> {
    let (ours, theirs) = pipe2(OFlag::O_CLOEXEC)?;
    let prepared = prepare(launch, theirs)?;
    let child = fork_into(launch.cgroup, Kin::Child)?;
    if child == 0 {
        let errno = become_program(&prepared).raw_os_error().unwrap_or(libc::EINVAL).to_ne_bytes();
        // SAFETY: `write` and `_exit` are system calls alone; the buffer lives on this stack.
        unsafe {
            libc::write(prepared.failure.as_raw_fd(), errno.as_ptr().cast(), errno.len());
            libc::_exit(127);
        }
    }
    drop(prepared);
    let pid = Pid::from_raw(child);
    let mut errno = [0; 4];
    match File::from(ours).read_exact(&mut errno) {
        Ok(()) => {
            let _ = nix::sys::wait::waitpid(pid, None);
            Err(io::Error::from_raw_os_error(i32::from_ne_bytes(errno)))
        }
        // Closed by the exec.
        Err(_) => Ok(pid),
    }
}

fn prepare(launch: &Launch<'_>, failure: OwnedFd) -> io::Result<Prepared> {
    let c = |text: &OsStr| CString::new(text.as_bytes()).map_err(io::Error::from);
    let strings = |list: &[OsString]| list.iter().map(|s| c(s)).collect::<io::Result<Vec<_>>>();
    let (argv, env) = (strings(launch.argv)?, strings(launch.env)?);
    let pointers =
        |list: &[CString]| list.iter().map(|s| s.as_ptr()).chain([ptr::null()]).collect::<Vec<_>>();
    // Above every number that they will be put on, so that none is overwritten before its turn.
    let floor = i32::try_from(launch.fds.len()).unwrap_or(0) + 3;
    let high = |fd: BorrowedFd<'_>| fcntl(fd, FcntlArg::F_DUPFD_CLOEXEC(floor)).map(owned);
    Ok(Prepared {
        program: c(launch.program.as_os_str())?,
        cwd: c(launch.cwd.as_os_str())?,
        argv: pointers(&argv),
        env: pointers(&env),
        fds: launch.fds.iter().map(|fd| high(*fd)).collect::<Result<_, _>>()?,
        failure: high(failure.as_fd())?,
        _strings: argv.into_iter().chain(env).collect(),
    })
}

fn owned(fd: RawFd) -> OwnedFd {
    use std::os::fd::FromRawFd;
    // SAFETY: fcntl has just made this descriptor for us alone.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// In the child: makes it the program. Returns only on failure.
fn become_program(prepared: &Prepared) -> io::Error {
    if let Err(error) = settle(&prepared.fds) {
        return error;
    }
    // SAFETY: system calls on values that `prepare` made, all of which outlive this call: `argv` and `env` end
    // with a null pointer, and what they point to is in `_strings`. None of the calls allocates or locks.
    unsafe {
        // Rust's runtime ignores it in this process, and ignoring is inherited.
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        // Whatever else this process holds without CLOEXEC: it gets these descriptors and no others.
        libc::close_range(prepared.fds.len() as u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC as i32);
        if libc::chdir(prepared.cwd.as_ptr()) == 0 {
            libc::execve(prepared.program.as_ptr(), prepared.argv.as_ptr(), prepared.env.as_ptr());
        }
    }
    io::Error::last_os_error()
}

/// Finds a program as `execvp` would: a name with a slash is a path from `cwd`, another is looked up in `path`.
///
/// # Errors
/// `NotFound`, or `PermissionDenied` where something of the name is there and cannot be run.
pub(crate) fn look_up(name: &str, path: &str, cwd: &Path) -> io::Result<PathBuf> {
    if name.contains('/') {
        return Ok(cwd.join(name));
    }
    let mut refused = io::ErrorKind::NotFound;
    for folder in path.split(':').filter(|f| !f.is_empty() && !name.is_empty()) {
        let candidate = Path::new(folder).join(name);
        match candidate.metadata() {
            Ok(meta) if meta.is_file() && meta.permissions().mode() & 0o111 != 0 => return Ok(candidate),
            Ok(meta) if meta.is_file() => refused = io::ErrorKind::PermissionDenied,
            _ => {}
        }
    }
    Err(refused.into())
}

#[cfg(test)]
mod tests {
    use nix::sys::wait::{WaitStatus, waitpid};

    use super::*;

    fn run(program: &str, argv: &[&str], cwd: &str) -> io::Result<(WaitStatus, String)> {
        let (ours, theirs) = pipe2(OFlag::O_CLOEXEC)?;
        let null = File::open("/dev/null")?;
        let argv: Vec<OsString> = argv.iter().map(OsString::from).collect();
        let pid = spawn(&Launch {
            program: Path::new(program),
            argv: &argv,
            env: &["A=b".into()],
            cwd: Path::new(cwd),
            fds: &[null.as_fd(), theirs.as_fd(), theirs.as_fd(), theirs.as_fd()],
            cgroup: None,
        })?;
        drop(theirs);
        let text = io::read_to_string(File::from(ours))?;
        Ok((waitpid(pid, None)?, text))
    }

    #[test]
    fn a_program_gets_its_arguments_environment_folder_and_descriptors_alone() {
        let script = "echo $1 $A; pwd; echo three >&3; ls /proc/self/fd; exit 5";
        let (status, text) = run("/bin/sh", &["sh", "-c", script, "x", "arg"], "/usr").unwrap();
        assert!(matches!(status, WaitStatus::Exited(_, 5)), "{status:?}");
        // `ls` itself opens the folder, as 4.
        assert_eq!(text, "arg b\n/usr\nthree\n0\n1\n2\n3\n4\n");
    }

    #[test]
    fn a_failed_exec_is_an_error_with_its_errno() {
        let errno = |program, cwd| run(program, &["x"], cwd).unwrap_err().raw_os_error();
        assert_eq!(errno("/nonexistent", "/"), Some(libc::ENOENT));
        assert_eq!(errno("/etc/passwd", "/"), Some(libc::EACCES));
        assert_eq!(errno("/bin/sh", "/nonexistent"), Some(libc::ENOENT));
    }

    #[test]
    fn programs_are_looked_up_as_a_shell_does() {
        let find = |name, path| look_up(name, path, Path::new("/usr"));
        assert_eq!(find("sh", "/nonexistent:/bin").unwrap(), Path::new("/bin/sh"));
        assert_eq!(find("bin/sh", "").unwrap(), Path::new("/usr/bin/sh"));
        assert_eq!(find("sh", "/etc").unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(find("passwd", "/etc").unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    }
}
