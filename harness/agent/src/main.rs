//! The agent alone, as a program: what the integration tests run in place of the whole `fencelab`.

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    fencelab_agent::dispatch(&arguments).unwrap_or_else(|| {
        eprintln!("fencelab-agent: expected `agent ..` or `case-exec ..`");
        ExitCode::FAILURE
    })
}
