//! Any bytes as a pool: no panic, no endless loop, and everything that is read can be shown.
//!
//! `cargo +nightly fuzz run pool`, from this folder's parent; `tests/golden/lineage/pool` makes a good corpus.
#![no_main]

#[path = "../../tests/common/reading.rs"]
mod reading;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    reading::read_all(data.to_vec());
});
