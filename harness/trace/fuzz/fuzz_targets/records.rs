//! Records that are valid and say anything: the fuzzer chooses what they hold, not whether they are read.
//!
//! `cargo +nightly fuzz run records`, from this folder's parent.
#![no_main]

#[path = "../../tests/common/pool.rs"]
mod pool;
#[path = "../../tests/common/reading.rs"]
mod reading;

use fencelab_abi::process::Entry;
use fencelab_abi::{Kind, Mode, flags, table};
use libfuzzer_sys::fuzz_target;
use pool::{Pool, Record};

/// The next number of the input.
fn take(data: &mut &[u8]) -> u8 {
    let Some((&first, rest)) = data.split_first() else { return 0 };
    *data = rest;
    first
}

fn record(data: &mut &[u8], now: &mut u64) -> Record {
    let kind = Kind::from_u8(take(data) % 26).unwrap_or(Kind::Ioctl);
    // Mostly forwards, sometimes back.
    *now = now.wrapping_add(u64::from(take(data))).saturating_sub(u64::from(take(data) & 7));
    let exit = *now + u64::from(take(data));
    let mut record = Record::new(kind, *now, exit).fd(i32::from(take(data) & 15));
    record.result = i32::from(take(data) as i8);
    record.class = take(data);
    record.flags = take(data) & !flags::UNLISTED;
    let ioctls: Vec<_> = table::all().collect();
    let ioctl = ioctls[usize::from(take(data)) * ioctls.len() / 256];
    record.request = 3 << 30 | u32::from(ioctl.size) << 16 | u32::from(ioctl.key.0) << 8 | u32::from(ioctl.key.1);
    if let Some(driver) = ioctl.driver.filter(|_| take(data) & 3 != 0) {
        record.class = fencelab_abi::FdClass::Drm(driver).to_u8();
    }
    let argument = usize::from(ioctl.size).next_multiple_of(8);
    for _ in 0..argument {
        record.payload.push(take(data) & if take(data) & 1 == 0 { 7 } else { 255 });
    }
    for _ in 0..take(data) & 3 {
        let ids = [1, 2, 3, 4, 0x11, 0x13, 0x23, 0x80, 0x81, 0x83, 0x84, 0x85, 0x86, 0x87];
        let id = ids[usize::from(take(data)) % ids.len()];
        let bytes: Vec<u8> = (0..take(data) & 127).map(|_| take(data) & 15).collect();
        record = record.section(id, u16::from(take(data) & 3), u16::from(take(data)), &bytes);
    }
    record
}

/// How a process ends: it says so, the recorder does, both or nobody.
fn ends(pool: &mut Pool<Vec<u8>>, process: u32, pid: u32, data: &mut &[u8]) {
    let told = take(data);
    let status = |data: &mut &[u8]| u32::from(take(data)) << (take(data) & 24);
    if told & 1 != 0 {
        let at = u64::from(take(data)) << (take(data) & 31);
        pool.exits(process, at, status(data), pid + u32::from(take(data) & 1));
    }
    if told & 2 != 0 {
        let at = u64::from(take(data)) << (take(data) & 31);
        pool.gone(process, at, status(data));
    }
}

fuzz_target!(|data: &[u8]| {
    let mut data = data;
    let mut pool = Pool::new(Vec::new(), 1 << 16, if take(&mut data) & 1 == 0 { Mode::Stop } else { Mode::Flight });
    let mut threads = Vec::new();
    for index in 0..3 {
        let pid = 100 + index;
        let entry = [Entry::Preload, Entry::Fork, Entry::Audit][usize::from(take(&mut data)) % 3];
        let from = (index > 0).then_some(u32::from(take(&mut data)) % index.max(1));
        let process = pool.process(pid, 100, entry, from, "/bin/it", u64::from(take(&mut data)));
        ends(&mut pool, process, pid, &mut data);
        threads.push(pool.thread(process, pid, pid));
    }
    let mut now = 1;
    while !data.is_empty() {
        let thread = usize::from(take(&mut data)) % threads.len();
        let record = record(&mut data, &mut now);
        pool.record(&mut threads[thread], &record);
    }
    threads.iter().for_each(|thread| pool.flush(thread));
    reading::read_all(pool.finish());
});
