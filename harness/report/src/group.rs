//! Many things said in few words: cases by what they share, reasons by how often they were given.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::text::line;

/// At most `most` groups of ids: `atomic/flip @bochs @qxl`, `kunit/drm_mm`.
pub(crate) fn by_case<'a>(ids: impl IntoIterator<Item = &'a str>, most: usize) -> Vec<String> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for id in ids {
        let (case, devices) = id.split_once('@').unwrap_or((id, ""));
        match groups.iter_mut().find(|group| group.0 == case) {
            Some(group) => group.1.push(devices),
            None => groups.push((case, vec![devices])),
        }
    }
    let left_out: usize = groups.iter().skip(most).map(|group| group.1.len()).sum();
    let mut said: Vec<_> =
        groups.into_iter().take(most).map(|(case, devices)| said(case, &devices)).collect();
    if left_out > 0 {
        said.push(format!("and {left_out} more"));
    }
    said
}

fn said(case: &str, devices: &[&str]) -> String {
    let case = line(case);
    // One id stays as it is, so that it can be copied.
    if let [one] = devices {
        return if one.is_empty() { case.into_owned() } else { format!("{case}@{}", line(one)) };
    }
    let devices =
        devices.iter().filter(|devices| !devices.is_empty()).map(|devices| format!(" @{}", line(devices)));
    format!("{case}{}", devices.collect::<String>())
}

/// A reason that several cases gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reason<'a> {
    /// The reason, each case's own devices named `<device>` where several devices gave it.
    pub(crate) text: String,
    /// The cases that gave it.
    pub(crate) ids: Vec<&'a str>,
}

/// Reasons, the most frequent first: pairs of a case's id with its devices, and what it said.
pub(crate) fn by_reason<'a>(
    given: impl IntoIterator<Item = (&'a str, &'a [String], String)>,
) -> Vec<Reason<'a>> {
    let mut folded: Vec<(String, String, Vec<&str>)> = Vec::new();
    let mut index = HashMap::new();
    for (id, devices, reason) in given {
        let key = without(&reason, devices);
        let at = *index.entry(key.clone()).or_insert_with(|| {
            folded.push((key, reason, Vec::new()));
            folded.len() - 1
        });
        folded[at].2.push(id);
    }
    folded.sort_by_key(|(_, _, ids)| Reverse(ids.len()));
    folded
        .into_iter()
        .map(|(key, first, ids)| Reason { text: if ids.len() == 1 { first } else { key }, ids })
        .collect()
}

/// The reason without the names of the case's own devices, longest name first: `vgem` may begin `vgem-2`.
fn without(reason: &str, devices: &[String]) -> String {
    let mut names: Vec<_> = devices.iter().filter(|name| !name.is_empty()).collect();
    names.sort_by_key(|name| Reverse(name.len()));
    names.iter().fold(reason.to_owned(), |text, name| replace_word(&text, name, "<device>"))
}

/// Replaces a name where it is a word of its own.
fn replace_word(text: &str, word: &str, by: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, from) = rest.split_at(at);
        let after = &from[word.len()..];
        let alone = !out.chars().chain(before.chars()).next_back().is_some_and(is_part)
            && !after.chars().next().is_some_and(is_part);
        out.push_str(before);
        out.push_str(if alone { by } else { word });
        rest = after;
    }
    out + rest
}

/// Numbers in order as ranges: `1 to 3, 5`.
pub(crate) fn ranges(numbers: &[u32]) -> String {
    // Machines side by side come up and go down in any order.
    let mut numbers = numbers.to_vec();
    numbers.sort_unstable();
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some(range) if range.1.checked_add(1) == Some(number) => range.1 = number,
            _ => ranges.push((number, number)),
        }
    }
    let said =
        ranges.iter().map(|(from, to)| if from == to { from.to_string() } else { format!("{from} to {to}") });
    said.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_said_once_for_many_devices() {
        let ids = ["a/x@vkms", "a/x@qxl", "a/y@vgem+vkms", "k/z", "a/w@bochs"];
        assert_eq!(by_case(ids, 3), ["a/x @vkms @qxl", "a/y@vgem+vkms", "k/z", "and 1 more"]);
    }

    #[test]
    fn reasons_fold_over_devices() {
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (vkms, bochs) = (names(&["vkms"]), names(&["bochs"]));
        let folded = by_reason([
            ("a/x@vkms", vkms.as_slice(), "no vgem".to_owned()),
            ("a/y@vkms", vkms.as_slice(), "vkms has no syncobj (EOPNOTSUPP)".to_owned()),
            ("a/y@bochs", bochs.as_slice(), "bochs has no syncobj (EOPNOTSUPP)".to_owned()),
        ]);
        let said: Vec<_> = folded.iter().map(|reason| (reason.text.as_str(), reason.ids.len())).collect();
        assert_eq!(said, [("<device> has no syncobj (EOPNOTSUPP)", 2), ("no vgem", 1)]);
    }

    #[test]
    fn numbers_in_a_row_are_a_range() {
        assert_eq!(ranges(&[1, 2, 3, 5, 8, 9]), "1 to 3, 5, 8 to 9");
        assert_eq!(ranges(&[u32::MAX]), u32::MAX.to_string());
    }

    #[test]
    fn a_name_inside_another_word_stays() {
        assert_eq!(replace_word("vgem-2 vgem xvgem vgem", "vgem", "D"), "vgem-2 D xvgem D");
    }
}
