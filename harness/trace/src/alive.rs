//! Which processes of a session are still there, if it was recorded on this machine since it booted.

use std::os::linux::fs::MetadataExt;

use rustix::time::{ClockId, clock_gettime};

/// This machine, since it booted, as this process's pid namespace sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    boot_id: String,
    pid_namespace: u32,
    /// Nanoseconds that it was suspended: CLOCK_BOOTTIME is ahead of CLOCK_MONOTONIC by that.
    suspended: u64,
}

/// What /proc/PID/stat says of a process that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    /// Whether it has ended and was not waited for.
    zombie: bool,
    /// CLOCK_BOOTTIME when it was made, in nanoseconds, rounded down to 10 ms.
    started: u64,
    /// How it ended, as waitpid gives it; 0 also where that is not for us to know.
    status: u32,
}

/// Nanoseconds of a tick in /proc: USER_HZ is 100 (include/asm-generic/param.h).
const TICK_NS: u64 = 10_000_000;

impl Machine {
    /// The one that this runs on.
    pub fn here() -> Self {
        let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let namespace = std::fs::metadata("/proc/self/ns/pid").map_or(0, |ns| ns.st_ino() as u32);
        let ns = |clock| {
            let time = clock_gettime(clock);
            time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
        };
        let monotonic = ns(ClockId::Monotonic);
        let suspended = ns(ClockId::Boottime).saturating_sub(monotonic);
        Self { boot_id: boot_id.trim().to_owned(), pid_namespace: namespace, suspended }
    }

    /// Whether a trace was recorded on it since it booted.
    pub fn is_of(&self, boot_id: &str) -> bool {
        !boot_id.is_empty() && self.boot_id == boot_id
    }

    /// Whether it numbers processes as that pid namespace does.
    pub fn numbers(&self, pid_namespace: u32) -> bool {
        pid_namespace != 0 && self.pid_namespace == pid_namespace
    }

    /// Whether the process of that pid that was there at that moment of CLOCK_MONOTONIC, in nanoseconds, still is. One that
    /// has ended and was not waited for is not.
    pub fn has(&self, pid: u32, then: u64) -> bool {
        self.find(pid, then).is_some_and(|stat| !stat.zombie)
    }

    /// How the process of that pid that was there at that moment ended, as waitpid gives it: while it is not waited for, and if
    /// the kernel lets us know. Whom it does not is told 0, so that is no answer.
    pub fn exit_status(&self, pid: u32, then: u64) -> Option<u32> {
        self.find(pid, then).filter(|stat| stat.zombie && stat.status != 0).map(|stat| stat.status)
    }

    /// Whether a process of that pid was there at that moment, and is still or has not been waited for.
    pub fn knows(&self, pid: u32, then: u64) -> bool {
        self.find(pid, then).is_some()
    }

    fn find(&self, pid: u32, then: u64) -> Option<Stat> {
        let stat = Stat::parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?;
        // The machine may have been suspended since: that makes it look older, never younger.
        let started = stat.started.saturating_sub(self.suspended);
        (started <= then.saturating_add(TICK_NS)).then_some(stat)
    }
}

impl Stat {
    /// Reads fields 3, 20, 22 and 52 (Documentation/filesystems/proc.rst); the second, in parentheses, may hold anything.
    fn parse(text: &str) -> Option<Self> {
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let threads: u64 = fields.get(17)?.parse().ok()?;
        let started: u64 = fields.get(19)?.parse().ok()?;
        // A first thread that has ended is one too, while others run.
        let zombie = matches!(*fields.first()?, "Z" | "X") && threads <= 1;
        let status = fields.get(49).and_then(|status| status.parse().ok()).unwrap_or(0);
        Some(Self { zombie, started: started.saturating_mul(TICK_NS), status })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_there_and_was_not_before_it_began() {
        let machine = Machine::here();
        let pid = std::process::id();
        assert!(machine.has(pid, u64::MAX) && !machine.has(pid, 0));
        assert!(!machine.has(0x7fff_fff0, u64::MAX));
        assert!(machine.numbers(machine.pid_namespace) && !machine.numbers(0));
        assert!(machine.is_of(&machine.boot_id.clone()) && !machine.is_of("another"));
    }

    #[test]
    fn a_program_may_have_any_name() {
        let rest = "S 1 1 1 0 -1 4194304 90 0 0 0 0 0 0 0 20 0 3 0 250 0 0";
        let parsed = Stat::parse(&format!("7 (a) b) {rest}"));
        assert_eq!(parsed, Some(Stat { zombie: false, started: 2_500_000_000, status: 0 }));
        let dead =
            Stat::parse(&format!("7 (x) {}", rest.replacen('S', "Z", 1).replace(" 3 0 250", " 1 0 250")));
        assert!(dead.is_some_and(|stat| stat.zombie));
        assert_eq!(Stat::parse("7 (x) S 1"), None);
    }
}
