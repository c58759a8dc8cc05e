//! How long after everything has come to a standstill `fencelab watch` says who waits for whom: on sessions that grow while it
//! reads them, small and large.
//!
//! `cargo bench -p fencelab --bench standstill`, or with `-- MILLIONS` another size of the large one. Eight processes make, signal,
//! wait for and destroy sync objects as fast as this program can write that down, and then all wait for points that nobody
//! submits: the time is from the last record to the last line of the verdict. After that they go on a little, and stop again.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark may panic")]

#[path = "../../trace/tests/common/clients.rs"]
mod clients;
#[path = "../../trace/tests/common/pool.rs"]
mod pool;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use clients::{CREATE, DESTROY, client, ioctl, of_point, signal, wait};
use fencelab_abi::{Kind, Mode};
use pool::{Pool, Thread};

const PROCESSES: usize = 8;
/// Standstills of each session.
const STOPS: usize = 5;
/// Records between two of them.
const BETWEEN: u64 = 1000;
/// That many records are in sight of the reader at once.
const FLUSH: u64 = 1000;

fn main() {
    let millions: f64 = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(1.0);
    let small = measure(1000);
    let large = measure((millions * 1e6) as u64);
    println!(
        "the slowest in the large session took {:.2} times as long as that in the small one",
        large / small
    );
}

/// Seconds from a standstill to the verdict, at most.
fn measure(records: u64) -> f64 {
    let folder = tempfile::tempdir_in(".").unwrap();
    let mut session = Session::new(folder.path());
    let (mut watch, lines) = watch(folder.path());
    let began = Instant::now();
    session.run(records);
    let wrote = began.elapsed().as_secs_f64();
    let mut took = Vec::new();
    for stop in 0..STOPS {
        if stop > 0 {
            session.go_on();
            session.run(BETWEEN);
        }
        session.stop();
        took.push(verdict(&lines).as_secs_f64());
    }
    let listed: Vec<String> = took.iter().map(|seconds| format!("{seconds:.3}")).collect();
    println!(
        "{records:>8} records in {wrote:.1} s, then a standstill: verdict after {} s; later ones after {} s",
        listed[0],
        listed[1..].join(", ")
    );
    watch.kill().unwrap();
    watch.wait().unwrap();
    took.into_iter().fold(0.0, f64::max)
}

/// `fencelab watch` as anybody starts it, and its lines with the time when each came.
fn watch(folder: &Path) -> (Child, Receiver<(Instant, String)>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fencelab"));
    command.arg("watch").arg(folder).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (send, lines) = channel();
    let out = BufReader::new(child.stdout.take().unwrap());
    std::thread::spawn(move || {
        for line in out.lines() {
            _ = send.send((Instant::now(), line.unwrap()));
        }
    });
    let first: (Instant, String) = lines.recv_timeout(Duration::from_secs(60)).unwrap();
    assert!(first.1.starts_with("watching"), "{first:?}");
    (child, lines)
}

/// From now on until the verdict on each of the processes is there.
fn verdict(lines: &Receiver<(Instant, String)>) -> Duration {
    let (began, mut verdicts) = (Instant::now(), 0);
    loop {
        let (at, line) = lines.recv_timeout(Duration::from_secs(60)).expect("a verdict within a minute");
        verdicts += usize::from(line.contains("D2 orphan wait"));
        if verdicts == PROCESSES {
            return at.saturating_duration_since(began);
        }
    }
}

/// A session that goes on: its processes are there, and do nothing.
struct Session {
    pool: Pool<File>,
    threads: Vec<Thread>,
    sleepers: Vec<Child>,
    round: u64,
    /// When each of them began to wait.
    since: Vec<u64>,
}

impl Session {
    fn new(folder: &Path) -> Self {
        let file = File::options().create_new(true).read(true).write(true).open(folder.join("pool")).unwrap();
        let mut pool = Pool::new(file, u32::MAX >> 8, Mode::Stop);
        let sleep = || Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap();
        let sleepers: Vec<Child> = std::iter::repeat_with(sleep).take(PROCESSES).collect();
        let threads = sleepers.iter().map(|sleeper| client(&mut pool, sleeper.id(), now()).1).collect();
        let mut session = Self { pool, threads, sleepers, round: 0, since: vec![0; PROCESSES] };
        session.show();
        session
    }

    /// Puts what was recorded where others see it.
    fn show(&mut self) {
        self.threads.iter().for_each(|thread| self.pool.flush(thread));
        let header = self.pool.header();
        pool::Sink::put(&mut self.pool.out, 0, &header);
    }

    /// So many records of processes that go on.
    fn run(&mut self, records: u64) {
        let (mut made, mut shown) = (0, 0);
        while made < records {
            for thread in &mut self.threads {
                made += cycle(&mut self.pool, thread, self.round);
            }
            self.round += 1;
            if made - shown >= FLUSH {
                self.show();
                shown = made;
            }
        }
    }

    /// All wait for what nobody submits.
    fn stop(&mut self) {
        self.round += 1;
        for (thread, since) in self.threads.iter_mut().zip(&mut self.since) {
            let at = now();
            self.pool.record(thread, &ioctl(Kind::Ioctl, CREATE, at, at + 1).words(&[99, 0]));
            *since = at + 2;
            let wait = of_point(wait(Kind::IoctlEnter, *since, 0), 99, self.round);
            self.pool.record(thread, &wait);
        }
        self.show();
    }

    /// They were interrupted.
    fn go_on(&mut self) {
        const EINTR: i32 = -4;
        for (thread, since) in self.threads.iter_mut().zip(&self.since) {
            let at = now();
            self.pool.record(thread, &wait(Kind::IoctlExit, *since, at).result(EINTR));
            self.pool.record(thread, &ioctl(Kind::Ioctl, DESTROY, at + 1, at + 2).words(&[99, 0]));
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for sleeper in &mut self.sleepers {
            _ = sleeper.kill();
            _ = sleeper.wait();
        }
    }
}

/// CLOCK_MONOTONIC, in nanoseconds.
fn now() -> u64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).unwrap();
    now.tv_sec() as u64 * 1_000_000_000 + now.tv_nsec() as u64
}

/// A sync object's life; gives how many records that takes.
fn cycle(pool: &mut Pool<File>, thread: &mut Thread, round: u64) -> u64 {
    let (handle, point, at) = ((round % 64 + 1) as u32, round + 1, now());
    pool.record(thread, &ioctl(Kind::Ioctl, CREATE, at, at + 10).words(&[handle, 0]));
    pool.record(thread, &of_point(signal(at + 20, at + 30), handle, point));
    pool.record(thread, &of_point(wait(Kind::IoctlEnter, at + 40, 0), handle, point));
    pool.record(thread, &wait(Kind::IoctlExit, at + 40, at + 50));
    pool.record(thread, &ioctl(Kind::Ioctl, DESTROY, at + 60, at + 70).words(&[handle, 0]));
    5
}
