//! The agent as a guest's first process: makes the machine usable, then serves until it powers it off.

mod modules;
mod mounts;
mod ports;
mod swap;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::time::Duration;

use nix::sys::reboot::{RebootMode, reboot};

use crate::cell::Cells;
use crate::control::Control;
use crate::fork_server::Forks;
use crate::job::PATH;
use crate::kmsg::{self, Kmsg};
use crate::serve::{self, Agent};
use crate::trace::Trace;

/// Kernel settings, and why each.
const SETTINGS: [(&str, &str); 5] = [
    // The console is a slow serial line: from here on it is for last words. The log has a port of its own.
    ("kernel/printk", "4"),
    // Each case's line in the log, however many there are.
    ("kernel/printk_devkmsg", "on"),
    // The detector falls silent after ten reports otherwise.
    ("kernel/hung_task_warnings", "-1"),
    // All of sysrq, for power-off and for whoever looks into a hang.
    ("kernel/sysrq", "1"),
    ("kernel/hostname", "fencelab"),
];

/// Runs as init. Returns only when the machine could not be powered off; the kernel then panics, which the bench sees.
///
/// # Errors
/// When the machine cannot be made usable.
pub(crate) fn run(case_program: Option<OsString>) -> io::Result<()> {
    // The path as the kernel was given it; it leads to the same file below the new root.
    let own = std::env::args_os().next().unwrap_or_default();
    let end = live(case_program, own);
    if let Err(error) = &end {
        // The console is the one thing that surely listens.
        eprintln!("fencelab agent: {error}");
        kmsg::say(&format!("agent failed to {error}"));
        std::thread::sleep(Duration::from_millis(100));
    }
    nix::unistd::sync();
    reboot(RebootMode::RB_POWER_OFF)?;
    end
}

fn live(case_program: Option<OsString>, own: OsString) -> io::Result<()> {
    mounts::make()?;
    for (name, value) in SETTINGS {
        // One that this kernel lacks is none that it needs.
        let _ = fs::write(format!("/proc/sys/{name}"), value);
    }
    let children = serve::children()?;
    let ports = ports::open()?;
    let mut control = Control::new(ports.agent.try_clone()?, ports.agent);
    let kmsg = Kmsg::start(ports.klog, kmsg::From::Boot);
    let setup = serve::first_message(&mut control)?;
    let mut trouble = modules::load(&setup);
    if setup.swap_mib > 0
        && let Err(error) = swap::on(setup.swap_mib)
    {
        trouble.push(format!("no swap: failed to {error}"));
    }
    let recorder = serve::start_recorder(&setup, &mut trouble);
    let trace = Trace::start(ports.trace);
    let (cells, no_cells) = Cells::find();
    let error = |e: &io::Error| e.to_string();
    let (kmsg_error, trace_error) = (kmsg.as_ref().err().map(error), trace.as_ref().err().map(error));
    let mut agent = Agent {
        control,
        setup,
        kmsg: kmsg.ok(),
        cells,
        forks: Forks::new(case_program.is_none()),
        case_argv: serve::case_argv(case_program, own),
        env: ["HOME=/root".into(), format!("PATH={PATH}").into()].into(),
        recorder,
    };
    let hello = agent.hello(kmsg_error, trace_error, no_cells, &trouble)?;
    agent.control.send(&fencelab_bench::protocol::FromAgent::Hello(Box::new(hello)))?;
    agent.serve(&children);
    if let Some(log) = &agent.kmsg {
        log.drain();
    }
    Ok(())
}

/// Opens a file for reading and writing.
fn open_both(path: &str) -> io::Result<File> {
    File::options().read(true).write(true).open(path)
}
