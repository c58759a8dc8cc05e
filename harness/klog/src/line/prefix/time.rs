//! Times in brackets: the kernel's own, and those that dmesg(1) and serial loggers print.

use super::angle_level;
use super::clock::clock;

/// A time stamp in one of the forms of dmesg(1), printk, syslog and journalctl(1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::line) enum Stamp<'a> {
    /// Microseconds since boot.
    Boot(u64),
    /// A wall-clock time, as printed.
    Wall(&'a str),
    /// A difference to the line before, which tells no time by itself.
    Delta,
}

/// A time in brackets.
pub(in crate::line) fn stamp(line: &str) -> Option<(Stamp<'_>, &str)> {
    let inner = line.strip_prefix('[')?;
    let end = memchr::memchr(b']', inner.as_bytes().get(..48.min(inner.len()))?)?;
    let (inside, rest) = inner.split_at_checked(end)?;
    Some((bracketed(inside)?, &rest[1..]))
}

/// How far into a line the kernel's own time is looked for.
const FAR: usize = 120;

/// A kernel's time since boot further in: on a serial console the kernel's line may follow what user space printed
/// without a line end, and every logger has its own mark. Gives the line from the bracket (or the level before it) on.
pub(in crate::line) fn within(line: &str) -> Option<&str> {
    let bytes = line.as_bytes();
    let places = memchr::memchr_iter(b'[', &bytes[..bytes.len().min(FAR)]);
    let at = places.filter(|at| *at > 0).find(|at| line.get(*at..).is_some_and(is_kernel_time))?;
    let before = &line[..at];
    let level = before.trim_end().strip_suffix('>').and_then(|start| start.rfind('<'));
    Some(&line[level.filter(|level| angle_level(&line[*level..]).is_some()).unwrap_or(at)..])
}

/// printk's time has six places (`print_time`, kernel/printk/printk.c).
fn is_kernel_time(line: &str) -> bool {
    let Some((inside, _)) = line.strip_prefix('[').and_then(|inner| inner.split_once(']')) else {
        return false;
    };
    matches!(bracketed(inside), Some(Stamp::Boot(_)))
        && inside.split_once('.').is_some_and(|(_, places)| places.len() >= 6)
}

/// Does a time since boot stand here, behind a level or not?
pub(in crate::line) fn begins_with_stamp(line: &str) -> bool {
    let rest = angle_level(line).map_or(line, |(_, rest)| rest.trim_start());
    matches!(stamp(rest), Some((Stamp::Boot(_), _)))
}

fn bracketed(inside: &str) -> Option<Stamp<'_>> {
    let text = inside.trim();
    if let Some(us) = seconds(text) {
        return Some(Stamp::Boot(us));
    }
    // Some vendors put the CPU behind a comma or an at sign.
    if let Some((time, cpu)) = text.split_once([',', '@'])
        && !cpu.is_empty()
        && cpu.bytes().all(|b| b.is_ascii_digit())
        && let Some(us) = seconds(time)
    {
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
    let clock_alone = || clock(text).is_some_and(|(_, rest)| rest.trim().is_empty());
    (is_ctime(text) || clock_alone()).then_some(Stamp::Wall(text))
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

/// `Mon Nov 14 12:34:56 2026` (`dmesg -T`, the names in any language), `Mon Nov 14 12:34:56 UTC 2026` (crash(8)'s `log -T`) or
/// `Nov14 12:34` (`dmesg -e`).
fn is_ctime(text: &str) -> bool {
    let words: Vec<&str> = text.split_ascii_whitespace().take(6).collect();
    let number = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    match words[..] {
        [_, _, day, time, year] | [_, _, day, time, _, year] => {
            number(day) && is_time(time) && year.len() == 4 && number(year)
        }
        [date, time] => {
            let day = date.trim_start_matches(|c: char| c.is_alphabetic() || c == '.');
            day.len() < date.len() && day.len() <= 2 && number(day) && is_time(time)
        }
        _ => false,
    }
}

/// `12:34` or `12:34:56`.
fn is_time(word: &str) -> bool {
    matches!(word.len(), 5 | 8)
        && word.bytes().enumerate().all(|(at, b)| if at % 3 == 2 { b == b':' } else { b.is_ascii_digit() })
}
