//! What can go wrong with a bench, each kind once and in one sentence.

use std::io;
use std::path::PathBuf;

/// Why a bench cannot do what was asked. The texts fit after "failed to bring up the bench: ".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A bench file that cannot be read.
    #[error("read {}: {error}", path.display())]
    ConfigFile {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A bench file that says something wrong: the file, line and column, and what was expected.
    #[error("{place}: {expected}")]
    Config {
        /// `file:line:column`.
        place: String,
        /// What is wrong, and what was expected instead.
        expected: String,
    },
    /// A kernel that is not there or not readable.
    #[error("read the kernel: {}: {error}", path.display())]
    Kernel {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A path that means something else in the guest, or that the kernel's command line cannot carry.
    #[error("show {} to the guest as its {what}: {why}", path.display())]
    Path {
        /// `init`, `modules`.
        what: &'static str,
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// No QEMU.
    #[error(
        "run {program}: it is not installed (on Debian and Ubuntu: apt-get install qemu-system-x86; on Fedora: dnf install qemu-system-x86-core)"
    )]
    NoQemu {
        /// The program that was looked for.
        program: String,
    },
    /// QEMU gave up before the guest ran, for a reason that its own message tells.
    #[error("start the guest: QEMU refused: {message}")]
    QemuRefused {
        /// QEMU's message.
        message: String,
    },
    /// The host has not the memory that the guest asks for.
    #[error(
        "start the guest: the host has no {mib} MiB for it (`memory_mib` in the bench's file): {message}"
    )]
    HostMemory {
        /// What the guest asks for.
        mib: u32,
        /// QEMU's message.
        message: String,
    },
    /// The guest has too little memory to come up.
    #[error("boot the guest: {mib} MiB is too little for it (`memory_mib` in the bench's file): {message}")]
    GuestMemory {
        /// What the guest has.
        mib: u32,
        /// The line that says so.
        message: String,
    },
    /// The kernel panicked before the agent spoke.
    #[error("boot the guest: its kernel panicked: {message}")]
    PanicAtBoot {
        /// The panic's line.
        message: String,
    },
    /// The agent never spoke.
    #[error("reach the agent: it said nothing for {after_s} s; the last that was heard: {last}")]
    NoAnswer {
        /// The deadline in seconds.
        after_s: u64,
        /// The last console line, or "nothing".
        last: String,
    },
    /// It ended before the agent spoke.
    #[error("reach the agent: {how}")]
    Ended {
        /// What is known of the end.
        how: String,
    },
    /// The order was taken back while it booted.
    #[error("reach the agent: the boot was stopped")]
    Stopped,
    /// Another fencelab's agent.
    #[error("talk to the agent: it speaks version {theirs} of the protocol and this fencelab version {ours}")]
    Version {
        /// The agent's.
        theirs: u32,
        /// Ours.
        ours: u32,
    },
    /// This machine has no DRM device.
    #[error(
        "use this machine as a bench: it has no DRM device in /dev/dri; `--bench vm` boots a guest that has several"
    )]
    NoDrm,
    /// A process or a socket of the bench's own cannot be had.
    #[error("{what}: {error}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        error: io::Error,
    },
}

impl Error {
    /// For `map_err`: an error of the operating system with what was tried.
    pub(crate) fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |error| Error::Io { what, error }
    }
}
