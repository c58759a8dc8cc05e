//! Swap for the guest, in memory: without it nothing that a process wrote can be taken from it, and reclaim finds little to do.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Write};

use fencelab_suites::modules::Modules;
use nix::errno::Errno;

/// A block device that is made of compressed memory.
const DEVICE: &str = "/dev/zram0";
const PAGE: u32 = 4096;

/// Makes this much of it and turns it on; why not, where that fails.
pub(super) fn on(mib: u32) -> Result<(), String> {
    let modules = Modules::here().map_err(|e| e.to_string())?;
    modules.load("zram", "").map_err(|e| e.to_string())?;
    make(mib).map_err(|e| e.to_string())
}

fn make(mib: u32) -> io::Result<()> {
    fs::write("/sys/block/zram0/disksize", format!("{mib}M"))?;
    let mut device = File::options().write(true).open(DEVICE)?;
    device.write_all(&header(mib << 8))?;
    device.sync_all()?;
    let path = CString::new(DEVICE)?;
    // SAFETY: the path ends with a NUL and lives through the call.
    Errno::result(unsafe { libc::swapon(path.as_ptr(), 0) })?;
    Ok(())
}

/// The first page of a swap area (include/linux/swap.h, `union swap_header`): version, last page and no bad ones after 1024 bytes
/// for a boot loader, and the mark at its end.
fn header(pages: u32) -> Vec<u8> {
    const MARK: &[u8] = b"SWAPSPACE2";
    let mut page = vec![0; PAGE as usize];
    page[1024..1028].copy_from_slice(&1u32.to_ne_bytes());
    page[1028..1032].copy_from_slice(&(pages - 1).to_ne_bytes());
    let mark = page.len() - MARK.len();
    page[mark..].copy_from_slice(MARK);
    page
}
