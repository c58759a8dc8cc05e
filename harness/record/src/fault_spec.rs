//! Faults as the command line gives them: `delay=50us@1%,eintr@0.1%,seed=7`.

use fencelab_abi::fault::Faults;

/// Why a list of faults cannot be understood. Each names the item.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultError {
    /// No such fault.
    #[error(
        "`{0}` is no fault: there are delay=TIME@RATE, eintr@RATE, etime@RATE, drop@RATE and seed=NUMBER"
    )]
    Unknown(String),
    /// A fault without how often.
    #[error("`{0}` does not say how often: add @ and a rate, as in {0}@1%")]
    NoRate(String),
    /// A rate that is none.
    #[error("`{rate}` in `{item}` is no rate: it is a percentage from 0.0001% to 100%")]
    Rate {
        /// The whole item.
        item: String,
        /// Its rate.
        rate: String,
    },
    /// A delay without a time, or with one that is none.
    #[error("`{0}` has no time: a delay is a number with ns, us, ms or s, at most 4 s, as in delay=50us@1%")]
    Time(String),
    /// A seed that is no number.
    #[error("`{0}` is no seed: it is a number from 0 to 18446744073709551615")]
    Seed(String),
    /// The same fault twice.
    #[error("`{0}` is given twice")]
    Twice(String),
}

/// Reads a list of faults, items separated by commas. Rates are percentages of the calls that a fault can hit.
///
/// # Errors
///
/// See [`FaultError`].
pub fn parse_faults(text: &str) -> Result<Faults, FaultError> {
    let mut faults = Faults::default();
    let mut seen: Vec<&str> = Vec::new();
    for item in text.split(',').map(str::trim) {
        let name = item.split(['=', '@']).next().unwrap_or_default();
        if seen.contains(&name) {
            return Err(FaultError::Twice(name.to_owned()));
        }
        seen.push(name);
        add(&mut faults, item, name)?;
    }
    Ok(faults)
}

fn add(faults: &mut Faults, item: &str, name: &str) -> Result<(), FaultError> {
    let rest = &item[name.len()..];
    match name {
        "seed" => faults.seed = seed(item, rest)?,
        "delay" => {
            let (time, rate) = rest.split_once('@').ok_or_else(|| FaultError::NoRate(item.to_owned()))?;
            let time = time.strip_prefix('=').ok_or_else(|| FaultError::Time(item.to_owned()))?;
            faults.delay_ns = nanoseconds(time).ok_or_else(|| FaultError::Time(item.to_owned()))?;
            faults.delay_ppm = ppm(item, rate)?;
        }
        "eintr" => faults.eintr_ppm = rate_of(item, rest)?,
        "etime" => faults.etime_ppm = rate_of(item, rest)?,
        "drop" => faults.drop_ppm = rate_of(item, rest)?,
        _ => return Err(FaultError::Unknown(item.to_owned())),
    }
    Ok(())
}

fn seed(item: &str, rest: &str) -> Result<u64, FaultError> {
    let number = rest.strip_prefix('=').and_then(|number| number.parse().ok());
    number.ok_or_else(|| FaultError::Seed(item.to_owned()))
}

/// The rate of a fault that has nothing else.
fn rate_of(item: &str, rest: &str) -> Result<u32, FaultError> {
    if rest.is_empty() {
        return Err(FaultError::NoRate(item.to_owned()));
    }
    let rate = rest.strip_prefix('@').ok_or_else(|| FaultError::Unknown(item.to_owned()))?;
    ppm(item, rate)
}

/// Parts in a million of a percentage.
fn ppm(item: &str, rate: &str) -> Result<u32, FaultError> {
    const LEAST: f64 = 0.0001;
    let percent = rate.strip_suffix('%').and_then(|number| number.parse::<f64>().ok());
    match percent {
        Some(percent) if (LEAST..=100.0).contains(&percent) => Ok((percent * 10_000.0).round() as u32),
        _ => Err(FaultError::Rate { item: item.to_owned(), rate: rate.to_owned() }),
    }
}

/// A time with its unit; none that 32 bits of nanoseconds do not hold.
fn nanoseconds(text: &str) -> Option<u32> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "ns" => 1,
        "us" | "µs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        _ => return None,
    };
    u32::try_from(number.parse::<u64>().ok()?.checked_mul(unit)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_at_once() {
        let faults = parse_faults("delay=50us@1%,eintr@0.1%, etime@100%,drop@0.0001%,seed=7").unwrap();
        let expected = Faults {
            seed: 7,
            delay_ppm: 10_000,
            delay_ns: 50_000,
            eintr_ppm: 1_000,
            etime_ppm: 1_000_000,
            drop_ppm: 1,
            reserved: 0,
        };
        assert_eq!(faults, expected);
    }

    #[test]
    fn mistakes_are_told_by_item() {
        let words = |text| parse_faults(text).unwrap_err().to_string();
        assert!(words("eintr@1%,nonsense@1%").starts_with("`nonsense@1%` is no fault"));
        assert!(words("").starts_with("`` is no fault"));
        assert!(words("eintr").starts_with("`eintr` does not say how often"));
        assert!(words("eintr=3@1%").starts_with("`eintr=3@1%` is no fault"));
        assert!(words("drop@3").starts_with("`3` in `drop@3` is no rate"));
        assert!(words("drop@101%").starts_with("`101%` in `drop@101%` is no rate"));
        assert!(words("drop@NaN%").starts_with("`NaN%` in `drop@NaN%` is no rate"));
        assert!(words("drop@0%").starts_with("`0%` in `drop@0%` is no rate"));
        assert!(words("delay=50us").starts_with("`delay=50us` does not say how often"));
        assert!(words("delay@1%").starts_with("`delay@1%` has no time"));
        assert!(words("delay=5m@1%").starts_with("`delay=5m@1%` has no time"));
        assert!(words("delay=5s@1%").starts_with("`delay=5s@1%` has no time"));
        assert!(words("seed=x").starts_with("`seed=x` is no seed"));
        assert_eq!(words("drop@1%,drop@2%"), "`drop` is given twice");
    }
}
