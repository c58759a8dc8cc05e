//! The programs and headers that a kernel build needs.

use std::io::{ErrorKind, Write};
use std::process::{Command, Stdio};

use crate::error::Error;

/// Something that must be installed, and where Debian has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tool {
    /// The program or header.
    pub name: &'static str,
    /// The Debian package that brings it.
    pub package: &'static str,
}

/// Programs, all of which know `--version`.
const PROGRAMS: &[Tool] = &[
    Tool { name: "make", package: "make" },
    Tool { name: "gcc", package: "gcc" },
    Tool { name: "ld", package: "binutils" },
    Tool { name: "flex", package: "flex" },
    Tool { name: "bison", package: "bison" },
    Tool { name: "bc", package: "bc" },
    Tool { name: "perl", package: "perl" },
    Tool { name: "tar", package: "tar" },
    Tool { name: "xz", package: "xz-utils" },
    Tool { name: "patch", package: "patch" },
    Tool { name: "lz4", package: "lz4" },
];

/// Not always on the path of people who are not root; `scripts/depmod.sh` looks in `/sbin` too.
const DEPMOD: Tool = Tool { name: "depmod", package: "kmod" };

/// objtool, a program of the kernel's own, is compiled against it.
const LIBELF: Tool = Tool { name: "gelf.h", package: "libelf-dev" };

/// Fails with everything that is missing, in one error.
pub(crate) fn check() -> Result<(), Error> {
    let mut missing: Vec<Tool> = PROGRAMS.iter().copied().filter(|tool| !runs(tool.name)).collect();
    if !runs("depmod") && !runs("/sbin/depmod") {
        missing.push(DEPMOD);
    }
    if runs("gcc") && !has_header(LIBELF.name) {
        missing.push(LIBELF);
    }
    if missing.is_empty() { Ok(()) } else { Err(Error::MissingTools(missing)) }
}

/// How depmod is called here.
pub(crate) fn depmod() -> &'static str {
    if runs("depmod") { "depmod" } else { "/sbin/depmod" }
}

/// The first version lines of compiler and linker: what they make goes into the cache key.
pub(crate) fn toolchain() -> Result<String, Error> {
    let (compiler, linker) = (version("gcc")?, version("ld")?);
    Ok(format!("{compiler}; {linker}"))
}

fn version(program: &'static str) -> Result<String, Error> {
    let output = match Command::new(program).arg("--version").env("LC_ALL", "C").output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(check().err().unwrap_or(run(program, error)));
        }
        other => other.map_err(|source| run(program, source))?,
    };
    Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned())
}

fn run(program: &'static str, source: std::io::Error) -> Error {
    Error::Run { program, source }
}

fn runs(program: &str) -> bool {
    let null = Stdio::null;
    let status = Command::new(program).arg("--version").stdin(null()).stdout(null()).stderr(null()).status();
    !matches!(status, Err(error) if error.kind() == ErrorKind::NotFound)
}

fn has_header(name: &str) -> bool {
    let mut gcc = Command::new("gcc");
    gcc.args(["-E", "-x", "c", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut child) = gcc.spawn() else { return false };
    let written = child.stdin.take().is_some_and(|mut stdin| writeln!(stdin, "#include <{name}>").is_ok());
    child.wait().is_ok_and(|status| status.success()) && written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_does_not_exist_does_not_run() {
        assert!(!runs("fencelab-no-such-program"));
        assert!(runs("sh"));
    }

    #[test]
    fn a_version_comes_as_one_line_or_as_a_typed_error() {
        match toolchain() {
            Ok(line) => assert!(!line.contains('\n') && line.contains("; "), "{line}"),
            Err(error) => assert!(matches!(error, Error::MissingTools(_)), "{error}"),
        }
    }
}
