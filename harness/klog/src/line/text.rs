//! Lines of a text log: dmesg, serial console, pstore, journalctl, syslog, and all of them quoted in a mail.

use super::prefix::{self, Stamp};
use super::{Line, Meta};

/// Parses one line of text that [`super::clean`] has been over.
pub(crate) fn parse_text(number: u64, line: &str) -> Line {
    let mut meta = Meta::default();
    let mut message = strip(line, &mut meta);
    if let Some(kernel) = prefix::after_console_text(message).filter(|_| meta == Meta::default()) {
        message = strip(kernel, &mut meta);
    }
    meta.bare = message.len() == line.len();
    Line { number, meta, text: message.to_owned() }
}

/// Takes everything off the front that is not the message, and keeps what it says.
fn strip<'a>(line: &'a str, meta: &mut Meta) -> &'a str {
    let mut rest = line;
    while let Some(inner) = prefix::quote(rest) {
        rest = inner;
    }
    // Commit messages and mails indent the logs that they show.
    let unindented = rest.trim_start();
    if unindented.len() < rest.len()
        && unindented.starts_with(['[', '<'])
        && prefix::begins_with_stamp(unindented)
    {
        rest = unindented;
    }
    if let Some((level, inner)) = prefix::decoded_level(rest) {
        meta.level = Some(level);
        rest = inner;
    }
    rest = outer_stamps(rest, meta);
    if let Some((level, inner)) = prefix::angle_level(rest) {
        meta.level = Some(level);
        rest = inner.strip_prefix(' ').filter(|inner| inner.starts_with('[')).unwrap_or(inner);
    }
    rest = stamps(rest, meta);
    if meta.time_us.is_some() || meta.wall.is_some() {
        rest = after_stamp(rest, meta);
    }
    rest
}

/// What a log daemon or a serial logger put in front of the kernel's own prefix.
fn outer_stamps<'a>(line: &'a str, meta: &mut Meta) -> &'a str {
    let mut rest = line;
    if let Some((date, inner)) = prefix::syslog_date(rest) {
        meta.wall = Some(date.into());
        rest = inner;
    } else if !rest.starts_with('[') {
        rest = stamps(rest, meta);
    }
    prefix::kernel_tag(rest).unwrap_or(rest)
}

/// One or more time stamps, such as `[Nov14 12:34] [  +0.000012]` or a wall-clock time and then the time since boot.
fn stamps<'a>(line: &'a str, meta: &mut Meta) -> &'a str {
    let mut rest = line;
    while let Some((stamp, inner)) =
        prefix::stamp(rest.strip_prefix(' ').filter(|_| rest.len() < line.len()).unwrap_or(rest))
    {
        match stamp {
            // A second time since boot is part of the message.
            Stamp::Boot(_) if meta.time_us.is_some() => break,
            Stamp::Boot(us) => meta.time_us = Some(us),
            Stamp::Wall(text) => meta.wall = Some(text.into()),
            Stamp::Delta => {
                meta.wall.get_or_insert_with(|| "".into());
            }
        }
        rest = inner;
    }
    rest
}

/// The caller id, a log daemon's tag, and the one blank before the message.
fn after_stamp<'a>(line: &'a str, meta: &mut Meta) -> &'a str {
    let mut rest = line;
    if let Some((caller, inner)) = prefix::caller(rest) {
        meta.caller = Some(caller);
        rest = inner;
    }
    rest = rest.strip_prefix(' ').unwrap_or(rest);
    prefix::kernel_tag(rest).unwrap_or(rest)
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
    fn a_line_without_prefix_is_bare() {
        let line = parse_text(3, "               but task is already holding lock:");
        assert!(line.meta.bare);
        assert_eq!(line.text.trim(), "but task is already holding lock:");
    }
}
