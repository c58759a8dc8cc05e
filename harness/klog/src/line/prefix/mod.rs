//! The pieces that may stand in front of a message in a text log. Each function takes its piece off the front of a
//! line and returns what it read and the rest, or nothing when the piece is not there.

mod clock;
mod origin;
mod time;

pub(super) use clock::clock;
pub(super) use origin::{begins_with_host, caller, device_caller, kernel_tag, logcat};
pub(super) use time::{Stamp, begins_with_stamp, stamp, within};

/// Quote marks of a mail: `> > `, and the colon that Fedora's reporter of crashes puts in front of every line.
pub(super) fn quote(line: &str) -> Option<&str> {
    if let Some(rest) = line.strip_prefix(':') {
        return Some(rest);
    }
    let rest = line.strip_prefix('>')?;
    Some(rest.strip_prefix(' ').unwrap_or(rest))
}

/// `<4>`: the level, from a console with `printk.time` or from pstore. Also `<12>` with a facility.
pub(super) fn angle_level(line: &str) -> Option<(u8, &str)> {
    let (number, rest) = line.strip_prefix('<')?.split_at_checked(digits(line.get(1..)?))?;
    Some(((number.parse::<u32>().ok()? & 7) as u8, rest.strip_prefix('>')?))
}

/// `kern  :warn  : `: facility and level of `dmesg --decode`.
pub(super) fn decoded_level(line: &str) -> Option<(u8, &str)> {
    const LEVELS: [&str; 8] = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"];
    let rest = line.strip_prefix("kern")?.trim_start().strip_prefix(':')?;
    let (name, rest) = rest.split_once(':')?;
    let level = LEVELS.iter().position(|level| *level == name.trim())?;
    Some((level as u8, rest.strip_prefix(' ').unwrap_or(rest)))
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}
