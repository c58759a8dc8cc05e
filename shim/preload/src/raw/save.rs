//! Where the frames of a task are kept while a child of vfork runs on its stack.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering::*};

use crate::sys;

/// Bytes of a place: more than a signal's frame with every register that there is.
pub(super) const SIZE: usize = 32 << 10;
/// For what is pushed between the measuring and the saving.
pub(super) const SLACK: usize = 1 << 10;
const PLACES: usize = 16;

/// A place.
pub(super) struct Save {
    taken: AtomicBool,
    room: UnsafeCell<[u8; SIZE]>,
}

// SAFETY: the room is used by whoever has set `taken`.
unsafe impl Sync for Save {}

static SAVES: [Save; PLACES] =
    [const { Save { taken: AtomicBool::new(false), room: UnsafeCell::new([0; SIZE]) } }; PLACES];

/// Takes a free place; waits for one.
pub(super) fn take() -> &'static Save {
    const PAUSE: u64 = 1_000_000;
    loop {
        let free = |save: &&Save| save.taken.compare_exchange(false, true, AcqRel, Relaxed).is_ok();
        match SAVES.iter().find(free) {
            Some(save) => return save,
            None => sys::sleep(PAUSE),
        }
    }
}

impl Save {
    pub(super) fn room(&self) -> *mut u8 {
        self.room.get().cast()
    }

    pub(super) fn give_back(&self) {
        self.taken.store(false, Release);
    }
}
