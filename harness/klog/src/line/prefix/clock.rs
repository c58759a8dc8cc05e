//! Wall-clock times without brackets: syslog, journalctl(1), serial loggers.

/// A wall-clock time at the start of a line, with the blanks behind it:
/// `Nov 14 12:34:56`, `Nov 14 12:34:56.123456`, `Sat 2026-11-14 12:34:56 UTC`, `2026-11-14 12:34:56.123`,
/// `2026-11-14T12:34:56,123456+00:00`, `26-11-14 12:34:56`, `12:34:56.123`, and `1763123696.123456` of the epoch.
pub(in crate::line) fn clock(line: &str) -> Option<(&str, &str)> {
    // The version in front of an RFC 5424 header.
    let line = line.strip_prefix("1 ").filter(|rest| dated(rest).is_some()).unwrap_or(line);
    let length = syslog(line).or_else(|| dated(line)).or_else(|| time(line)).or_else(|| epoch(line))?;
    let (clock, rest) = line.split_at_checked(length)?;
    if !rest.is_empty() && !rest.starts_with([' ', '\t', ':', ']']) {
        return None;
    }
    Some((clock, rest.trim_start()))
}

/// `Nov 14 12:34:56`, with a fraction or not.
fn syslog(line: &str) -> Option<usize> {
    let date = line.get(..7)?.as_bytes();
    let day = |byte: u8| byte == b' ' || byte.is_ascii_digit();
    let dated =
        is_month(line.get(..3)?) && date[3] == b' ' && day(date[4]) && day(date[5]) && date[6] == b' ';
    dated.then(|| time(line.get(7..)?).map(|length| 7 + length)).flatten()
}

/// An ISO date and a time, behind a weekday or not, a zone behind it or not.
fn dated(line: &str) -> Option<usize> {
    let weekday = if is_weekday(line.get(..3)?) && line.as_bytes().get(3) == Some(&b' ') { 4 } else { 0 };
    let date = weekday + date(line.get(weekday..)?)?;
    let at = date + usize::from(matches!(line.as_bytes().get(date)?, b'T' | b' ' | b'_'));
    let end = at + time(line.get(at..)?).filter(|_| at > date)?;
    Some(end + zone(line.get(end..)?))
}

/// `2026-11-14` or `26-11-14`.
fn date(text: &str) -> Option<usize> {
    let year = text.bytes().take_while(u8::is_ascii_digit).count();
    let bytes = text.as_bytes().get(year..year + 6)?;
    let fits = matches!(year, 2 | 4)
        && bytes
            .iter()
            .enumerate()
            .all(|(at, b)| if at % 3 == 0 { matches!(b, b'-' | b'/') } else { b.is_ascii_digit() });
    fits.then_some(year + 6)
}

/// `12:34:56`, with a fraction behind a point or a comma or not.
fn time(text: &str) -> Option<usize> {
    let bytes = text.as_bytes().get(..8)?;
    let fits =
        bytes.iter().enumerate().all(|(at, b)| if at % 3 == 2 { *b == b':' } else { b.is_ascii_digit() });
    if !fits {
        return None;
    }
    let fraction = match text.as_bytes().get(8) {
        Some(b'.' | b',') => 1 + text.bytes().skip(9).take_while(u8::is_ascii_digit).count(),
        _ => 0,
    };
    Some(8 + fraction.min(10))
}

/// `Z`, `+00:00`, `+0000`, ` UTC`.
fn zone(text: &str) -> usize {
    if text.starts_with('Z') {
        return 1;
    }
    if let Some(offset) = text.strip_prefix(['+', '-']) {
        return 1 + offset.bytes().take_while(|b| b.is_ascii_digit() || *b == b':').count();
    }
    let name =
        text.strip_prefix(' ').map_or(0, |rest| rest.bytes().take_while(u8::is_ascii_uppercase).count());
    if (3..=4).contains(&name) && text.as_bytes().get(1 + name) == Some(&b' ') { 1 + name } else { 0 }
}

/// Seconds since 1970, as `journalctl -o short-unix` prints them.
fn epoch(text: &str) -> Option<usize> {
    let whole = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = text.get(whole..)?.strip_prefix('.')?;
    let fraction = rest.bytes().take_while(u8::is_ascii_digit).count();
    (whole == 10 && (3..=9).contains(&fraction)).then_some(whole + 1 + fraction)
}

fn is_weekday(word: &str) -> bool {
    ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].contains(&word)
}

fn is_month(word: &str) -> bool {
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"].contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks() {
        for line in [
            "Nov 14 12:34:56 x",
            "Nov  4 12:34:56.123456 x",
            "Sat 2026-11-14 12:34:56 UTC x",
            "2026-11-14 12:34:56.123 x",
            "2026-11-14T12:34:56,123456+00:00 x",
            "2026-11-14T12:34:56Z x",
            "26-11-14 12:34:56 x",
            "12:34:56.123 x",
            "1763123696.123456 x",
        ] {
            assert_eq!(clock(line).map(|(_, rest)| rest), Some("x"), "{line}");
        }
        for line in ["", "Nov 14", "12:34 x", "2026-11-14 x", "12:34:567 x", "0000:03:00.0: x", "123.456 x"] {
            assert_eq!(clock(line), None, "{line}");
        }
    }
}
