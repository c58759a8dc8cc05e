//! `fencelab doctor`.

use std::io::{self, Write};

use anyhow::{Context, Result};
use fencelab_bench::Order;
use fencelab_bench::protocol::Hello;
use fencelab_events::Lockdep;
use fencelab_report::exit::Exit;

use crate::args::BenchArgs;
use crate::outcome::Outcome;
use crate::{benches, missing};

/// Brings the bench up, says what it lacks and what is not covered for that reason.
pub(crate) fn run(args: &BenchArgs) -> Result<Outcome> {
    let mut chosen = benches::choose(&args.bench, &args.kernel, args.accel)?;
    let (sender, _incoming) = std::sync::mpsc::channel();
    let machine = chosen
        .bench
        .up(&Order::default(), sender, &mut |text| eprintln!("note: {text}"))
        .context("bring the bench up")?;
    let hello = machine.hello().clone();
    machine.down();
    let text = render(&args.bench, &hello);
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error.into()),
        _ => {}
    }
    Ok(if hello.doctor.is_empty() { Outcome::CLEAN } else { Outcome::Exit(Exit::Findings) })
}

fn render(bench: &str, hello: &Hello) -> String {
    let lockdep = match hello.lockdep {
        Lockdep::Armed => "armed",
        Lockdep::Off => "off",
        Lockdep::Absent => "absent",
    };
    let mut text = format!("bench {bench}: Linux {}, lockdep {lockdep}\n", hello.release);
    text.push_str("devices\n");
    for device in &hello.devices {
        let place = device.bus_path.as_deref().or(device.node.as_deref()).unwrap_or("no node");
        text.push_str(&format!("  {:<14} {:<12} {place}\n", device.name, device.driver));
    }
    if hello.devices.is_empty() {
        text.push_str("  none: no DRM device, no udmabuf, no dma-heap\n");
    }
    text.push_str("missing\n");
    for line in &hello.doctor {
        text.push_str(&format!("  {line}\n"));
    }
    if hello.doctor.is_empty() {
        text.push_str("  nothing\n");
    }
    let uncovered = missing::uncovered(&hello.devices);
    text.push_str("not covered\n");
    for (suite, count, needs) in &uncovered {
        let cases = if *count == 1 { "case needs" } else { "cases need" };
        text.push_str(&format!("  {suite:<14} {count:>3} {cases} {needs}\n"));
    }
    if uncovered.is_empty() {
        text.push_str("  nothing: every case has devices\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello() -> Hello {
        Hello {
            version: 1,
            release: "6.12.1".into(),
            boot_id: String::new(),
            devices: vec![],
            doctor: vec!["the kernel has no lockdep".into()],
            lockdep: Lockdep::Absent,
            monotonic_us: 0,
            realtime_us: 0,
            recorded: false,
        }
    }

    #[test]
    fn what_is_missing_comes_with_what_it_costs() {
        let text = render("local", &hello());
        assert!(text.contains("missing\n  the kernel has no lockdep\n"), "{text}");
        assert!(text.contains("userptr") && text.contains("takes pages of a process"), "{text}");
        assert!(text.contains("none: no DRM device"), "{text}");
    }

    #[test]
    fn a_library_that_was_left_out_is_missing() {
        let text = render("local", &hello());
        assert_eq!(text.contains("cases need libgbm: "), !fencelab_suites::gbm::BUILT_IN, "{text}");
    }
}
