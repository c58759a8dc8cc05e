//! The guest's file systems: a tmpfs over the host's read-only root, and the kernel's own.

use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

use nix::mount::{MsFlags, mount};
use nix::unistd::{chdir, chroot};

/// Where the new root is put together: a folder that every host has.
const STAGE: &str = "/tmp";

/// What is mounted below the new root: type, place, options, and whether the guest is of use without it.
const MOUNTS: [(&str, &str, &str, bool); 10] = [
    ("proc", "proc", "", true),
    ("sysfs", "sys", "", true),
    ("devtmpfs", "dev", "mode=755", true),
    ("devpts", "dev/pts", "mode=620,ptmxmode=666", false),
    ("tmpfs", "dev/shm", "mode=1777", false),
    // The host's own says where the host's daemons listen.
    ("tmpfs", "run", "mode=755", false),
    ("debugfs", "sys/kernel/debug", "", false),
    ("tracefs", "sys/kernel/tracing", "", false),
    ("cgroup2", "sys/fs/cgroup", "", false),
    ("configfs", "sys/kernel/config", "", false),
];

/// Mounts everything and makes it this process's root.
///
/// # Errors
/// With the mount that failed.
pub(super) fn make() -> io::Result<()> {
    attach("tmpfs", Path::new(STAGE), "mode=755")?;
    let stage = Path::new(STAGE);
    for name in ["upper", "work", "root"] {
        fs::create_dir(stage.join(name))?;
    }
    let root = stage.join("root");
    let layers = format!("lowerdir=/,upperdir={STAGE}/upper,workdir={STAGE}/work");
    attach("overlay", &root, &layers)?;
    for (kind, place, options, needed) in MOUNTS {
        let place = root.join(place);
        let _ = fs::create_dir_all(&place);
        match attach(kind, &place, options) {
            Err(error) if needed => return Err(error),
            _ => {}
        }
    }
    enter(&root)?;
    speak_to_the_console()
}

fn attach(kind: &str, place: &Path, options: &str) -> io::Result<()> {
    mount(Some(kind), place, Some(kind), MsFlags::empty(), Some(options))
        .map_err(|errno| io::Error::other(format!("mount {kind} on {}: {errno}", place.display())))
}

/// As switch_root(8) does it; the initial root cannot be unmounted, only covered.
fn enter(root: &Path) -> io::Result<()> {
    chdir(root)?;
    mount(Some("."), "/", None::<&str>, MsFlags::MS_MOVE, None::<&str>)?;
    chroot(".")?;
    chdir("/")?;
    Ok(())
}

/// Without /dev/console in the host's /dev the kernel started us with no descriptors at all.
fn speak_to_the_console() -> io::Result<()> {
    let console = super::open_both("/dev/console").or_else(|_| super::open_both("/dev/null"))?;
    for number in 0..3 {
        // SAFETY: duplicates a descriptor that is open onto numbers that nothing in this process owns.
        if unsafe { libc::dup2(console.as_raw_fd(), number) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    if console.as_raw_fd() < 3 {
        std::mem::forget(console);
    }
    Ok(())
}
