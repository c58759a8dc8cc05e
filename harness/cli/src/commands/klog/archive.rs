//! What systemd-pstore keeps: a dump's pieces, moved out of /sys/fs/pstore, and beside them `dmesg.txt`, which has them joined
//! (systemd, src/pstore/pstore.c, `append_dmesg`). Each dump counts once.

use std::fs;
use std::path::{Path, PathBuf};

use super::input::Input;
use super::pstore;

/// The name of the joined log.
const JOINED: &str = "dmesg.txt";
/// More than pstore keeps of any dump; what is larger is a log of another kind.
const MOST: u64 = 64 << 20;

/// Leaves out what a `dmesg.txt` in its folder, or in one above, has word for word.
pub(super) fn once(inputs: Vec<Input>) -> Vec<Input> {
    let joined: Vec<(PathBuf, String)> = inputs.iter().filter_map(Input::path).filter_map(joined).collect();
    let held = |input: &Input| {
        let Some(path) = input.path().filter(|path| is_kept(path)) else { return false };
        let above = |(log, _): &&(PathBuf, String)| {
            log != path && log.parent().is_some_and(|folder| path.starts_with(folder))
        };
        let mut above = joined.iter().filter(above).peekable();
        above.peek().is_some() && text(path).is_some_and(|piece| above.any(|(_, log)| log.contains(&piece)))
    };
    inputs.iter().filter(|input| !held(input)).cloned().collect()
}

/// The text of a joined log.
fn joined(path: &Path) -> Option<(PathBuf, String)> {
    let named = path.file_name().is_some_and(|name| name == JOINED);
    if !named {
        return None;
    }
    Some((path.to_owned(), text(path)?))
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
