//! What the process's fds are, as far as calls have told.
//!
//! A cache, never the truth: fclose, closefrom and posix_spawn's file actions close fds that no hook sees. Whatever a call
//! on an fd shows corrects its entry.

use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

use fencelab_abi::FdClass;

/// fds with an entry: those below.
pub const COUNT: usize = 65536;

static CLASSES: [AtomicU8; COUNT] = [const { AtomicU8::new(0) }; COUNT];

/// What `fd` is.
#[inline]
pub fn class(fd: i32) -> FdClass {
    FdClass::from_u8(byte(fd))
}

/// What `fd` is, as a record holds it; 0: not known.
#[inline]
pub fn byte(fd: i32) -> u8 {
    CLASSES.get(fd as usize).map_or(0, |class| class.load(Relaxed))
}

/// Remembers what `fd` is. Without room for it, says so in the process's header.
pub fn set(fd: i32, class: FdClass) {
    match CLASSES.get(fd as usize) {
        Some(entry) => entry.store(class.to_u8(), Relaxed),
        None if fd >= 0 => crate::session::blind(fencelab_abi::process::blind::HIGH_FDS),
        None => {}
    }
}

/// Whether any of the fds from `first` to `last` is known, and forgets them.
pub fn forget(first: u32, last: u32) -> bool {
    let end = (last as usize).saturating_add(1).min(COUNT);
    let range = CLASSES.get(first as usize..end).unwrap_or(&[]);
    let mut any = false;
    for class in range.iter().filter(|class| class.load(Relaxed) != 0) {
        class.store(0, Relaxed);
        any = true;
    }
    any
}
