//! Where fencelab keeps things on this machine. Only the binary looks at the environment.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result};

/// The cache: `$FENCELAB_CACHE`, else `$XDG_CACHE_HOME/fencelab`, else `~/.cache/fencelab`.
pub(crate) fn cache() -> Result<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("FENCELAB_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|dir| dir.join("fencelab")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/fencelab")))
        .context("find a cache folder: none of FENCELAB_CACHE, XDG_CACHE_HOME and HOME is set")
}

/// `WHAT-<milliseconds since 1970>` in the working directory: sorted by age, never used twice.
pub(crate) fn new_folder(what: &str) -> PathBuf {
    PathBuf::from(format!("{what}-{}", fencelab_runner::files::now_ms()))
}

/// The running program, which is also the guest's init.
pub(crate) fn program() -> Result<PathBuf> {
    env::current_exe().context("find the running program")
}
