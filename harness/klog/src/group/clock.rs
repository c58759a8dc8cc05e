//! Wall-clock times as logs print them, made comparable.

/// A moment of the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    /// Syslog's own form has no year: such times compare with each other alone, as those of one year.
    pub(super) has_year: bool,
    /// Microseconds since 1970, in UTC where the zone is known.
    pub(super) micros: i64,
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const SECOND: i64 = 1_000_000;

impl Moment {
    /// Reads `2026-11-14T12:34:56,123456+00:00`, `Sat 2026-11-14 12:34:56 UTC`, `1763123696.123456`, `Mon Nov 14 12:34:56 2026`,
    /// `Nov 14 12:34:56` and `Nov14 12:34`. A time without a date tells no order, nor does a month in another language.
    pub(super) fn parse(text: &str) -> Option<Moment> {
        let text = text.trim();
        epoch(text).or_else(|| iso(text)).or_else(|| named_month(text))
    }

    fn new(year: Option<i64>, month: i64, day: i64, micros: i64) -> Option<Moment> {
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) || year.is_some_and(|year| year > 9999) {
            return None;
        }
        // Any leap year has a place for the 29th of February.
        let days = days_since_1970(year.unwrap_or(2000), month, day);
        Some(Moment { has_year: year.is_some(), micros: days * 86_400 * SECOND + micros })
    }
}

fn epoch(text: &str) -> Option<Moment> {
    let (whole, fraction) = text.split_once('.')?;
    let seconds: i64 = whole.parse().ok().filter(|_| whole.len() == 10)?;
    Some(Moment { has_year: true, micros: seconds * SECOND + fraction_micros(fraction)? })
}

/// A date in numbers, perhaps behind a weekday.
fn iso(text: &str) -> Option<Moment> {
    let text = text.split_once(' ').filter(|(first, _)| first.len() == 3).map_or(text, |(_, rest)| rest);
    let date_end = text.find(['T', ' ', '_'])?;
    let (date, rest) = (text.get(..date_end)?, text.get(date_end + 1..)?);
    let mut numbers = date.split(['-', '/']).map(|number| number.parse::<i64>().ok());
    let (year, month, day) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let year = if year < 100 { year + 2000 } else { year };
    let time_end = rest.find(|c: char| !c.is_ascii_digit() && !":.,".contains(c)).unwrap_or(rest.len());
    let (time, zone) = rest.split_at(time_end);
    Moment::new(Some(year), month, day, time_micros(time)? - zone_seconds(zone.trim()) * SECOND)
}

/// `Mon Nov 14 12:34:56 UTC 2026`, `Nov 14 12:34:56`, `Nov14 12:34`
fn named_month(text: &str) -> Option<Moment> {
    let at = MONTHS.iter().filter_map(|month| text.find(month)).min()?;
    let month = MONTHS.iter().position(|month| text[at..].starts_with(month))? as i64 + 1;
    let mut words = text[at + 3..].split_ascii_whitespace();
    let day: i64 = words.next()?.parse().ok()?;
    let time = time_micros(words.next()?)?;
    let year = words.last().and_then(|year| year.parse().ok()).filter(|year| *year > 1970);
    Moment::new(year, month, day, time)
}

/// `12:34:56.123456`; the seconds may be missing.
fn time_micros(text: &str) -> Option<i64> {
    let (clock, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let mut seconds = 0;
    for (part, worth) in clock.split(':').zip([3600, 60, 1]) {
        seconds += part.parse::<i64>().ok().filter(|part| (0..=60).contains(part))? * worth;
    }
    clock.contains(':').then_some(seconds * SECOND + fraction_micros(fraction)?)
}

fn fraction_micros(digits: &str) -> Option<i64> {
    if digits.is_empty() {
        return Some(0);
    }
    format!("{digits:0<6}").get(..6)?.parse().ok()
}

/// How far `+01:00`, `-0500` are ahead of UTC. A name says it for one place alone, and counts as none.
fn zone_seconds(text: &str) -> i64 {
    let sign = match text.as_bytes().first() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return 0,
    };
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let number = |range| digits.get(range).and_then(|digits: &str| digits.parse::<i64>().ok()).unwrap_or(0);
    sign * (number(0..2) * 3600 + number(2..4) * 60)
}

/// Days of the Gregorian calendar, counted in years that begin with March.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 719_469
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_one_moment() {
        let expected = Some(Moment { has_year: true, micros: 1_794_659_696_000_000 });
        for text in [
            "2026-11-14T12:34:56+00:00",
            "2026-11-14T13:34:56,000000+01:00",
            "2026-11-14 07:34:56.000-0500",
            "2026-11-14T12:34:56Z",
            "Sat 2026-11-14 12:34:56 UTC",
            "26-11-14 12:34:56",
            "2026/11/14_12:34:56",
            "Sat Nov 14 12:34:56 2026",
            "Sat Nov 14 12:34:56 UTC 2026",
            "1794659696.000000",
        ] {
            assert_eq!(Moment::parse(text), expected, "{text}");
        }
        assert_eq!(Moment::parse("1970-01-01T00:00:00"), Some(Moment { has_year: true, micros: 0 }));
    }

    #[test]
    fn times_without_a_year_have_an_order_too() {
        let micros = |text| Moment::parse(text).filter(|moment| !moment.has_year).unwrap().micros;
        assert!(micros("Nov 14 12:34:56") < micros("Nov 14 12:34:56.5"));
        assert!(micros("Nov 14 12:34:56") > micros("Nov  4 23:59:59"));
        assert_eq!(micros("Nov14 12:34"), micros("Nov 14 12:34:00"));
    }

    #[test]
    fn what_tells_no_order() {
        for text in [
            "",
            "12:34:56",
            "12:34:56.123",
            "Mon Okt 14 12:34:56 2026",
            "2026-13-14 12:34:56",
            "Nov 14",
            "x.y",
        ] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }
}
