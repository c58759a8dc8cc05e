//! A script in a guest whose standard output is a packed archive.

use std::path::Path;
use std::process::{Command, Stdio};

/// Runs it, and unpacks what it gives into a folder that is there.
pub(crate) fn unpack(script: &str, out: &Path) {
    let mut guest = Command::new(env!("CARGO_BIN_EXE_fencelab"));
    guest.args(["vm", "--", "sh", "-c", script]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut guest = guest.spawn().expect("run fencelab vm");
    let packed = guest.stdout.take().expect("its output");
    let unpacked = Command::new("tar").args(["xz", "-C"]).arg(out).stdin(packed).status().expect("tar");
    assert!(guest.wait().expect("the guest").success() && unpacked.success(), "the guest gave nothing back");
}
