//! Runs cases on the device under test. The same agent is init in a guest and a child process on a lab machine; it
//! speaks `fencelab_bench::protocol` on one stream, sends the kernel log on a second and the trace on a third.
//!
//! It is one program with the command line: [`dispatch`] takes over when the executable is called as the agent or
//! as a case's process.

mod args;
mod capture;
mod case_process;
mod cell;
mod clock;
mod control;
mod devices;
mod doctor;
mod dossier;
mod fork;
mod fork_server;
mod init;
mod job;
mod kmsg;
mod lockdep;
mod notes;
mod recorder;
mod serve;
mod spawn;
mod tasks;
mod trace;

use std::ffi::OsString;
use std::process::ExitCode;

pub use dossier::examine;

/// Takes over if the arguments (without the program's name) are the agent's: `agent --init`, `agent --stdio`,
/// `agent --scan`, or a case's process: `case-exec SUITE NAME DEVICES` or `case-exec --program
/// PROGRAM`; or a mock of a program for tests. None if they are somebody else's.
pub fn dispatch(arguments: &[OsString]) -> Option<ExitCode> {
    let (first, rest) = arguments.split_first()?;
    match first.to_str()? {
        "agent" => Some(agent(rest)),
        "case-exec" => Some(case_process::run(rest)),
        "mock-program" => {
            let rest: Vec<&str> = rest.iter().filter_map(|argument| argument.to_str()).collect();
            Some(fencelab_adapters::mock::run(&rest))
        }
        _ => None,
    }
}

fn agent(arguments: &[OsString]) -> ExitCode {
    let mode = args::parse(arguments);
    let end = match mode {
        Ok(args::Mode::Init { case_program }) => init::run(case_program),
        Ok(args::Mode::Stdio { case_program, klog, trace }) => serve::on_stdio(case_program, klog, trace),
        Ok(args::Mode::Scan) => serve::scan(),
        Err(error) => Err(error),
    };
    match end {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fencelab agent: {error}");
            ExitCode::FAILURE
        }
    }
}
