//! How processes end, as far as anybody can tell.

use std::fmt;

use fencelab_abi::process::{ProcessInfo, UNKNOWN_STATUS};

use crate::decode::signal_name;

/// The end of a process, or of a program that another one took the place of.
///
/// Three can tell of it. The process itself, where it calls exit: then it is on its way, and its files may yet be open. The
/// recorder, who sees that it is gone. And of a session of this boot the reader, who finds no such process any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// Ticks by when it was so; `None`: at some time that nobody noted, before now.
    pub ticks: Option<u64>,
    /// How.
    pub how: How,
    /// Whether the process is known to be gone, with its files, rather than to have called exit.
    pub gone: bool,
    /// The thread that called exit, if one did.
    pub tid: Option<u32>,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// With that status.
    Exited(i32),
    /// By that signal; with a core dump.
    Killed(i32, bool),
    /// It goes on: an exec made another program of it.
    Exec,
    /// It is not known how.
    Unknown,
}

impl How {
    /// From a status as waitpid gives it (POSIX's macros, as glibc has them in <bits/waitstatus.h>).
    pub fn of_status(status: u32) -> Self {
        const CORE: u32 = 0x80;
        match status & 0x7f {
            0 => Self::Exited((status >> 8 & 0xff) as i32),
            0x7f => Self::Unknown,
            signal => Self::Killed(signal as i32, status & CORE != 0),
        }
    }

    /// The status as waitpid gives it; [`UNKNOWN_STATUS`] where there is none.
    pub fn status(&self) -> u32 {
        match *self {
            Self::Exited(status) => (status as u32 & 0xff) << 8,
            Self::Killed(signal, core) => signal as u32 | u32::from(core) << 7,
            Self::Exec | Self::Unknown => UNKNOWN_STATUS,
        }
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(status) => write!(f, "exited with {status}"),
            Self::Killed(signal, core) => {
                match signal_name(*signal) {
                    Some(name) => write!(f, "killed by {name}")?,
                    None => write!(f, "killed by signal {signal}")?,
                }
                f.write_str(if *core { " (core dumped)" } else { "" })
            }
            Self::Exec => f.write_str("replaced by another program"),
            Self::Unknown => f.write_str("ended, and it is not known how"),
        }
    }
}

impl End {
    /// What a process's header says of it.
    pub(crate) fn of(info: &ProcessInfo<'_>) -> Option<Self> {
        let own = info.exiting.map(|(ticks, status, tid)| Self {
            ticks: Some(ticks),
            how: How::of_status(status),
            gone: false,
            tid: Some(tid),
        });
        let Some((ticks, status)) = info.gone else { return own };
        let seen = status.map_or(How::Unknown, How::of_status);
        Some(match own {
            // It had called exit: that is when it ended, unless something else was quicker.
            Some(own) if seen == own.how || seen == How::Unknown => Self { gone: true, ..own },
            _ => Self { ticks: Some(ticks), how: seen, gone: true, tid: None },
        })
    }

    /// That nobody finds the process any more; `own` is what it said itself.
    pub(crate) fn absent(own: Option<Self>) -> Self {
        let nobody = Self { ticks: None, how: How::Unknown, gone: true, tid: None };
        own.map_or(nobody, |own| Self { gone: true, ..own })
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.how)?;
        match (self.ticks, self.gone) {
            (None, _) => f.write_str(" or when"),
            (_, false) => f.write_str(", and may not be gone yet"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_as_waitpid_gives_it() {
        let said = [0, 7 << 8, 9, 11 | 0x80, 34, 0x137f].map(|status| How::of_status(status).to_string());
        let expected = [
            "exited with 0",
            "exited with 7",
            "killed by SIGKILL",
            "killed by SIGSEGV (core dumped)",
            "killed by signal 34",
            "ended, and it is not known how",
        ];
        assert_eq!(said, expected);
    }
}
