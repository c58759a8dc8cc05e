//! Lockdep's state.

use std::fs;

use fencelab_bench::protocol::{FromAgent, Lockdep};
use fencelab_suites::lockdep;

/// Reads it. Where the file is there and cannot be read (it is root's alone), lockdep counts as off: nobody could say
/// that it was armed.
pub(crate) fn state() -> Lockdep {
    match fs::read_to_string("/proc/lockdep_stats") {
        Ok(text) => parse(&text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Lockdep::Absent,
        Err(_) => Lockdep::Off,
    }
}

/// `lockdep_stats_show()` in kernel/locking/lockdep_proc.c prints ` debug_locks:   1`; a kernel without
/// CONFIG_PROVE_LOCKING counts locks but proves nothing about them, and its table of dependencies is missing.
fn parse(stats: &str) -> Lockdep {
    let value = |name: &str| {
        let line = stats.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(':'));
        line.map(str::trim)
    };
    match value("debug_locks") {
        Some("1") if value("dependency chains").is_some() => Lockdep::Armed,
        Some("0") => Lockdep::Off,
        _ => Lockdep::Absent,
    }
}

/// What it has around the contract's classes.
pub(crate) fn contract() -> FromAgent {
    match lockdep::read() {
        Ok(Some(table)) => FromAgent::Contract {
            text: table.text,
            took_us: u64::try_from(table.took.as_micros()).unwrap_or(u64::MAX),
        },
        Ok(None) => FromAgent::NoContract { why: "the kernel has no /proc/lockdep".into() },
        Err(error) => FromAgent::NoContract { why: format!("read /proc/lockdep: {error}") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_states_are_told_apart() {
        let stats = " lock-classes:      100 [max: 8192]\n dependency chains:   5 [max: 65536]\n debug_locks:      1\n";
        assert_eq!(parse(stats), Lockdep::Armed);
        assert_eq!(parse(&stats.replace("debug_locks:      1", "debug_locks:      0")), Lockdep::Off);
        assert_eq!(parse(" lock-classes: 1\n debug_locks: 1\n"), Lockdep::Absent);
        assert_eq!(parse(""), Lockdep::Absent);
    }
}
