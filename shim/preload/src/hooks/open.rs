//! open and its like, of the paths that fences come from.

use core::ffi::{c_char, c_int, c_uint};

use fencelab_abi::section::{DRIVER, PATH};
use fencelab_abi::{Driver, FdClass, Kind};

use super::{Part, Timed, about_to, brought, head, path, timed, write};
use crate::payload::Argument;
use crate::readable::load;
use crate::sys::{self, nr};
use crate::{fds, real};

type Mode = c_uint;

/// O_CREAT, O_WRONLY and O_TRUNC.
const CREAT: c_int = 0o1101;

macro_rules! opens {
    ($($(#[$doc:meta])* $name:ident = $function:ident($($argument:ident: $type:ty),*), $path:ident, $flags:ident;)*) => { $(
        $(#[$doc])*
        pub fn $name(namespace: usize, $($argument: $type),*) -> c_int {
            let call = timed(|| real!(namespace, $function, fn($($type),*) -> c_int, $($argument),*));
            opened(namespace, $path, $flags, call)
        }
    )* };
}

opens! {
    /// `int open(const char *path, int flags, ...)`.
    open = Open(path: *const c_char, flags: c_int, mode: Mode), path, flags;
    /// `int open64(const char *path, int flags, ...)`.
    open64 = Open64(path: *const c_char, flags: c_int, mode: Mode), path, flags;
    /// `int openat(int folder, const char *path, int flags, ...)`.
    openat = Openat(folder: c_int, path: *const c_char, flags: c_int, mode: Mode), path, flags;
    /// `int openat64(int folder, const char *path, int flags, ...)`.
    openat64 = Openat64(folder: c_int, path: *const c_char, flags: c_int, mode: Mode), path, flags;
    /// `int creat(const char *path, mode_t mode)`.
    creat = Creat(path: *const c_char, mode: Mode), path, CREAT;
    /// `int creat64(const char *path, mode_t mode)`.
    creat64 = Creat64(path: *const c_char, mode: Mode), path, CREAT;
    /// What `open` becomes under _FORTIFY_SOURCE.
    open_2 = Open2(path: *const c_char, flags: c_int), path, flags;
    /// What `open64` becomes under _FORTIFY_SOURCE.
    open64_2 = Open64Checked(path: *const c_char, flags: c_int), path, flags;
    /// What `openat` becomes under _FORTIFY_SOURCE.
    openat_2 = Openat2(folder: c_int, path: *const c_char, flags: c_int), path, flags;
    /// What `openat64` becomes under _FORTIFY_SOURCE.
    openat64_2 = Openat64Checked(folder: c_int, path: *const c_char, flags: c_int), path, flags;
}

/// Records an open that worked, if the path is one of ours.
#[inline(never)]
pub(crate) fn opened(namespace: usize, name: *const c_char, flags: c_int, call: Timed) -> c_int {
    if call.result >= 0 {
        // SAFETY: the kernel has just read it.
        let name = unsafe { path(name) };
        if let Some(class) = class_of_path(name) {
            record(namespace, name, flags, class, &call);
        } else if fds::byte(call.result) != 0 {
            fds::set(call.result, FdClass::Unknown);
        }
    }
    call.result
}

#[cold]
fn record(namespace: usize, name: &[u8], flags: c_int, class: FdClass, call: &Timed) {
    let mut buffer = [0; 32];
    let driver = match class {
        FdClass::Drm(_) if crate::readable::may_ask() => driver_name(call.result, &mut buffer),
        _ => &[],
    };
    let class = if driver.is_empty() { class } else { FdClass::Drm(Driver::from_name(driver)) };
    brought(call.result, class);
    let parts = [Part::bytes(PATH, name), Part::bytes(DRIVER, driver)];
    let count = if driver.is_empty() { 1 } else { 2 };
    write(&head(namespace, Kind::Open, call.result, flags as u32, call), &parts[..count]);
}

/// What a file of that path is, if it is one of ours.
#[inline(never)]
fn class_of_path(path: &[u8]) -> Option<FdClass> {
    let of = |prefix: &str| path.starts_with(prefix.as_bytes());
    if of("/dev/dri/") || of("/dev/accel/") {
        Some(FdClass::Drm(Driver::Other))
    } else if of("/dev/dma_heap/") {
        Some(FdClass::Heap)
    } else if path == b"/dev/udmabuf" {
        Some(FdClass::Udmabuf)
    } else if path.ends_with(b"/sync/sw_sync") {
        Some(FdClass::SwSync)
    } else {
        None
    }
}

/// Asks an opened device for its driver's name.
#[inline(never)]
fn driver_name(fd: c_int, buffer: &mut [u8; 32]) -> &[u8] {
    /// DRM_IOCTL_VERSION of the 64-byte struct drm_version: name_len at 16, name at 24 (include/uapi/drm/drm.h).
    const DRM_IOCTL_VERSION: usize = 0xc040_6400;
    let mut version = [0u64; 8];
    version[2] = buffer.len() as u64;
    version[3] = buffer.as_mut_ptr() as u64;
    let args = [fd as usize, DRM_IOCTL_VERSION, version.as_mut_ptr() as usize, 0, 0, 0];
    // SAFETY: a struct drm_version of ours.
    if unsafe { sys::syscall(nr::IOCTL, args) } != 0 {
        return &[];
    }
    buffer.get(..version[2] as usize).unwrap_or(&[])
}

/// The driver that a DRM_IOCTL_VERSION of the program's has told, if it asked for the name.
pub(crate) fn driver_of_version(argument: &Argument) -> Driver {
    const LONGEST: usize = 16;
    if argument.size < 32 {
        return Driver::Other;
    }
    // SAFETY: the call succeeded, so the argument is there. The kernel may count further than it wrote, so the name is
    // read only as far as a driver's name goes, and only where it is there for sure.
    let (len, name) =
        unsafe { (load(argument.address + 16, 8) as usize, load(argument.address + 24, 8) as usize) };
    let mut buffer = [0; LONGEST];
    if len == 0 || len > LONGEST || !crate::readable::check(name, len, crate::readable::Trust::Look) {
        return Driver::Other;
    }
    for (at, byte) in buffer[..len].iter_mut().enumerate() {
        // SAFETY: checked.
        *byte = unsafe { load(name + at, 1) as u8 };
    }
    Driver::from_name(&buffer[..len])
}

/// Lists the fds that the program was started with. At the process's start.
pub fn inherited() {
    let Some(folder) = sys::open(b"/proc/self/fd\0", 0) else { return };
    let mut buffer = [0u64; 128];
    loop {
        let args = [folder as usize, buffer.as_mut_ptr() as usize, size_of_val(&buffer), 0, 0, 0];
        // SAFETY: the buffer is ours.
        let got = unsafe { sys::syscall(nr::GETDENTS64, args) };
        if got <= 0 {
            break;
        }
        // SAFETY: the kernel wrote so many bytes there.
        let entries = unsafe { core::slice::from_raw_parts(buffer.as_ptr().cast::<u8>(), got as usize) };
        for_each_number(entries, |fd| {
            if fd != folder {
                inherit(fd);
            }
        });
    }
    sys::close(folder);
}

/// The numbers among the names of struct linux_dirent64: reclen at 16, name from 19.
fn for_each_number(mut entries: &[u8], mut each: impl FnMut(c_int)) {
    while let Some(&[low, high]) = entries.get(16..18) {
        let len = usize::from(u16::from_le_bytes([low, high]));
        let name = entries.get(19..len).unwrap_or(&[]);
        let mut digits = name.iter().take_while(|&&byte| byte != 0);
        let number = digits.try_fold(0, |number: c_int, &byte| {
            let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
            number.checked_mul(10)?.checked_add(c_int::from(digit))
        });
        number.into_iter().for_each(&mut each);
        entries = entries.get(len.max(1)..).unwrap_or(&[]);
    }
}

/// Records an fd that was there at the start, if it is one of ours.
#[inline(never)]
fn inherit(fd: c_int) {
    let mut path = *b"/proc/self/fd/\0\0\0\0\0\0\0\0\0\0\0";
    let mut digits = [0; 10];
    let (mut rest, mut count) = (fd, 0);
    while count == 0 || rest > 0 {
        digits[count] = b'0' + (rest % 10) as u8;
        rest /= 10;
        count += 1;
    }
    for (at, digit) in digits[..count].iter().rev().enumerate() {
        path[14 + at] = *digit;
    }
    let mut link = [0; 256];
    let link = sys::readlink(&path, &mut link);
    let class = match link {
        b"anon_inode:sync_file" => FdClass::SyncFile,
        b"anon_inode:syncobj_file" => FdClass::Syncobj,
        _ if link.starts_with(b"/dmabuf:") => FdClass::DmaBuf,
        _ if link.starts_with(b"socket:") => FdClass::Socket,
        _ => match class_of_path(link) {
            Some(class) => class,
            None => return,
        },
    };
    let mut name = [0; 32];
    let driver = if let FdClass::Drm(_) = class { driver_name(fd, &mut name) } else { &[] };
    let class = if driver.is_empty() { class } else { FdClass::Drm(Driver::from_name(driver)) };
    brought(fd, class);
    let parts = [Part::bytes(PATH, link), Part::bytes(DRIVER, driver)];
    let count = if driver.is_empty() { 1 } else { 2 };
    write(&about_to(Kind::Inherited, fd, sys::inode(fd) as u32), &parts[..count]);
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    #[test]
    fn paths_of_devices_are_known() {
        assert_eq!(class_of_path(b"/dev/dri/renderD128"), Some(FdClass::Drm(Driver::Other)));
        assert_eq!(class_of_path(b"/sys/kernel/debug/sync/sw_sync"), Some(FdClass::SwSync));
        assert_eq!(class_of_path(b"/dev/null"), None);
    }

    #[test]
    fn numbers_are_read_from_directory_entries() {
        let entry = |name: &[u8]| {
            let len = (19 + name.len() + 1).next_multiple_of(8);
            let mut bytes = std::vec![0; len];
            bytes[16] = len as u8;
            bytes[19..19 + name.len()].copy_from_slice(name);
            bytes
        };
        let entries: Vec<u8> = [entry(b"."), entry(b".."), entry(b"0"), entry(b"1023")].concat();
        let mut numbers = Vec::new();
        for_each_number(&entries, |number| numbers.push(number));
        assert_eq!(numbers, [0, 1023]);
    }
}
