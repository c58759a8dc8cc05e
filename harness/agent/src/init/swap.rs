//! Swap for the guest, in memory: without it nothing that a process wrote can be taken from it, and reclaim finds little to do.

use std::fs::{self, File};
use std::io::{self, Write};

use nix::NixPath;
use nix::errno::Errno;

/// The module of a block device that is made of compressed memory.
pub(super) const MODULE: &str = "zram";
const DEVICE: &str = "/dev/zram0";
const PAGE: u32 = 4096;

/// Makes this much of it, its module loaded, and turns it on; why not, where that fails.
pub(super) fn on(mib: u32) -> Result<(), String> {
    let size = fs::write("/sys/block/zram0/disksize", format!("{mib}M"));
    size.map_err(|e| format!("give {DEVICE} {mib} MiB: {e}"))?;
    write_header(mib).map_err(|e| format!("write a swap header to {DEVICE}: {e}"))?;
    // SAFETY: the path ends with a NUL and lives through the call.
    let result = DEVICE.with_nix_path(|path| unsafe { libc::swapon(path.as_ptr(), 0) });
    result.and_then(Errno::result).map(drop).map_err(|errno| format!("turn on swap: {errno}"))
}

fn write_header(mib: u32) -> io::Result<()> {
    let mut device = File::options().write(true).open(DEVICE)?;
    device.write_all(&header(mib << 8))?;
    device.sync_all()
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
