//! The `fencelab` command: arguments in, one library call, words and an exit code out.

mod args;
mod benches;
mod case_trace;
mod commands;
mod duration;
mod kernel;
mod kernels;
mod live;
mod missing;
mod outcome;
mod paths;
mod people;
mod plan;
mod progress;
mod recorded;
mod reports;
mod scenario;
mod selections;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use outcome::Outcome;

fn main() -> ExitCode {
    let argv: Vec<_> = std::env::args_os().collect();
    // The agent and the cases it runs are this same program; they have no user to talk to.
    if let Some(code) = fencelab_agent::dispatch(&argv[1..]) {
        return code;
    }
    if let Some((command, arguments)) = argv[1..].split_first()
        && command == scenario::COMMAND
    {
        return scenario::exec(arguments);
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return Outcome::usage(&error).into(),
    };
    let outcome = match cli.command {
        Command::Run(args) => commands::run::run(&args),
        Command::Resume(args) => commands::resume::run(&args),
        Command::List(args) => commands::list::run(&args),
        Command::Doctor(args) => commands::doctor::run(&args.bench),
        Command::Vm(args) => commands::vm::run(&args),
        Command::Record(args) => commands::record::run(&args),
        Command::Kernel(args) => commands::kernel::run(&args),
        Command::Report(args) => commands::report::run(&args),
        Command::Prove(args) => commands::prove::run(&args),
        Command::Rules(args) => commands::rules::run(&args),
        Command::Klog(args) => commands::klog::run(&args),
        Command::Analyze(args) => commands::analyze::run(&args),
        Command::Replay(args) => commands::replay::run(&args),
        Command::Minimize(args) => commands::minimize::run(&args),
        Command::Watch(args) => commands::watch::run(&args),
        Command::Trace(args) => commands::trace::run(&args),
    };
    outcome.unwrap_or_else(|error| Outcome::failed(&error)).into()
}
