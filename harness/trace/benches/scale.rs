//! What reading costs as sessions grow: from 1 to 10 million records of 8 processes, in one run.
//!
//! `cargo bench -p fencelab-trace`, or with `-- MILLIONS` another largest size. Records per second and memory per record for
//! each layer, by processor time, and how the time for a record grows: 1.0 is linear. Needs a file of 1 GB for a moment.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark may panic")]

#[path = "../tests/common/pool.rs"]
mod pool;

use std::fs::File;

use fencelab_abi::process::Entry;
use fencelab_abi::{Driver, FdClass, Kind, Mode};
use fencelab_trace::{Model, Session};
use pool::{Pool, Record};

/// include/uapi/drm/drm.h
const CREATE: u32 = 0xc008_64bf;
const DESTROY: u32 = 0xc008_64c0;
const TIMELINE_WAIT: u32 = 0xc028_64ca;
const TIMELINE_SIGNAL: u32 = 0xc018_64cd;
const PROCESSES: u32 = 8;

/// Eight processes, each of which makes sync objects, signals and waits for points of them, and ends them.
fn write(file: File, records: u64) {
    let mut pool = Pool::new(file, u32::MAX >> 8, Mode::Stop);
    let mut threads = Vec::new();
    for index in 0..PROCESSES {
        let pid = 100 + index;
        let process = pool.process(pid, 1, Entry::Preload, None, "/usr/bin/client", 10);
        let mut thread = pool.thread(process, pid, pid);
        let open = Record::new(Kind::Open, 20, 30).fd(3).result(3).request(0x8_0002);
        let open = open.text(fencelab_abi::section::PATH, "/dev/dri/renderD128");
        pool.record(&mut thread, &open.text(fencelab_abi::section::DRIVER, "virtio_gpu"));
        threads.push(thread);
    }
    let (mut now, mut made) = (1000, u64::from(PROCESSES));
    for round in 0.. {
        for thread in &mut threads {
            if made >= records {
                break;
            }
            made += cycle(&mut pool, thread, round, &mut now);
        }
        if made >= records {
            break;
        }
    }
    threads.iter().for_each(|thread| pool.flush(thread));
    pool.finish().sync_all().unwrap();
}

fn cycle(pool: &mut Pool<File>, thread: &mut pool::Thread, round: u64, now: &mut u64) -> u64 {
    let class = FdClass::Drm(Driver::VirtioGpu);
    let handle = (round % 64 + 1) as u32;
    let point = round + 1;
    let mut ioctl = |kind, request, enter: u64, exit: u64, record: &dyn Fn(Record) -> Record| {
        let base = Record::new(kind, enter, exit).fd(3).request(request).class(class);
        pool.record(thread, &record(base));
    };
    let step = *now;
    ioctl(Kind::Ioctl, CREATE, step, step + 300, &|record| record.words(&[handle, 0]));
    let array = |record: Record| {
        let record = record.words(&[1, 0, 2, 0, 1, 0]).section(1, 0, 1, &handle.to_le_bytes());
        record.section(2, 0, 1, &point.to_le_bytes())
    };
    ioctl(Kind::Ioctl, TIMELINE_SIGNAL, step + 400, step + 700, &array);
    let wait = |record: Record| {
        let record = record.words(&[1, 0, 2, 0, u32::MAX, 0x7fff_ffff, 1, 3, 0, 0]);
        let record = record.section(1, 0, 1, &handle.to_le_bytes());
        record.section(2, 0, 1, &point.to_le_bytes())
    };
    ioctl(Kind::IoctlEnter, TIMELINE_WAIT, step + 800, 0, &wait);
    ioctl(Kind::IoctlExit, TIMELINE_WAIT, step + 800, step + 2000, &|record| {
        record.words(&[1, 0, 2, 0, u32::MAX, 0x7fff_ffff, 1, 3, 0, 0])
    });
    ioctl(Kind::Ioctl, DESTROY, step + 2100, step + 2200, &|record| record.words(&[handle, 0]));
    *now += 350;
    5
}

/// Seconds of processor time that this process has had: other work on the machine does not count.
fn processor() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    text.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// Kilobytes of memory in use: `VmHWM`, the most ever, or `VmRSS`, now.
fn memory(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

struct Cost {
    records: u64,
    seconds: [f64; 4],
}

fn measure(records: u64) -> Cost {
    let folder = tempfile::tempdir_in(".").unwrap();
    let path = folder.path().join("pool");
    write(File::options().create_new(true).read(true).write(true).open(&path).unwrap(), records);
    let bytes = path.metadata().unwrap().len();
    let began = memory("VmRSS");
    let start = processor();
    let session = Session::open(folder.path()).unwrap();
    let open = processor() - start;
    assert!(session.losses().is_empty());
    let start = processor();
    let calls = session.calls().count();
    let order = processor() - start;
    let start = processor();
    let mut reader = session.reader();
    let read = session.calls().filter(|id| reader.read(&session, *id).unwrap().is_some()).count();
    assert_eq!(read, calls);
    let decode = processor() - start;
    let start = processor();
    let mut model = Model::new(&session);
    let mut effects = 0;
    while let Some(event) = model.next(&session).unwrap() {
        effects += event.effects.len();
    }
    let walk = processor() - start;
    let grown = memory("VmHWM").saturating_sub(began);
    println!(
        "{:>9.1} M records, {:>5} MB, {:>9} calls, {:>9} effects, {:>8} objects: {:>5} MB of memory, {:>5.1} bytes a record",
        records as f64 / 1e6,
        bytes >> 20,
        calls,
        effects,
        model.objects().len(),
        grown >> 10,
        grown as f64 * 1024.0 / records as f64
    );
    Cost { records, seconds: [open, order, decode, walk] }
}

fn main() {
    let largest: f64 = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(10.0);
    let largest = (largest * 1e6) as u64;
    let costs = [largest / 10, largest].map(measure);
    println!("\n{:24} {:>14} {:>14} {:>8}", "records a second", "smaller", "larger", "growth");
    for (index, name) in ["open", "order", "read in order", "follow objects"].iter().enumerate() {
        let [small, large] = costs.each_ref().map(|cost| cost.records as f64 / cost.seconds[index]);
        println!("{name:24} {small:>14.0} {large:>14.0} {:>8.2}", small / large);
    }
    let whole: f64 = costs[1].seconds[0] + costs[1].seconds[3];
    println!(
        "\nopen and follow objects: {whole:.1} s of processor time for {:.1} M records",
        costs[1].records as f64 / 1e6
    );
}
