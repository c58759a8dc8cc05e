//! Out-fences of atomic commits: fds that the kernel writes where a property's *value* points.
//!
//! Which property that is, the program learns by DRM_IOCTL_MODE_GETPROPERTY, and so do we.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use fencelab_abi::ioctl::DRM;
use fencelab_abi::section::{OUT_FENCE_SIZE, OUT_FENCES, Section};
use fencelab_abi::{FdClass, Request};

use crate::payload::{Argument, Sink};
use crate::readable::{self, Trust, load};

const GETPROPERTY: u8 = 0xaa;
const ATOMIC: u8 = 0xbc;
const NAMES: [&[u8]; 2] = [b"OUT_FENCE_PTR\0", b"WRITEBACK_OUT_FENCE_PTR\0"];

/// Properties known to be such pointers: class of the device << 24 | id. 0: free.
static KNOWN: [AtomicU32; 8] = [const { AtomicU32::new(0) }; 8];

fn key(class: u8, id: u32) -> u32 {
    u32::from(class) << 24 | id & 0xff_ffff
}

/// Remembers a property that DRM_IOCTL_MODE_GETPROPERTY has described.
#[inline]
pub(crate) fn learn(request: Request, argument: &Argument, class: u8) {
    if request.ty() == DRM && request.nr() == GETPROPERTY && argument.size >= 64 {
        learn_property(argument, class);
    }
}

/// struct drm_mode_get_property: prop_id at 16, name at 24.
#[cold]
fn learn_property(argument: &Argument, class: u8) {
    let matches = |name: &[u8]| {
        name.iter()
            .enumerate()
            // SAFETY: the call succeeded: the argument is there.
            .all(|(at, &byte)| unsafe { load(argument.address + 24 + at, 1) as u8 } == byte)
    };
    if NAMES.iter().any(|name| matches(name)) {
        // SAFETY: as above.
        let key = key(class, unsafe { load(argument.address + 16, 4) as u32 });
        if !KNOWN.iter().any(|known| known.load(Relaxed) == key) {
            let _ = KNOWN.iter().find(|known| known.compare_exchange(0, key, Relaxed, Relaxed).is_ok());
        }
    }
}

/// Whether an ioctl of that number may bring such fds.
#[inline]
pub(crate) fn has(request: Request) -> bool {
    request.ty() == DRM && request.nr() == ATOMIC && KNOWN[0].load(Relaxed) != 0
}

/// Appends the fds that a commit has brought.
#[inline]
pub(crate) fn follow(request: Request, argument: &Argument, class: u8, sink: &mut Sink<'_>) {
    if has(request) && argument.size >= 40 {
        follow_commit(argument, class, sink);
    }
}

/// struct drm_mode_atomic: count_objs at 4, then objs_ptr, count_props_ptr, props_ptr, prop_values_ptr from 8 on. The
/// commit succeeded, so the kernel has read all four arrays.
#[cold]
fn follow_commit(argument: &Argument, class: u8, sink: &mut Sink<'_>) {
    const MOST: usize = 8;
    let mut found = [0u32; MOST * OUT_FENCE_SIZE / 4];
    let mut count = 0;
    // SAFETY: as said above.
    unsafe {
        let [objects, counts, properties, values] =
            [8, 16, 24, 32].map(|at| load(argument.address + at, 8) as usize);
        let mut index = 0;
        for object in 0..load(argument.address + 4, 4) as usize {
            for _ in 0..load(counts + object * 4, 4) {
                let property = load(properties + index * 4, 4) as u32;
                let value = load(values + index * 8, 8) as usize;
                index += 1;
                let known = KNOWN.iter().any(|known| known.load(Relaxed) == key(class, property));
                // Another device of this driver may use the number for a property that is no pointer.
                if known && count < MOST && value != 0 && readable::check(value, 4, Trust::Look) {
                    let fd = load(value, 4) as u32;
                    found[count * 4..count * 4 + 3].copy_from_slice(&[
                        load(objects + object * 4, 4) as u32,
                        property,
                        fd,
                    ]);
                    super::brought(fd as i32, FdClass::SyncFile);
                    count += 1;
                }
            }
        }
        if count > 0 && sink_has_room(sink) {
            sink.section(OUT_FENCES, found.as_ptr() as usize, count * OUT_FENCE_SIZE, count);
        }
    }
}

fn sink_has_room(sink: &Sink<'_>) -> bool {
    match sink {
        Sink::Size(_) => true,
        Sink::Write(draft) => draft.room() >= Section::SIZE + OUT_FENCE_SIZE,
    }
}
