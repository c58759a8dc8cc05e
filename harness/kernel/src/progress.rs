//! What a build tells about itself while it runs.

use std::fmt;

use crate::variant::Variant;

/// One step of a build, for a progress bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Which kernel is being built.
    pub variant: Variant,
    /// What is going on.
    pub phase: Phase,
    /// Steps done in this phase. Starts at 0 with each phase.
    pub done: u64,
    /// How many steps the phase is expected to have; never below `done`. It is an estimate from earlier builds, and `None`
    /// where nothing is known: an incremental build compiles what it must.
    pub total: Option<u64>,
}

/// The phases of a build, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Another build holds the cache folder.
    Wait,
    /// The source is unpacked, or linked from the caller's tree.
    Source,
    /// The variant's patches are applied.
    Patch,
    /// Kconfig runs, and its result is checked.
    Configure,
    /// The compiler runs; one step per object, link or archive.
    Compile,
    /// Modules are installed, stripped and indexed.
    Modules,
    /// What external modules are built with is kept.
    Headers,
    /// The twins are built and installed.
    Twins,
}

impl Phase {
    /// What the program is doing, as a verb: it fits after "failed to".
    pub fn verb(self) -> &'static str {
        match self {
            Phase::Wait => "wait for another build",
            Phase::Source => "prepare the source",
            Phase::Patch => "patch the source",
            Phase::Configure => "configure the kernel",
            Phase::Compile => "compile the kernel",
            Phase::Modules => "install the modules",
            Phase::Headers => "keep the headers",
            Phase::Twins => "build the twins",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.verb())
    }
}
