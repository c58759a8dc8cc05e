//! /proc/lockdep_stats: counters, limits, and whether lockdep is armed (`lockdep_stats_show`).

use std::collections::BTreeMap;

use serde::Serialize;

/// One counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Counter {
    /// Its value.
    pub value: u64,
    /// The size of its table, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
}

/// The counters by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// As the kernel names them, such as `lock-classes`.
    pub counters: BTreeMap<String, Counter>,
}

impl Stats {
    /// Parses the text of /proc/lockdep_stats; lines of another form are left out.
    pub fn parse(text: &str) -> Stats {
        Stats { counters: text.lines().filter_map(counter).collect() }
    }

    /// Is lockdep armed? `None` when the text does not say.
    pub fn armed(&self) -> Option<bool> {
        self.counters.get("debug_locks").map(|counter| counter.value != 0)
    }

    /// Tables that are full to `percent` or more: they will end lockdep soon.
    pub fn nearly_full(&self, percent: u64) -> impl Iterator<Item = (&str, Counter)> {
        self.counters.iter().filter_map(move |(name, counter)| {
            let max = counter.max.filter(|max| *max > 0)?;
            (counter.value.saturating_mul(100) >= max.saturating_mul(percent))
                .then_some((name.as_str(), *counter))
        })
    }
}

/// ` lock-classes:                         1234 [max: 8192]`
fn counter(line: &str) -> Option<(String, Counter)> {
    let (name, rest) = line.trim().split_once(':')?;
    let mut words = rest.split_ascii_whitespace();
    let value = words.next()?.parse().ok()?;
    let max = rest.split_once("[max:").and_then(|(_, max)| max.trim().trim_end_matches(']').parse().ok());
    Some((name.to_owned(), Counter { value, max }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_limits_and_the_switch() {
        let text = " lock-classes:                         1234 [max: 8192]\n debug_locks:                             1\n \
                    stack-trace entries:            524000 [max: 524288]\n noise\n";
        let stats = Stats::parse(text);
        assert_eq!(stats.counters["lock-classes"], Counter { value: 1234, max: Some(8192) });
        assert_eq!(stats.armed(), Some(true));
        assert_eq!(stats.nearly_full(95).map(|(name, _)| name).collect::<Vec<_>>(), ["stack-trace entries"]);
        assert_eq!(Stats::parse("").armed(), None);
    }
}
