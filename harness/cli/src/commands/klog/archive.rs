//! What systemd-pstore keeps: a dump's pieces, moved out of /sys/fs/pstore, and beside them `dmesg.txt`, which has them joined
//! (systemd, src/pstore/pstore.c, `append_dmesg`). Each dump counts once.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::Path;

use super::input::Input;
use super::pstore;

/// The name of the joined log.
const JOINED: &str = "dmesg.txt";
/// More than pstore keeps of any dump; what is larger is a log of another kind.
const MOST: u64 = 64 << 20;

/// Leaves out what a `dmesg.txt` in its folder, or in one above, has word for word.
pub(super) fn once(inputs: Vec<Input>) -> Vec<Input> {
    let mut held = HashSet::new();
    // One at a time: together they may be more than there is memory.
    for (log, pieces) in archives(&inputs) {
        let Some(log) = text(log) else { continue };
        held.extend(pieces.into_iter().filter(|piece| text(piece).is_some_and(|piece| log.contains(&piece))));
    }
    inputs.iter().filter(|input| input.path().is_none_or(|path| !held.contains(path))).cloned().collect()
}

/// Each `dmesg.txt` that has pieces beside or below it, and these. Others call a log so too, such as a runner that keeps one of
/// each test: of those at most the first line is read here.
fn archives(inputs: &[Input]) -> BTreeMap<&Path, Vec<&Path>> {
    let paths = || inputs.iter().filter_map(Input::path);
    let logs: HashMap<&Path, &Path> = paths()
        .filter(|path| path.file_name().is_some_and(|name| name == JOINED))
        .filter_map(|log| Some((log.parent()?, log)))
        .collect();
    let mut archives: BTreeMap<&Path, Vec<&Path>> = BTreeMap::new();
    for path in paths() {
        let above =
            path.ancestors().skip(1).filter_map(|folder| logs.get(folder)).filter(|log| **log != path);
        let mut above = above.peekable();
        if above.peek().is_some() && is_kept(path) {
            above.for_each(|log| archives.entry(log).or_default().push(path));
        }
    }
    archives
}

/// Is it of those that systemd-pstore puts down: a part, or parts joined? Each begins with what it is a part of.
fn is_kept(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    (name.starts_with("dmesg-") || name == JOINED) && pstore::header(path).is_some()
}

/// A file's text. One that cannot be read is left in, so that reading it says why.
fn text(path: &Path) -> Option<String> {
    let small = path.metadata().is_ok_and(|meta| meta.is_file() && meta.len() <= MOST);
    if !small {
        return None;
    }
    fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files of these names and texts in a folder.
    fn inputs(folder: &Path, files: &[(&str, &str)]) -> Vec<Input> {
        let write = |(name, text): &(&str, &str)| {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            Input::File(path)
        };
        files.iter().map(write).collect()
    }

    #[test]
    fn logs_of_that_name_without_pieces_are_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let log = "[    1.000000] Linux version 6.12.0\n";
        let tree = [("dmesg.txt", log), ("1/dmesg.txt", log), ("1/stdout.txt", log), ("2/a/dmesg.txt", log)];
        let inputs = inputs(dir.path(), &tree);
        assert!(archives(&inputs).is_empty());
        assert_eq!(once(inputs).len(), tree.len());
    }

    #[test]
    fn each_archive_has_its_own_pieces() {
        let dir = tempfile::tempdir().unwrap();
        let (part, other) = ("Oops#1 Part1\none\n", "Oops#1 Part1\nother\n");
        let inputs = inputs(
            dir.path(),
            &[
                ("a/001/dmesg-efi-1", part),
                ("a/001/dmesg.txt", part),
                ("a/dmesg-efi-2", part),
                ("a/dmesg.txt", part),
                ("b/dmesg-efi-1", other),
                ("b/dmesg.txt", part),
                ("c/dmesg-efi-1", part),
            ],
        );
        let name = |path: &Path| path.strip_prefix(dir.path()).unwrap().display().to_string();
        let found: Vec<(String, usize)> =
            archives(&inputs).into_iter().map(|(log, pieces)| (name(log), pieces.len())).collect();
        let wanted = [("a/001/dmesg.txt", 1), ("a/dmesg.txt", 3), ("b/dmesg.txt", 1)];
        assert_eq!(found, wanted.map(|(log, pieces)| (log.to_owned(), pieces)));
        let left: Vec<String> = once(inputs).iter().filter_map(Input::path).map(name).collect();
        assert_eq!(left, ["a/dmesg.txt", "b/dmesg-efi-1", "b/dmesg.txt", "c/dmesg-efi-1"]);
    }
}
