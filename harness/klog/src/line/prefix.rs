//! The pieces that may stand in front of a message in a text log. Each function takes its piece off the front of a
//! line and returns what it read and the rest, or nothing when the piece is not there.

use super::Caller;

/// A time stamp in one of the forms of dmesg(1), printk, syslog and journalctl(1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stamp<'a> {
    /// Microseconds since boot.
    Boot(u64),
    /// A wall-clock time, as printed.
    Wall(&'a str),
    /// A difference to the line before, which tells no time by itself.
    Delta,
}

/// Quote marks of a mail: `> > `.
pub(super) fn quote(line: &str) -> Option<&str> {
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

/// A time in brackets, or an ISO 8601 date in front (`dmesg --time-format iso`, rsyslog, serial loggers).
pub(super) fn stamp(line: &str) -> Option<(Stamp<'_>, &str)> {
    if let Some(inner) = line.strip_prefix('[') {
        let (inside, rest) =
            inner.split_at_checked(memchr::memchr(b']', inner.as_bytes().get(..40.min(inner.len()))?)?)?;
        return Some((bracketed(inside)?, &rest[1..]));
    }
    let (word, rest) = line.split_once(' ')?;
    is_iso(word).then_some((Stamp::Wall(word), rest))
}

/// On a serial console the kernel's line may follow what user space printed without a line end, such as `login: `.
pub(super) fn after_console_text(line: &str) -> Option<&str> {
    let at = memchr::memmem::find(line.as_bytes(), b" [ ").filter(|at| *at > 0 && *at < 80)?;
    let rest = &line[at + 1..];
    begins_with_stamp(rest).then_some(rest)
}

/// Does a time since boot stand here, behind a level or not?
pub(super) fn begins_with_stamp(line: &str) -> bool {
    let rest = angle_level(line).map_or(line, |(_, rest)| rest.trim_start());
    matches!(stamp(rest), Some((Stamp::Boot(_), _)))
}

fn bracketed(inside: &str) -> Option<Stamp<'_>> {
    let text = inside.trim();
    if let Some(us) = seconds(text) {
        return Some(Stamp::Boot(us));
    }
    // `dmesg --show-delta` puts the difference behind the time, `--reltime` prints it alone.
    if let Some((time, delta)) = text.split_once('<') {
        seconds(delta.trim_end_matches('>').trim())?;
        return Some(seconds(time.trim()).map_or(Stamp::Delta, Stamp::Boot));
    }
    if let Some(delta) = text.strip_prefix('+') {
        return seconds(delta).map(|_| Stamp::Delta);
    }
    (is_ctime(text) || is_iso(text)).then_some(Stamp::Wall(text))
}

/// `123.456789` in microseconds.
pub(super) fn seconds(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.')?;
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !(3..=9).contains(&fraction.len()) || !digits(fraction) {
        return None;
    }
    let micros: u64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(micros)
}

/// `Mon Nov 14 12:34:56 2026` (`dmesg -T`) or `Nov14 12:34` (`dmesg -e`).
fn is_ctime(text: &str) -> bool {
    let mut words = text.split_ascii_whitespace();
    let first = words.next().unwrap_or("");
    let month = if is_weekday(first) { words.next().unwrap_or("") } else { first };
    is_month(month.get(..3).unwrap_or("")) && text.contains(':')
}

fn is_weekday(word: &str) -> bool {
    ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].contains(&word)
}

fn is_month(word: &str) -> bool {
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"].contains(&word)
}

/// `2026-11-14T12:34:56,123456+00:00`, `2026-11-14T12:34:56Z`.
fn is_iso(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.len() >= 19
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && bytes[4] == b'-'
        && bytes[7] == b'-'
        && bytes[10] == b'T'
        && bytes[13] == b':'
}

/// The date of a classic syslog line, `Nov 14 12:34:56`, or of a journal without one.
pub(super) fn syslog_date(line: &str) -> Option<(&str, &str)> {
    let date = line.get(..15)?;
    let time = &date.as_bytes()[7..];
    (is_month(date.get(..3)?) && time[2] == b':' && time[5] == b':')
        .then_some((date, line.get(15..)?.trim_start()))
}

/// `host kernel: ` or `kernel: `, in front of a message or of the kernel's own prefix.
pub(super) fn kernel_tag(line: &str) -> Option<&str> {
    let (words, rest) = line.split_once(": ").or_else(|| Some((line.strip_suffix(':')?, "")))?;
    let tag = words.rsplit(' ').next()?;
    let name = tag.split('[').next()?;
    (words.len() <= 100 && words.split(' ').count() <= 3 && name == "kernel").then_some(rest)
}

/// `[T123]`, `[    C1]`: the caller id, with the one blank that may stand in front of it.
pub(super) fn caller(line: &str) -> Option<(Caller, &str)> {
    let inner = line.strip_prefix(' ').unwrap_or(line).strip_prefix('[')?;
    let end = memchr::memchr(b']', inner.as_bytes().get(..24.min(inner.len()))?)?;
    Some((Caller::parse(inner.get(..end)?)?, &inner[end + 1..]))
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}
