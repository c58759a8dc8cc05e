//! Throughput of the parser beside two floors, measured in the same run: splitting the log into lines, and one
//! Aho-Corasick pass over forty headers. Prints MB/s and ratios; `cargo bench -p fencelab-klog`.

use std::time::{Duration, Instant};

use aho_corasick::AhoCorasick;
use fencelab_klog::{Event, Options, Parser};

const MEGABYTE: f64 = 1e6;
/// What a report parser without structure would look for.
const HEADERS: [&str; 40] = [
    "possible circular locking",
    "possible recursive locking",
    "inconsistent lock state",
    "unsafe lock order",
    "irq lock inversion",
    "Invalid wait context",
    "Nested lock was not",
    "bad unlock balance",
    "bad contention",
    "held lock freed",
    "still has locks held",
    "returning to user space",
    "suspicious RCU",
    "chain_key collision",
    "too low!",
    "non-static key",
    "DEBUG_LOCKS_WARN_ON",
    "sleeping function",
    "scheduling while atomic",
    "blocked for more than",
    "soft lockup",
    "hard LOCKUP",
    "detected stall",
    "WARNING: CPU",
    "kernel BUG at",
    "Oops: ",
    "general protection",
    "Kernel panic",
    "BUG: KASAN",
    "BUG: KCSAN",
    "UBSAN: ",
    "memory leak",
    "refcount_t: ",
    "list_add corruption",
    "list_del corruption",
    "GPU HANG",
    "GPU reset",
    "timed out",
    "unable to handle",
    "NULL pointer",
];

fn main() {
    // First, while the process has not needed memory for anything else.
    flat_memory();
    println!();
    println!("{:28} {:>9} {:>9} {:>8}", "sparse log of 100 MB", "MB/s", "of lines", "reports");
    let sparse = log(100_000_000, 50_000);
    let lines = run("line split", &sparse, None, count_lines);
    run("Aho-Corasick, 40 headers", &sparse, Some(lines), count_headers);
    run("fully structured", &sparse, Some(lines), parse);
    run("fully structured, in 4 KiB", &sparse, Some(lines), parse_pieces);
    println!();
    println!("{:28} {:>9} {:>9} {:>8}", "20 MB, reports everywhere", "MB/s", "µs each", "reports");
    for every in [4000, 1000, 250] {
        dense(every);
    }
    println!();
    println!("{:28} {:>9} {:>9} {:>8}", "reports of one line, 2 MB", "MB/s", "of plain", "reports");
    let plain = run("usb 1-1: hello", &endless("usb 1-1: hello "), None, parse);
    for part in [" (a){", "){", "( ", "(a/", "a:", "lock(", "<a> ", "-> #1 (a){....}-{0:0} "] {
        run(part, &endless(part), Some(plain), parse);
    }
}

/// Lock reports that consist of long lines, each the same piece over and over: no piece may cost the square of the line.
fn endless(part: &str) -> Vec<u8> {
    let line = format!(" a+0x1/0x2 {}}}\n", part.repeat(8000 / part.len()));
    let report = format!("WARNING: possible circular locking dependency detected\n{}", line.repeat(25));
    report.repeat(10).into_bytes()
}

/// A log of about `size` bytes with a report after every `every` lines.
fn log(size: usize, every: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(size + 10_000);
    let mut number = 0usize;
    while out.len() < size {
        let time = number as u64 * 1000;
        let (seconds, micros) = (time / 1_000_000, time % 1_000_000);
        let tid = 100 + number % 7;
        let prefix = format!("[{seconds:5}.{micros:06}][{:>6}] ", format!("T{tid}"));
        number += 1;
        if number.is_multiple_of(every) {
            for line in SPLAT.lines() {
                out.extend_from_slice(format!("{prefix}{line}\n").as_bytes());
            }
        } else {
            let text = CHATTER[number % CHATTER.len()];
            out.extend_from_slice(format!("{prefix}{text} {number}\n").as_bytes());
        }
    }
    out
}

const CHATTER: [&str; 5] = [
    "virtio_gpu virtio0: [drm] number of scanouts: 1, number of cap sets: 0, event",
    "usb 1-1: new high-speed USB device number 2 using xhci_hcd, sequence",
    "audit: type=1400 apparmor=\"STATUS\" operation=\"profile_load\" profile=\"unconfined\" serial",
    "EXT4-fs (sda1): mounted filesystem with ordered data mode, quota mode none,",
    "[drm] Initialized vkms 1.0.0 20180514 for vkms on minor",
];

const SPLAT: &str = include_str!("splat.txt");

fn run(name: &str, log: &[u8], floor: Option<f64>, work: fn(&[u8]) -> usize) -> f64 {
    let (time, found) = (0..3).map(|_| timed(|| work(log))).min().unwrap_or_default();
    let speed = log.len() as f64 / MEGABYTE / time.as_secs_f64();
    let ratio = floor.map_or(1.0, |floor| speed / floor);
    println!("{name:28} {speed:>9.0} {ratio:>9.2} {found:>8}");
    speed
}

fn timed(work: impl FnOnce() -> usize) -> (Duration, usize) {
    let start = Instant::now();
    let found = work();
    (start.elapsed(), found)
}

fn count_lines(log: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', log).map(|at| usize::from(at > 0)).sum()
}

fn count_headers(log: &[u8]) -> usize {
    AhoCorasick::new(HEADERS).map_or(0, |automaton| automaton.find_iter(log).count())
}

fn parse(log: &[u8]) -> usize {
    feed(log, log.len())
}

fn parse_pieces(log: &[u8]) -> usize {
    feed(log, 4096)
}

fn feed(log: &[u8], piece: usize) -> usize {
    let mut parser = Parser::new(Options::default());
    let mut reports = 0;
    let is_report = |event: &Event| matches!(event, Event::Report(_));
    for piece in log.chunks(piece) {
        parser.push_text(piece);
        reports += parser.drain().filter(is_report).count();
    }
    parser.finish();
    reports + parser.drain().filter(is_report).count()
}

fn dense(every: usize) {
    let log = log(20_000_000, every);
    let (time, reports) = timed(|| feed(&log, 65_536));
    let speed = log.len() as f64 / MEGABYTE / time.as_secs_f64();
    let each = time.as_micros() as f64 / reports.max(1) as f64;
    println!("{:28} {speed:>9.0} {each:>9.0} {reports:>8}", format!("one in {every} lines"));
}

/// Feeds 1 GB and prints how much memory the process used more than before.
fn flat_memory() {
    let piece = log(10_000_000, 20_000);
    let mut parser = Parser::new(Options::default());
    let before = peak_kilobytes();
    let mut reports = 0;
    for _ in 0..100 {
        parser.push_text(&piece);
        reports += parser.drain().filter(|event| matches!(event, Event::Report(_))).count();
    }
    println!(
        "1 GB: peak memory grew by {} kB over the parser's start ({reports} reports)",
        peak_kilobytes().saturating_sub(before)
    );
}

/// VmHWM of /proc/self/status.
fn peak_kilobytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.split_ascii_whitespace().next()?.parse().ok()).unwrap_or(0)
}
