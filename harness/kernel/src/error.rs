//! Why there is no kernel.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::Missing;
use crate::first_error::FirstError;
use crate::progress::Phase;
use crate::tools::Tool;

/// Why a kernel could not be built or found. Each message fits after "failed to ".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be used.
    #[error("{action} {}", path.display())]
    Io {
        /// A verb, as in "create".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A program could not be started at all.
    #[error("run {program}")]
    Run {
        /// Its name.
        program: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// Programs or headers that the build needs are not installed.
    #[error("build a kernel without {}", missing_tools(.0))]
    MissingTools(Vec<Tool>),
    /// No `linux-source` package in the folder.
    #[error("find a kernel source in {}: there is no linux-source-*.tar.xz (Debian package linux-source-6.12)", .0.display())]
    NoSource(PathBuf),
    /// The folder given as a kernel tree is none.
    #[error("use {} as a kernel tree: {reason}", path.display())]
    NotATree {
        /// The folder.
        path: PathBuf,
        /// What it lacks.
        reason: &'static str,
    },
    /// Somebody built a kernel inside the tree. What lies there would shadow what we generate.
    #[error(
        "build outside of {}, which is not clean: it holds {found} from a build inside the tree. \
         Run `make mrproper` there, or point at a fresh checkout (`git worktree add`)",
        path.display()
    )]
    TreeNotClean {
        /// The tree.
        path: PathBuf,
        /// The file or folder that gives it away.
        found: &'static str,
    },
    /// A fragment has a line that is neither an option nor a comment.
    #[error(
        "read config fragment {fragment}:{line}: {text:?} is neither CONFIG_X=value, \"# CONFIG_X is not set\" nor a comment"
    )]
    BadFragment {
        /// The fragment's name.
        fragment: String,
        /// The line, counted from 1.
        line: usize,
        /// What it says.
        text: String,
    },
    /// Kconfig did not grant what the fragments ask for.
    #[error("configure the kernel: {}", missing_options(.0))]
    Options(Vec<Missing>),
    /// A patch does not fit the source.
    #[error("apply {patch} to {source_name}: it does not fit this source\n{}", indented(output))]
    Patch {
        /// The patch's file name.
        patch: &'static str,
        /// The source that it was applied to.
        source_name: String,
        /// What `patch` printed.
        output: String,
    },
    /// `tar` or `make` failed.
    #[error("{phase}: {reason}\nfull log: {}", log.display())]
    Step {
        /// What was going on.
        phase: Phase,
        /// The first error of the log, or how the program ended if the log holds none.
        reason: Reason,
        /// Everything that was printed; the file stays.
        log: PathBuf,
    },
    /// Nobody knows what such a kernel holds, so it is not kept.
    #[error("build {}: it changed meanwhile; build again, most objects are done", .0.display())]
    SourceChanged(PathBuf),
    /// The file is no kernel image that QEMU's `-kernel` takes.
    #[error("read {} as a kernel image: {reason}", path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A folder holds no kernel image, or more than one.
    #[error("find a kernel in {}: {reason}", path.display())]
    NoImage {
        /// The folder.
        path: PathBuf,
        /// What was looked for.
        reason: String,
    },
    /// No modules of the image's release where they were looked for.
    #[error("find the modules of {release}: looked in {}", paths(looked_in))]
    NoModules {
        /// The release that the image names.
        release: String,
        /// The folders tried.
        looked_in: Vec<PathBuf>,
    },
}

/// Why a program that the build ran failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// What its log says first.
    Log(FirstError),
    /// The log says nothing; the program ended like this.
    Exit(String),
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Reason::Log(first) => {
                write!(f, "first error (line {} of the log):\n{}", first.line, indented(&first.to_string()))
            }
            Reason::Exit(status) => f.write_str(status),
        }
    }
}

/// Adds to an I/O result what was done to which path.
pub(crate) trait IoContext<T> {
    fn doing(self, action: &'static str, path: &Path) -> Result<T, Error>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn doing(self, action: &'static str, path: &Path) -> Result<T, Error> {
        self.map_err(|source| Error::Io { action, path: path.to_owned(), source })
    }
}

fn missing_tools(tools: &[Tool]) -> String {
    let names: Vec<&str> = tools.iter().map(|tool| tool.name).collect();
    let mut packages: Vec<&str> = tools.iter().map(|tool| tool.package).collect();
    packages.sort_unstable();
    packages.dedup();
    format!("{} (Debian: apt-get install {})", names.join(", "), packages.join(" "))
}

fn missing_options(missing: &[Missing]) -> String {
    let mut text = match missing.len() {
        1 => "an option that was asked for is missing".to_owned(),
        n => format!("{n} options that were asked for are missing"),
    };
    for option in missing {
        let _ = write!(text, "\n    {option}");
    }
    text
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

fn paths(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_tools_are_one_sentence_with_each_package_once() {
        let tools = vec![
            Tool { name: "ld", package: "binutils" },
            Tool { name: "strip", package: "binutils" },
            Tool { name: "bc", package: "bc" },
        ];
        assert_eq!(
            Error::MissingTools(tools).to_string(),
            "build a kernel without ld, strip, bc (Debian: apt-get install bc binutils)"
        );
    }

    #[test]
    fn a_failed_step_shows_the_first_error_and_keeps_the_log() {
        let first = FirstError { line: 7, text: vec!["a.c:1:2: error: no".into(), "    1 | x".into()] };
        let error =
            Error::Step { phase: Phase::Compile, reason: Reason::Log(first), log: "/c/logs/x.log".into() };
        assert_eq!(
            error.to_string(),
            "compile the kernel: first error (line 7 of the log):\n    a.c:1:2: error: no\n        1 | x\nfull log: /c/logs/x.log"
        );
    }

    #[test]
    fn missing_options_are_listed_one_per_line() {
        let missing = Missing {
            option: "CONFIG_A".into(),
            asked: "y".into(),
            got: "n".into(),
            fragment: "a.config".into(),
            line: 3,
        };
        assert_eq!(
            Error::Options(vec![missing]).to_string(),
            "configure the kernel: an option that was asked for is missing\n    CONFIG_A=y (a.config:3) became n"
        );
    }
}
