//! The agent's own arguments. They come from a bench, never from a person.

use std::ffi::OsString;
use std::io;
use std::os::fd::RawFd;

/// How the agent was called.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// As a guest's first process.
    Init {
        /// What to run for a case instead of this program's own `case-exec`.
        case_program: Option<OsString>,
    },
    /// On this machine, the protocol on standard input and output.
    Stdio {
        /// As above.
        case_program: Option<OsString>,
        /// Where the kernel log goes.
        klog: Option<RawFd>,
        /// Where the trace goes.
        trace: Option<RawFd>,
    },
    /// To say what is here, and leave.
    Scan,
}

/// Reads them.
pub(crate) fn parse(arguments: &[OsString]) -> io::Result<Mode> {
    let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what.to_owned());
    let (mut mode, mut case_program, mut klog, mut trace) = (None, None, None, None);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let text = argument.to_str().ok_or_else(|| bad("an argument is no text"))?;
        let number = |text: &str| text.parse().map_err(|_| bad("expected a descriptor's number"));
        match text.split_once('=').unwrap_or((text, "")) {
            ("--init" | "--stdio" | "--scan", "") => mode = Some(text),
            ("--case-program", "") => case_program = rest.next().cloned(),
            ("--klog-fd", value) => klog = Some(number(value)?),
            ("--trace-fd", value) => trace = Some(number(value)?),
            _ => return Err(bad(&format!("unknown argument {text}"))),
        }
    }
    match mode {
        Some("--init") => Ok(Mode::Init { case_program }),
        Some("--stdio") => Ok(Mode::Stdio { case_program, klog, trace }),
        Some(_) => Ok(Mode::Scan),
        None => Err(bad("expected --init, --stdio or --scan; benches call this, not people")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> io::Result<Mode> {
        parse(&text.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn every_mode_is_understood() {
        let case_program = Some(OsString::from("/bin/x"));
        assert_eq!(of("--init --case-program /bin/x").unwrap(), Mode::Init { case_program });
        let stdio = Mode::Stdio { case_program: None, klog: Some(5), trace: Some(7) };
        assert_eq!(of("--stdio --klog-fd=5 --trace-fd=7").unwrap(), stdio);
        assert_eq!(of("--scan").unwrap(), Mode::Scan);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "--init --what", "--stdio --klog-fd=x", "--klog-fd=3"] {
            assert!(of(text).is_err(), "{text}");
        }
    }
}
