//! The fencelab executable, as benches start it.

use std::ffi::OsString;
use std::path::PathBuf;

/// An executable that becomes the agent when it is called with `agent ..`.
#[derive(Debug, Clone)]
pub struct Program {
    /// Its absolute path.
    pub path: PathBuf,
    /// More arguments behind `agent --init` or `agent --stdio`; tests name another case program this way.
    pub extra: Vec<OsString>,
}

impl Program {
    /// The executable at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Program { path: path.into(), extra: Vec::new() }
    }

    /// The same with one more argument for the agent.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.extra.push(argument.into());
        self
    }
}
