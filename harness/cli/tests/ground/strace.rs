//! strace's log: `strace -f -e raw=ioctl`.

use std::collections::HashMap;

use crate::{Call, Threads, is_known};

/// DRM_IOCTL_VERSION of the 64-byte struct drm_version, which the recorder calls itself when a device has been opened.
const VERSION: u32 = 0xc040_6400;

/// The ioctls of every thread that the recorder's table knows, without the recorder's own.
pub(crate) fn calls(log: &str) -> Result<Threads, String> {
    let mut reader = Reader::default();
    for (number, line) in log.lines().enumerate() {
        reader.line(line).ok_or_else(|| format!("line {} of strace's log: {line}", number + 1))?;
    }
    reader.threads.retain(|_, calls| !calls.is_empty());
    Ok(reader.threads)
}

#[derive(Default)]
struct Reader {
    threads: Threads,
    /// Threads that have opened a device, and whose next call asks for its version.
    opened: HashMap<u32, ()>,
    /// Calls that have not come back: what was written of them.
    unfinished: HashMap<u32, String>,
}

impl Reader {
    /// `None`: it is not understood.
    fn line(&mut self, line: &str) -> Option<()> {
        let (tid, rest) = line.split_once(' ')?;
        let (tid, rest) = (tid.parse().ok()?, rest.trim_start());
        if rest.starts_with("+++") || rest.starts_with("---") {
            return Some(());
        }
        if let Some(begun) = rest.strip_suffix(" <unfinished ...>") {
            self.unfinished.insert(tid, begun.to_owned());
            return Some(());
        }
        if let Some(resumed) = rest.strip_prefix("<... ") {
            let (_, end) = resumed.split_once(" resumed>")?;
            let begun = self.unfinished.remove(&tid)?;
            return self.call(tid, &(begun + end));
        }
        self.call(tid, rest)
    }

    fn call(&mut self, tid: u32, text: &str) -> Option<()> {
        let (name, rest) = text.split_once('(')?;
        let (arguments, result) = rest.rsplit_once(" = ")?;
        if name != "ioctl" {
            let worked = !result.trim_start().starts_with('-') && !result.trim_start().starts_with('?');
            if worked && arguments.contains("\"/dev/dri/") {
                self.opened.insert(tid, ());
            }
            return Some(());
        }
        let mut words = arguments.trim_end_matches([')', ' ']).split(", ");
        let (fd, request) = (number(words.next()?)?, number(words.next()?)? as u32);
        if self.opened.remove(&tid).is_some() {
            return (request == VERSION).then_some(());
        }
        // A call that a signal has interrupted is made again, and then logged again.
        if is_known(request) && !result.trim_start().starts_with("? ERESTART") {
            let call = Call { fd: fd as u32 as i32, request, result: outcome(result)? };
            self.threads.entry(tid).or_default().push(call);
        }
        Some(())
    }
}

fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// A result as the recorder has it: strace writes `-1 ENOTTY (Inappropriate ioctl for device)`, and `?` for a call that did
/// not come back.
fn outcome(text: &str) -> Option<i32> {
    let mut words = text.split_whitespace();
    match (words.next()?, words.next()) {
        ("-1", Some(name)) => (1..134)
            .find(|errno| nix::Error::from_raw(*errno).to_string().starts_with(name))
            .map(|errno| -errno),
        ("?", _) => Some(0),
        (value, _) => number(value).map(|value| value as i32),
    }
}
