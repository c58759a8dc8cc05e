//! What analysis costs as sessions grow: from 1 to 10 million records of 8 processes, in one run. Of two kinds of session: one
//! that hangs in the end, and one that does not and is looked through for hangs that did not happen.
//!
//! `cargo bench -p fencelab-fences --bench scale`, or with `-- MILLIONS` another largest size. Seconds by the clock, those of all
//! processors, memory at its most, and how the time for a record grows: 1.0 is linear. Needs a file of 1 GB for a moment.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark may panic")]

#[path = "../../trace/tests/common/clients.rs"]
mod clients;
#[path = "../../trace/tests/common/pool.rs"]
mod pool;

use std::fs::File;
use std::time::Instant;

use clients::{CREATE, DESTROY, client, ioctl, of_point, signal, wait};
use fencelab_abi::{Kind, Mode};
use fencelab_fences::graph::Nobody;
use fencelab_fences::{Options, analyse};
use fencelab_trace::Session;
use pool::{Pool, Record};

const PROCESSES: u32 = 8;

/// What becomes of a session.
#[derive(Clone, Copy, PartialEq)]
enum Course {
    /// Each process has one thread; the last wait of the first is for a point that nobody submits.
    Hangs,
    /// Each process has two: one makes and signals, the other waits and destroys.
    Shares,
}

/// Eight processes, each of which makes sync objects, signals points, waits for them and ends them.
fn write(file: File, records: u64, course: Course) {
    let mut pool = Pool::new(file, u32::MAX >> 8, Mode::Stop);
    let (mut threads, mut others) = (Vec::new(), Vec::new());
    for index in 0..PROCESSES {
        let pid = 100 + index;
        let (process, thread) = client(&mut pool, pid, 10);
        others.push(pool.thread(process, pid, 200 + index));
        threads.push(thread);
    }
    let (mut now, mut made, mut round) = (1000, u64::from(PROCESSES), 0);
    while made < records {
        for (thread, other) in threads.iter_mut().zip(&mut others) {
            let other = if course == Course::Shares { Some(other) } else { None };
            made += cycle(&mut pool, thread, other, round, &mut now);
        }
        round += 1;
    }
    if course == Course::Hangs {
        hang(&mut pool, &mut threads[0], round, now);
    }
    // Long after, somebody else closes its device.
    let late = now + 60_000_000_000;
    pool.record(&mut threads[1], &Record::new(Kind::Close, late, late + 10).fd(3));
    threads.iter().chain(&others).for_each(|thread| pool.flush(thread));
    pool.finish().sync_all().unwrap();
}

fn cycle(
    pool: &mut Pool<File>,
    thread: &mut pool::Thread,
    other: Option<&mut pool::Thread>,
    round: u64,
    now: &mut u64,
) -> u64 {
    let (handle, point, step) = ((round % 64 + 1) as u32, round + 1, *now);
    pool.record(thread, &ioctl(Kind::Ioctl, CREATE, step, step + 300).words(&[handle, 0]));
    pool.record(thread, &of_point(signal(step + 400, step + 700), handle, point));
    let thread = other.unwrap_or(thread);
    pool.record(thread, &of_point(wait(Kind::IoctlEnter, step + 800, 0), handle, point));
    pool.record(thread, &wait(Kind::IoctlExit, step + 800, step + 2000));
    pool.record(thread, &ioctl(Kind::Ioctl, DESTROY, step + 2100, step + 2200).words(&[handle, 0]));
    *now += 350;
    5
}

fn hang(pool: &mut Pool<File>, thread: &mut pool::Thread, round: u64, now: u64) {
    let at = now + 10_000;
    pool.record(thread, &ioctl(Kind::Ioctl, CREATE, at, at + 300).words(&[99, 0]));
    pool.record(thread, &of_point(wait(Kind::IoctlEnter, at + 800, 0), 99, round));
}

/// Seconds of processor time that all threads of this process have had: other work on the machine does not count.
fn processor() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    // Fields 14 and 15, in ticks of 10 ms (Documentation/filesystems/proc.rst); the second may hold anything.
    let fields = text.rsplit_once(')').unwrap().1.split_whitespace();
    fields.skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
}

/// Megabytes of memory at most so far.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

fn measure(records: u64, course: Course) -> f64 {
    let folder = tempfile::tempdir_in(".").unwrap();
    let path = folder.path().join("pool");
    write(File::options().create_new(true).read(true).write(true).open(&path).unwrap(), records, course);
    let (start, used) = (Instant::now(), processor());
    let session = Session::open(folder.path()).unwrap();
    let opened = start.elapsed().as_secs_f64();
    let analysis = analyse(&session, Options::default(), &Nobody).unwrap();
    let (seconds, used) = (start.elapsed().as_secs_f64(), processor() - used);
    // Were the hang not found, its cost would not be measured.
    assert_eq!(analysis.findings.len(), usize::from(course == Course::Hangs), "{:?}", analysis.findings);
    println!(
        "{:>5.1} M records, {:>8} calls: {seconds:>6.2} s ({opened:.2} s of it to open), {used:>6.2} s of processor time, \
         {:>5.2} M records a second, {:>5} MB at most",
        records as f64 / 1e6,
        analysis.calls,
        records as f64 / 1e6 / seconds,
        memory(),
    );
    seconds
}

fn main() {
    let most: f64 = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(10.0);
    let sizes = [0.1, 0.2, 0.4, 1.0].map(|part| part * most);
    for (course, title) in [(Course::Hangs, "it hangs"), (Course::Shares, "it does not hang, but might have")]
    {
        println!("{title}:");
        let mut first = None;
        for millions in sizes {
            let seconds = measure((millions * 1e6) as u64, course) / millions;
            let first = *first.get_or_insert(seconds);
            println!("      a record costs {:.2} times what it costs in the smallest", seconds / first);
        }
    }
}
