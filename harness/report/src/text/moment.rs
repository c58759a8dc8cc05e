//! Times as people write them.

use junit_report::OffsetDateTime;

/// `2026-05-01 03:12:44 UTC`, from milliseconds since 1970.
pub(crate) fn date(ms: u64) -> String {
    let when = moment(ms);
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC",
        when.year(),
        u8::from(when.month()),
        when.day(),
        when.hour(),
        when.minute(),
        when.second()
    )
}

/// The moment, from milliseconds since 1970; the epoch where the clock was beyond all reason.
pub(crate) fn moment(ms: u64) -> OffsetDateTime {
    i64::try_from(ms / 1000)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// `12 ms`, `3.4 s`, `2 min 05 s`, `1 h 02 min`, from microseconds.
pub(crate) fn span(us: u64) -> String {
    let seconds = us / 1_000_000;
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{} ms", us / 1000),
        1_000_000..60_000_000 => format!("{seconds}.{} s", us / 100_000 % 10),
        60_000_000..3_600_000_000 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// `0.012345`: seconds for machines, from microseconds.
pub(crate) fn seconds(us: u64) -> String {
    format!("{}.{:06}", us / 1_000_000, us % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(date(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(date(1_777_605_164_999), "2026-05-01 03:12:44 UTC");
        assert_eq!(date(u64::MAX), "1970-01-01 00:00:00 UTC");
    }

    #[test]
    fn spans() {
        let words = [999, 12_999, 3_450_000, 125_000_000, 3_725_000_000].map(span);
        assert_eq!(words, ["999 µs", "12 ms", "3.4 s", "2 min 05 s", "1 h 02 min"]);
        assert_eq!(seconds(12_345), "0.012345");
    }
}
