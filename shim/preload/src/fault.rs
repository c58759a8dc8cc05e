//! Faults by seed, to reproduce races. Off unless the session asks for them.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use fencelab_abi::ioctl::effect;

use crate::session;
use crate::tls::Thread;

const EINTR: i32 = 4;
const ETIME: i32 = 62;
const MILLION: u64 = 1_000_000;

static ANY: AtomicBool = AtomicBool::new(false);

/// What is to happen to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Sleep so many nanoseconds first.
    Delay(u64),
    /// Fail with that errno, unmade.
    Fail(i32),
    /// Succeed, unmade.
    Drop,
}

/// Whether the session asks for faults at all.
#[inline]
pub fn any() -> bool {
    ANY.load(Relaxed)
}

/// Turns faults on, at the process's start.
pub fn enable(on: bool) {
    ANY.store(on, Relaxed);
}

/// Chooses what happens to the thread's next call.
pub fn choose(thread: *mut Thread, effects: u8) -> Fault {
    let faults = &session::pool().faults;
    // SAFETY: the calling thread's block.
    let (serial, call) = unsafe {
        (*thread).calls += 1;
        ((*thread).serial, (*thread).calls)
    };
    let mut random = mix(faults.seed ^ u64::from(serial).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ call);
    let mut hits = |ppm: u32| {
        random = mix(random);
        random % MILLION < u64::from(ppm)
    };
    if effects & effect::SUBMITS != 0 && hits(faults.drop_ppm) {
        Fault::Drop
    } else if effects & effect::WAITS != 0 && hits(faults.etime_ppm) {
        Fault::Fail(ETIME)
    } else if effects & effect::BLOCKS != 0 && hits(faults.eintr_ppm) {
        Fault::Fail(EINTR)
    } else if hits(faults.delay_ppm) {
        Fault::Delay(u64::from(faults.delay_ns))
    } else {
        Fault::None
    }
}

/// SplitMix64's finaliser (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
fn mix(mut word: u64) -> u64 {
    word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}
