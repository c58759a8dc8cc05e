//! Cases that end in every way a case can: they test the harness, not a driver. Left out unless asked for by name.

use std::io::Write;
use std::time::Duration;
use std::{fs, process, thread};

use crate::case::{Case, Stop, Tested};
use crate::ctx::Ctx;
use crate::report::Outcome;
use crate::uapi::sw_sync::Timeline;

const SUITE: &str = "mock";

/// The cases.
pub const CASES: &[Case] = &[
    Case::new(SUITE, "pass", "does nothing", &[], |_| Ok(())),
    Case::new(SUITE, "fail", "has a check that does not hold", &[], |_| {
        Err(Stop::fail("expected 1, found 2"))
    }),
    Case::new(SUITE, "skip", "does not apply", &[], |_| Err(Stop::skip("there is nothing to test here"))),
    Case::new(SUITE, "subtests", "reports parts of itself", &[], subtests),
    Case::new(SUITE, "exit-odd", "leaves with a status of its own and no result", &[], |_| process::exit(42)),
    Case::new(SUITE, "abort", "dies of a signal", &[], |_| process::abort()),
    Case::new(SUITE, "panic", "panics", &[], |_| panic!("this text belongs into the report")),
    Case::new(SUITE, "flood", "writes far more than anybody keeps", &[], flood),
    Case::new(SUITE, "close-pipes", "closes every descriptor that it was given", &[], close_pipes),
    Case::new(SUITE, "orphan", "leaves a process behind", &[], orphan),
    Case::new(SUITE, "hang", "overruns its limit", &[], |_| loop_forever()).budget_s(1),
    Case::new(SUITE, "sleep", "takes a second", &[], sleep_a_second),
    Case::new(SUITE, "kernel-panic", "takes its machine down; only in a guest", &[], kernel_panic),
];

fn subtests(ctx: &mut Ctx) -> Tested {
    ctx.subtest("first", Outcome::Pass, "");
    ctx.subtest("second", Outcome::Skip, "not today");
    ctx.note("two parts were reported");
    Ok(())
}

fn flood(_: &mut Ctx) -> Tested {
    let block = [b'x'; 64 << 10];
    for _ in 0..256 {
        std::io::stdout().write_all(&block).map_err(Stop::fail)?;
    }
    Ok(())
}

fn close_pipes(_: &mut Ctx) -> Tested {
    // SAFETY: nothing in this process uses the descriptors afterwards; it leaves without another word.
    unsafe { libc::close_range(0, libc::c_uint::MAX, 0) };
    process::exit(0)
}

fn orphan(ctx: &mut Ctx) -> Tested {
    let child = process::Command::new("sleep").arg("1000").spawn().map_err(Stop::fail)?;
    ctx.note(format_args!("left process {} behind", child.id()));
    Ok(())
}

fn loop_forever() -> Tested {
    loop {
        thread::sleep(Duration::from_secs(1000));
    }
}

fn sleep_a_second(_: &mut Ctx) -> Tested {
    thread::sleep(Duration::from_secs(1));
    Ok(())
}

/// The fences that are made right before the panic.
const LAST_FENCES: u32 = 100;

/// Refuses to run on a machine that is not fencelab's own guest.
fn kernel_panic(_: &mut Ctx) -> Tested {
    let root = fs::read_to_string("/proc/cmdline").unwrap_or_default();
    if !root.contains("rootfstype=9p") {
        return Err(Stop::skip("this machine is not a fencelab guest, and somebody may want to keep it"));
    }
    // What the recorder must have of it afterwards.
    let timeline = Timeline::new()?;
    for seqno in 1..=LAST_FENCES {
        timeline.fence(seqno).map_err(Stop::fail)?;
    }
    fs::write("/proc/sysrq-trigger", "c").map_err(Stop::fail)?;
    loop_forever()
}
