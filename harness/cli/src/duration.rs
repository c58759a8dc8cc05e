//! Durations as people write them: `90`, `30s`, `45m`, `2h`.

use std::time::Duration;

/// Reads one.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.find(|c: char| !c.is_ascii_digit()) {
        Some(at) => text.split_at(at),
        None => (text, "s"),
    };
    let scale = match unit {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(format!("`{unit}` is no unit of time; s, m, h and d are")),
    };
    let number: u64 = number.parse().map_err(|_| "expected a number and s, m, h or d, as 30m".to_owned())?;
    let seconds = number.checked_mul(scale).filter(|s| (1..=31 * 86_400).contains(s));
    seconds.map(Duration::from_secs).ok_or_else(|| "expected something between 1s and 31d".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_and_without_units() {
        assert_eq!(parse("90"), Ok(Duration::from_secs(90)));
        assert_eq!(parse("2h"), Ok(Duration::from_secs(7200)));
        for bad in ["", "h", "0", "1y", "-1", "99999999d", "1.5h"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
