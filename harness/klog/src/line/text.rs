//! Lines of a text log: dmesg, serial console, pstore, journalctl, syslog, and all of them quoted in a mail.

use std::borrow::Cow;

use super::prefix::{self, Stamp};
use super::{Line, Meta};

/// Parses one line of text that [`super::clean`] has been over.
pub(crate) fn parse_text(number: u64, line: &str) -> Line {
    let line = &*unescaped(line);
    let mut meta = Meta::default();
    let mut message = strip(line, &mut meta);
    if meta.time_us.is_none()
        && let Some(kernel) = prefix::within(message)
    {
        message = strip(kernel, &mut meta);
    }
    // A host's name alone tells nothing of when and by whom: in a log that has both, the line continues the one above.
    meta.bare = message.len() == line.len() || meta.is_silent();
    Line { number, meta, text: message.to_owned() }
}

/// Undoes the escapes and line ends of a log that was cut out of a web page. The names of locks hold `&`, but never an escape.
fn unescaped(line: &str) -> Cow<'_, str> {
    const ESCAPES: [(&str, &str); 7] = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ];
    let line = ["<br>", "<br/>", "<br />"].iter().find_map(|end| line.strip_suffix(end)).unwrap_or(line);
    let mut text = Cow::Borrowed(line);
    if memchr::memchr(b'&', line.as_bytes()).is_none() {
        return text;
    }
    for (escape, plain) in ESCAPES {
        if text.contains(escape) {
            text = Cow::Owned(text.replace(escape, plain));
        }
    }
    text
}

/// How many pieces a prefix may have.
const MAX_PIECES: usize = 8;

/// Takes everything off the front that is not the message, and keeps what it says.
fn strip<'a>(line: &'a str, meta: &mut Meta) -> &'a str {
    let mut rest = unindented(unquoted(line));
    for _ in 0..MAX_PIECES {
        match piece(rest, meta) {
            Some(inner) => rest = inner,
            None => break,
        }
    }
    rest
}

/// Takes one piece off. Behind the kernel's own time stands nothing but the caller and a log daemon's tag.
fn piece<'a>(rest: &'a str, meta: &mut Meta) -> Option<&'a str> {
    if meta.time_us.is_some() {
        return None;
    }
    if let Some((level, inner)) = prefix::decoded_level(rest).or_else(|| prefix::angle_level(rest)) {
        meta.level = Some(level);
        return Some(inner.strip_prefix(' ').filter(|inner| inner.starts_with('[')).unwrap_or(inner));
    }
    if let Some((stamp, inner)) = prefix::stamp(rest) {
        return Some(behind_stamp(stamp, inner, meta));
    }
    if let Some(inner) = prefix::logcat(rest) {
        meta.wall.get_or_insert_with(|| "".into());
        return Some(inner);
    }
    if let Some((clock, inner)) = prefix::clock(rest).filter(|_| meta.wall.is_none()) {
        meta.wall = Some(clock.into());
        return Some(inner);
    }
    behind_tag(rest, meta)
}

/// Takes a log daemon's tag off, and the caller behind it in a log without times. Messages hold "kernel:" too: without a time it
/// is a tag only in front of the kernel's own prefix, or behind a host's name.
fn behind_tag<'a>(rest: &'a str, meta: &mut Meta) -> Option<&'a str> {
    let inner = prefix::kernel_tag(rest)?;
    if prefix::begins_with_stamp(inner.trim_start()) {
        return Some(inner.trim_start());
    }
    if meta.wall.is_none() && !prefix::begins_with_host(rest) {
        return None;
    }
    let Some((caller, message)) = prefix::caller(inner).filter(|_| meta.caller.is_none()) else {
        return Some(inner);
    };
    meta.caller = Some(caller);
    Some(message.strip_prefix(' ').unwrap_or(message))
}

/// Keeps a time, and takes off what goes with it: the caller id, a log daemon's tag, and the one blank before the
/// message.
fn behind_stamp<'a>(stamp: Stamp<'_>, inner: &'a str, meta: &mut Meta) -> &'a str {
    match stamp {
        Stamp::Boot(us) => meta.time_us = Some(us),
        Stamp::Wall(text) => meta.wall = Some(text.into()),
        Stamp::Delta => {
            meta.wall.get_or_insert_with(|| "".into());
        }
    }
    let mut rest = inner;
    let unpadded = rest.strip_prefix(' ').unwrap_or(rest);
    // The last of several times is the kernel's own.
    match prefix::stamp(unpadded) {
        Some(_) if meta.time_us.is_none() => return unpadded,
        Some((stamp @ Stamp::Boot(_), inner)) => return behind_stamp(stamp, inner, meta),
        _ if prefix::begins_with_stamp(unpadded) => return unpadded,
        _ => {}
    }
    let own = prefix::caller(rest);
    if let Some((caller, inner)) =
        own.or_else(|| prefix::device_caller(rest).filter(|_| meta.time_us.is_some()))
    {
        meta.caller = Some(caller);
        rest = inner;
    }
    rest = rest.strip_prefix(' ').unwrap_or(rest);
    prefix::kernel_tag(rest).unwrap_or(rest)
}

fn unquoted(line: &str) -> &str {
    let mut rest = line;
    while let Some(inner) = prefix::quote(rest) {
        rest = inner;
    }
    rest
}

/// Commit messages and mails indent the logs that they show.
fn unindented(line: &str) -> &str {
    let inner = line.trim_start();
    let shifted =
        inner.len() < line.len() && inner.starts_with(['[', '<']) && prefix::begins_with_stamp(inner);
    if shifted { inner } else { line }
}

#[cfg(test)]
mod tests {
    use super::super::Caller;
    use super::*;

    fn parts(line: &str) -> (Option<u64>, Option<Caller>, Option<u8>, String) {
        let line = parse_text(1, line);
        (line.meta.time_us, line.meta.caller, line.meta.level, line.text)
    }

    #[test]
    fn dmesg_and_consoles() {
        let us = Some(132_583_381);
        assert_eq!(parts("[  132.583381] hello"), (us, None, None, "hello".into()));
        assert_eq!(parts("<4>[  132.583381]  <TASK>"), (us, None, Some(4), " <TASK>".into()));
        assert_eq!(parts("[  132.583381][   T42] hello"), (us, Some(Caller::Task(42)), None, "hello".into()));
        assert_eq!(
            parts("[  132.583381] [      C1] hello"),
            (us, Some(Caller::Cpu(1)), None, "hello".into())
        );
        assert_eq!(parts("[  132.583381 <    0.000001>] hello"), (us, None, None, "hello".into()));
        assert_eq!(parts("kern  :warn  : [  132.583381] hello"), (us, None, Some(4), "hello".into()));
        assert_eq!(parts("<4> [132.583381] hello"), (us, None, Some(4), "hello".into()));
        assert_eq!(parts("  [  132.583381] hello"), (us, None, None, "hello".into()));
        assert_eq!(parts("host login: [  132.583381] hello"), (us, None, None, "hello".into()));
        assert_eq!(parts("[   12.5] hello"), (None, None, None, "[   12.5] hello".into()));
    }

    #[test]
    fn wall_clock_forms() {
        for line in [
            "[Mon Nov 14 12:34:56 2026] hello",
            "[Nov14 12:34] hello",
            "[  +0.000012] hello",
            "2026-11-14T12:34:56,123456+00:00 hello",
            "Nov 14 12:34:56 host kernel: hello",
            "2026-11-14T12:34:56+00:00 host kernel: hello",
            "Nov 14 12:34:56 host kernel: [   T7] hello",
        ] {
            let parsed = parse_text(1, line);
            assert_eq!((parsed.text.as_str(), parsed.meta.time_us), ("hello", None), "{line}");
            assert!(!parsed.meta.bare, "{line}");
        }
    }

    #[test]
    fn daemons_keep_the_kernels_own_prefix() {
        let us = Some(132_583_381);
        let caller = Some(Caller::Task(7));
        let syslog = "Nov 14 12:34:56 host kernel: [  132.583381][    T7] hello";
        assert_eq!(parts(syslog), (us, caller, None, "hello".into()));
        assert_eq!(parts("[  132.583381] host kernel: hello"), (us, None, None, "hello".into()));
        assert_eq!(parts("> > [  132.583381][    T7] hello"), (us, caller, None, "hello".into()));
    }

    #[test]
    fn a_hosts_name_may_stand_without_a_time() {
        assert_eq!(parts("my-host.lan kernel: hello"), (None, None, None, "hello".into()));
        let caller = Some(Caller::Task(7));
        assert_eq!(parts("host kernel: [     T7] hello"), (None, caller, None, "hello".into()));
        for line in ["kernel: hello", "foo: kernel: hello", "I see in the kernel: hello"] {
            assert_eq!(parts(line).3, line);
        }
    }

    #[test]
    fn a_line_without_prefix_is_bare() {
        let line = parse_text(3, "               but task is already holding lock:");
        assert!(line.meta.bare);
        assert_eq!(line.text.trim(), "but task is already holding lock:");
        // The host's name tells neither the time nor the caller.
        assert!(parse_text(3, "host kernel:                -> #1 (&x){+.+.}-{0:0}:").meta.bare);
        assert!(!parse_text(3, "host kernel: [    T7] hello").meta.bare);
    }
}
