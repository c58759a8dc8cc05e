//! One case in this process: what the agent runs for each. Its result goes to descriptor 3.

use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::ExitCode;

use fencelab_bench::protocol::Program;
use fencelab_suites::report::Reporter;
use fencelab_suites::{Case, Device, catalogue, exec};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use crate::fork_server;

/// The descriptor on which a case reports.
const REPORT: i32 = 3;

/// The argument behind the others by which the case tells of lockdep before it unloads a module.
pub(crate) const COVERAGE: &str = "coverage";

/// The argument that somebody else's program stands behind.
pub(crate) const PROGRAM: &str = "--program";

/// Runs `SUITE NAME DEVICES [coverage]`, the devices as JSON; or with `--serve` each such case in a fork. A case that ran has
/// told its result, whatever it is: the exit status says only that.
pub(crate) fn run(arguments: &[OsString]) -> ExitCode {
    match arguments {
        [flag] if flag == fork_server::SERVE => fork_server::serve(run_case),
        [flag, program] if flag == PROGRAM => foreign(program),
        _ => run_case(arguments),
    }
}

fn run_case(arguments: &[OsString]) -> ExitCode {
    match prepare(arguments) {
        Ok((case, devices, reporter, coverage)) => {
            name_this_process(case);
            let _ = exec::run(case, devices, reporter, coverage);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("fencelab case-exec: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs `--program PROGRAM-JSON`: somebody else's program, whose result is read from what it does.
fn foreign(program: &OsString) -> ExitCode {
    let json = program.to_string_lossy();
    let prepared =
        serde_json::from_str::<Program>(&json).map_err(io::Error::from).and_then(|p| Ok((p, reporter()?)));
    match prepared {
        Ok((program, reporter)) => fencelab_adapters::exec::run(&program, &reporter),
        Err(error) => {
            eprintln!("fencelab case-exec: {error}");
            ExitCode::FAILURE
        }
    }
}

fn prepare(arguments: &[OsString]) -> io::Result<(&'static Case, Vec<Device>, Reporter, bool)> {
    let bad = |what: String| io::Error::new(io::ErrorKind::InvalidInput, what);
    let texts: Option<Vec<&str>> = arguments.iter().map(|a| a.to_str()).collect();
    let (suite, name, devices, coverage) = match texts.as_deref().unwrap_or_default() {
        [suite, name, devices] => (suite, name, devices, false),
        [suite, name, devices, last] if *last == COVERAGE => (suite, name, devices, true),
        _ => {
            let usage = "expected SUITE NAME DEVICES-JSON [coverage]; the agent calls this, not people";
            return Err(bad(usage.into()));
        }
    };
    let case = catalogue::find(suite, name).ok_or_else(|| bad(format!("there is no case {suite}/{name}")))?;
    let devices: Vec<Device> =
        serde_json::from_str(devices).map_err(|error| bad(format!("read the devices: {error}")))?;
    if devices.len() != case.roles.len() {
        return Err(bad(format!("{} needs {} devices, not {}", case.id(), case.roles.len(), devices.len())));
    }
    Ok((case, devices, reporter()?, coverage))
}

fn reporter() -> io::Result<Reporter> {
    // SAFETY: the agent passes this descriptor for this use, and this process has not touched it yet; were it
    // closed, the next line would fail.
    let fd = unsafe { OwnedFd::from_raw_fd(REPORT) };
    // What the case starts must not be able to speak in its name, or hold the channel open.
    fcntl(&fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    Ok(Reporter::new(fd))
}

/// The name that kernel reports print beside the pid: 15 bytes, the case's own rather than its suite's.
fn name_this_process(case: &Case) {
    let name: String = case.name.chars().take(15).collect();
    if let Ok(name) = CString::new(name) {
        let _ = nix::sys::prctl::set_name(&name);
    }
}
