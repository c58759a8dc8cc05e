//! The helpers, cut out of one C file.

use std::collections::BTreeSet;

const TEXT: &str = include_str!("runtime.c");

/// A part of the file: `/*@ name: needs these */`, then C.
struct Section {
    name: &'static str,
    needs: Vec<&'static str>,
    body: &'static str,
}

fn all() -> Vec<Section> {
    let parts = TEXT.split("/*@ ").skip(1);
    let section = |part: &'static str| {
        let (head, body) = part.split_once(" */\n").unwrap_or((part, ""));
        let (name, needs) = head.split_once(": ").unwrap_or((head, ""));
        Section { name, needs: needs.split_whitespace().collect(), body }
    };
    parts.map(section).collect()
}

/// Those that are needed, with what they need, in the file's order.
pub(super) fn sections(needs: &BTreeSet<&'static str>) -> String {
    let all = all();
    let mut wanted = needs.clone();
    loop {
        let more: Vec<&str> = all
            .iter()
            .filter(|section| wanted.contains(section.name))
            .flat_map(|section| section.needs.clone())
            .collect();
        let before = wanted.len();
        wanted.extend(more);
        if wanted.len() == before {
            break;
        }
    }
    all.iter().filter(|section| wanted.contains(section.name)).map(|section| section.body).collect()
}

/// The launcher.
pub(super) fn main() -> String {
    all().iter().filter(|section| section.name == "main").map(|section| section.body).collect()
}

/// The name of a helper, as the file has it.
#[cfg(test)]
pub(super) fn known() -> BTreeSet<&'static str> {
    all().iter().map(|section| section.name).collect()
}
