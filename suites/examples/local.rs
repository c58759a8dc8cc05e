//! Runs cases on this machine's devices, for people who write cases: no agent, no journal, one line a case.
//!
//! `local [-n TIMES] [PATTERN…]` runs every case whose id contains one of the patterns, each in a process of its
//! own, killed at the end of its budget. The exit status is 1 where one failed.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use fencelab_suites::catalogue::{self, Planned};
use fencelab_suites::report::{Note, Outcome, Reporter};
use fencelab_suites::{Device, Kind, device, exec};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<ExitCode, Failure> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let planned = catalogue::plan(&catalogue::suites(), &devices()?);
    if args.first().is_some_and(|a| a == "--one") {
        return one(&planned, &args[1]);
    }
    let mut times = 1;
    if args.first().is_some_and(|a| a == "-n") && args.len() > 1 {
        times = args[1].parse()?;
        args.drain(..2);
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..times {
        for case in planned.iter().filter(|p| args.is_empty() || args.iter().any(|a| p.id().contains(a))) {
            *counts.entry(observe(case)?).or_default() += 1;
        }
    }
    println!("{counts:?}");
    let bad = counts.keys().any(|&outcome| outcome != "pass" && outcome != "skip");
    Ok(ExitCode::from(u8::from(bad)))
}

/// What a scan finds, and i915's module, which needs no device.
fn devices() -> std::io::Result<Vec<Device>> {
    let mut found = device::scan(Path::new("/"))?;
    found.push(Device {
        name: "i915".into(),
        driver: "i915".into(),
        kind: Kind::Module,
        has_kms: false,
        has_render: false,
        node: None,
        render_node: None,
        bus_path: None,
    });
    Ok(found)
}

/// Runs one case in this process, its notes on standard output.
fn one(planned: &[Planned], id: &str) -> Result<ExitCode, Failure> {
    let found = planned.iter().find(|p| p.id() == id).ok_or("no such case")?;
    let reporter = Reporter::new(std::io::stdout().as_fd().try_clone_to_owned()?);
    let _ = exec::run(found.case, found.devices.clone(), reporter, false);
    Ok(ExitCode::SUCCESS)
}

/// Runs one case in a new process, prints its line and returns its outcome.
fn observe(planned: &Planned) -> Result<&'static str, Failure> {
    let begin = Instant::now();
    let mut child =
        Command::new("/proc/self/exe").args(["--one", &planned.id()]).stdout(Stdio::piped()).spawn()?;
    let (outcome, reason) = last_word(&mut child, planned.case.budget);
    println!("{outcome} {} {} ms {reason}", planned.id(), begin.elapsed().as_millis());
    Ok(outcome)
}

fn last_word(child: &mut Child, budget: Duration) -> (&'static str, String) {
    let (send, receive) = mpsc::channel();
    let output = child.stdout.take();
    thread::spawn(move || {
        for line in output.into_iter().flat_map(|o| BufReader::new(o).lines()).map_while(Result::ok) {
            let _ = send.send(line);
        }
    });
    let end = Instant::now() + budget;
    let mut word = ("CRASH", String::new());
    loop {
        let left = end.saturating_duration_since(Instant::now());
        match receive.recv_timeout(left) {
            Ok(line) => match serde_json::from_str(&line) {
                Ok(Note::Done { outcome, reason }) => word = (name(outcome), reason),
                Ok(Note::Thread { .. }) => {}
                Ok(note) => println!("  {note:?}"),
                Err(_) => println!("  {line}"),
            },
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                word = ("TIMEOUT", String::new());
                let _ = child.kill();
                break;
            }
        }
    }
    let _ = child.wait();
    word
}

fn name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Fail => "FAIL",
        Outcome::Skip => "skip",
    }
}
