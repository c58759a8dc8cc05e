//! Reports of a session, one file per format.
//!
//! Every report is a pure function of a [`View`]: the session that the journal folds to, judged once against the
//! user's lists of known fails. So a report can be made again at any time, and it is valid however far the run came:
//! a case that has not ended is shown as not run.
//!
//! To add a format, write its module and give it a line in [`FORMATS`].

pub mod dossier;
pub mod exit;
pub mod expect;
mod group;
pub mod hang;
mod html;
mod junit;
mod night;
pub mod proofs;
mod results;
mod rule_coverage;
pub mod splat;
mod style;
pub mod summary;
mod text;
mod view;
mod why;

use std::io::{self, Write};

pub use expect::Expectations;
pub use style::Style;
pub use view::{Bug, Case, Input, Part, View};

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The writer's error.
    #[error("write the report: {0}")]
    Io(#[from] io::Error),
    /// The XML writer's error.
    #[error("write the report as XML: {0}")]
    Xml(#[from] junit_report::Error),
}

/// A report's form.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// Its name on the command line.
    pub name: &'static str,
    /// The file's name in the session's folder.
    pub file: &'static str,
    /// For whom it is, in a few words.
    pub about: &'static str,
    /// Writes it.
    pub write: fn(&View<'_>, &mut dyn Write) -> Result<(), Error>,
}

/// Every form in which a session is reported as a file.
pub const FORMATS: &[Format] = &[
    Format {
        name: "summary",
        file: "summary.txt",
        about: "the terminal summary",
        write: summary::write_plain,
    },
    Format { name: "junit", file: "junit.xml", about: "for CI: GitLab, Jenkins", write: junit::write },
    Format {
        name: "html",
        file: "report.html",
        about: "one page to read, print and send",
        write: html::write,
    },
    Format { name: "csv", file: "results.csv", about: "deqp-runner's form", write: results::write },
];

/// The format of this name.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}
