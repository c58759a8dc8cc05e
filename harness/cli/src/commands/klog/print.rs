//! Standard output.

use std::io::{self, IsTerminal, Write};

use anyhow::{Context, Result};
use fencelab_klog::lockdep::graph::LockGraph;

/// Prints; a reader that went away (`| head`) is no error.
pub(super) fn print(text: &str) -> Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error).context("print a report"),
        _ => Ok(()),
    }
}

/// Does somebody read it as it comes?
pub(super) fn to_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Prints a lock graph as DOT or SVG; one without locks is said and not drawn.
pub(super) fn graph(graph: &LockGraph, dot: bool) -> Result<()> {
    if graph.is_empty() {
        eprintln!("nothing to draw: no lock was taken under another");
        return Ok(());
    }
    print(&if dot { graph.dot() } else { graph.svg() })
}
