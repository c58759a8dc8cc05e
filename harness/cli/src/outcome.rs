//! How a command ends: an exit code from the one table, and an error's words on standard error.

use std::process::ExitCode;

use fencelab_report::exit::Exit;

/// What a command returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A code of the table in the README.
    Exit(Exit),
    /// The exit status of somebody else's program.
    Theirs(u8),
}

impl Outcome {
    /// All is well.
    pub(crate) const CLEAN: Outcome = Outcome::Exit(Exit::Clean);

    /// Prints what clap has to say: help and version are what was asked for; a mistyped command is a run that could not
    /// start, and not clap's own 2, which CI takes for improvements.
    pub(crate) fn usage(error: &clap::Error) -> Outcome {
        // A terminal that went away hears nothing either way.
        let _ = error.print();
        if error.use_stderr() { Outcome::Exit(Exit::Infrastructure) } else { Outcome::CLEAN }
    }

    /// Prints an error with its causes, each once, and gives the code for infrastructure.
    pub(crate) fn failed(error: &anyhow::Error) -> Outcome {
        let mut words = String::new();
        for cause in error.chain() {
            let cause = cause.to_string();
            if !words.ends_with(&cause) {
                words.push_str(if words.is_empty() { "" } else { ": " });
                words.push_str(&cause);
            }
        }
        eprintln!("fencelab: failed to {words}");
        Outcome::Exit(Exit::Infrastructure)
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> ExitCode {
        match outcome {
            Outcome::Exit(exit) => ExitCode::from(exit.code()),
            Outcome::Theirs(status) => ExitCode::from(status),
        }
    }
}
