//! What the kernel reported, and to whom it belongs.

use serde::{Deserialize, Serialize};

/// One report of the kernel's own checkers, as the runner saw and attributed it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The boot.
    pub boot: u32,
    /// `circular`, `sleeping`, `hung-task`, ... (klog's kinds).
    pub kind: String,
    /// One line.
    pub title: String,
    /// The same for the same bug, whichever edge closed the cycle.
    pub signature: String,
    /// Every rule that it shows broken, the most telling first.
    pub rules: Vec<RuleHit>,
    /// The row of the 2020 series whose annotation made it visible, on an annotated kernel: not a plain kernel bug.
    pub annotation: Option<String>,
    /// The driver function to look at first: the first frame that is not core code.
    pub blame: Option<String>,
    /// The lines that tell most, two or three.
    pub evidence: Vec<String>,
    /// The file of the report's text, relative to the session.
    pub file: String,
    /// The first kernel log record of it.
    pub first_seq: u64,
    /// The last.
    pub last_seq: u64,
    /// Its first line's time, in microseconds.
    pub at_us: u64,
    /// Nothing of the report is missing.
    pub complete: bool,
    /// To whom it belongs.
    pub attribution: Attribution,
}

/// A rule that a finding shows broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleHit {
    /// The rule's id.
    pub id: String,
    /// The edge or line that shows it.
    pub evidence: String,
    /// What that means, in a sentence.
    pub sentence: String,
}

/// To whom a finding belongs, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribution {
    /// The case; none for a report outside any.
    pub case: Option<String>,
    /// How it is known.
    pub how: How,
    /// The same in words, with the facts.
    pub reason: String,
    /// The thread: `comm/tid`.
    pub thread: Option<String>,
    /// The system call or function under which the thread was.
    pub entry: Option<String>,
    /// The call of the case that the report goes back to, where the recorder saw it: the one that the thread was in, or, for
    /// a worker, the one that queued its work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallSite>,
}

/// A call of a case, from the recorder's trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallSite {
    /// The ioctl's name in the uAPI (`DRM_IOCTL_MODE_ATOMIC`), or the function's.
    pub ioctl: String,
    /// The whole call with its arguments decoded, as `fencelab trace` prints it.
    pub arguments: String,
    /// Names of its flags.
    pub flags: Vec<String>,
    /// The fd that it was made on.
    pub fd: Option<i32>,
    /// What is behind that fd: the bench's name for the device and its node, or a path.
    pub device: Option<String>,
    /// The thread that made it.
    pub tid: i32,
    /// When it was made: CLOCK_MONOTONIC of the machine under test, in microseconds.
    pub entered_us: u64,
    /// When it returned; none where it had not when the trace was read.
    pub returned_us: Option<u64>,
    /// How long after it was made the kernel reported, in microseconds.
    pub after_us: u64,
    /// The report lies within it. Else it was the thread's last before, or queued what the report is about.
    pub in_progress: bool,
}

impl CallSite {
    /// The ioctl, its fd, device and flags, and its thread: the beginning of a sentence's end.
    pub fn place(&self) -> String {
        let mut text = self.ioctl.clone();
        match (self.fd, &self.device) {
            (Some(fd), Some(device)) => text += &format!(" on fd {fd} ({device})"),
            (Some(fd), None) => text += &format!(" on fd {fd}"),
            _ => {}
        }
        if !self.flags.is_empty() {
            text += &format!(", flags {}", self.flags.join("|"));
        }
        text + &format!(", by thread {}", self.tid)
    }

    /// The same with when it was, before the kernel's report: "in X on fd 5 (vkms card0), by thread 7, 0.3 ms after it was
    /// called".
    pub fn words(&self) -> String {
        let (place, after) = (self.place(), Millis(self.after_us));
        if self.in_progress {
            return format!("in {place}, {after} after it was called");
        }
        let reported = self.entered_us.saturating_add(self.after_us);
        match self.returned_us.and_then(|returned| reported.checked_sub(returned)) {
            Some(since) => {
                format!("after {place}, called {after} before and returned {} before", Millis(since))
            }
            None => format!("after {place}, called {after} before and not yet returned"),
        }
    }
}

/// Microseconds as milliseconds, or as seconds where that reads better.
struct Millis(u64);

impl std::fmt::Display for Millis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            us @ 0..10_000 => write!(f, "{}.{} ms", us / 1000, us % 1000 / 100),
            us @ 10_000..1_000_000 => write!(f, "{} ms", us / 1000),
            us => write!(f, "{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
        }
    }
}

/// How an attribution is known, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// As [`How::Caller`] or [`How::CommPid`], and the recorder shows the call that the thread was in.
    Call,
    /// The caller id of the report's lines is a thread of the case.
    Caller,
    /// The comm and pid that the report prints are the case's.
    CommPid,
    /// A kernel worker reported, and the fence that it signals or the work that it does goes back to a call of the case.
    Queued,
    /// A kernel worker reported, serving what the only running case had queued.
    Worker,
    /// Only the time fits: the report's lines lie in the case's window.
    Window,
    /// No case ran.
    Outside,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_told_by_where_it_stood_when_the_kernel_spoke() {
        let mut call = CallSite {
            ioctl: "DRM_IOCTL_MODE_ATOMIC".into(),
            arguments: String::new(),
            flags: vec!["NONBLOCK".into()],
            fd: Some(5),
            device: Some("virtio-gpu card0".into()),
            tid: 7,
            entered_us: 1_000_000,
            returned_us: None,
            after_us: 340,
            in_progress: true,
        };
        let place = "DRM_IOCTL_MODE_ATOMIC on fd 5 (virtio-gpu card0), flags NONBLOCK, by thread 7";
        assert_eq!(call.words(), format!("in {place}, 0.3 ms after it was called"));
        call.in_progress = false;
        assert_eq!(call.words(), format!("after {place}, called 0.3 ms before and not yet returned"));
        (call.after_us, call.returned_us) = (1_500_000, Some(1_020_000));
        assert_eq!(call.words(), format!("after {place}, called 1.5 s before and returned 1.4 s before"));
    }
}
