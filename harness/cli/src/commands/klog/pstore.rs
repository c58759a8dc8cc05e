//! Crash dumps of pstore: a dump's parts are files of one folder, and together they are one log.
//!
//! A record's file is `dmesg-BACKEND-ID` (`pstore_mkfile`, fs/pstore/inode.c); what it is a part of stands in its first line
//! (`pstore_dump`, fs/pstore/platform.c).

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use super::input::Input;

/// The parts of one dump, the oldest lines first.
#[derive(Clone)]
pub(super) struct Dump {
    /// `/sys/fs/pstore/dmesg-efi Panic#1`
    name: String,
    parts: Vec<(u32, PathBuf)>,
}

/// The same for all parts of a dump: folder, backend, when, `Panic#1`.
type Key = (PathBuf, String, u64, String);

/// What a part's name and first line say.
struct Part {
    dump: Key,
    number: u32,
}

impl Dump {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn bytes(&self) -> u64 {
        self.parts.iter().filter_map(|(_, path)| path.metadata().ok()).map(|meta| meta.len()).sum()
    }

    /// All parts as one stream.
    pub(super) fn open(&self) -> io::Result<Box<dyn Read>> {
        let mut all: Box<dyn Read> = Box::new(io::empty());
        for (_, path) in &self.parts {
            let named =
                |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
            all = Box::new(all.chain(File::open(path).map_err(named)?).chain(Cursor::new(b"\n")));
        }
        Ok(all)
    }
}

/// Puts the parts of each dump together, in the place of the first of them. A part that is there twice may be of another boot:
/// such files are left alone.
pub(super) fn join(inputs: Vec<Input>) -> Vec<Input> {
    let parts: Vec<Option<Part>> = inputs.iter().map(part).collect();
    let mut members: HashMap<&Key, Vec<usize>> = HashMap::new();
    for (at, part) in parts.iter().enumerate() {
        if let Some(part) = part {
            members.entry(&part.dump).or_default().push(at);
        }
    }
    let of_dump = |at: usize| parts[at].as_ref().and_then(|part| members.get(&part.dump));
    let mut joined = Vec::new();
    for (at, input) in inputs.iter().enumerate() {
        match of_dump(at).and_then(|members| Some((members.first()?, dump(members, &parts, &inputs)?))) {
            Some((first, dump)) if *first == at => joined.push(Input::Dump(dump)),
            Some(_) => {}
            None => joined.push(input.clone()),
        }
    }
    joined
}

/// The dump of these parts, if they are several, each there once.
fn dump(members: &[usize], parts: &[Option<Part>], inputs: &[Input]) -> Option<Dump> {
    let mut found: Vec<(u32, PathBuf)> = members
        .iter()
        .filter_map(|at| Some((parts[*at].as_ref()?.number, inputs[*at].path()?.to_owned())))
        .collect();
    found.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    let twice = found.windows(2).any(|pair| pair[0].0 == pair[1].0);
    let (folder, backend, _, reason) = &parts[*members.first()?].as_ref()?.dump;
    let name = format!("{} {reason}", folder.join(format!("dmesg-{backend}")).display());
    (found.len() > 1 && !twice).then_some(Dump { name, parts: found })
}

fn part(input: &Input) -> Option<Part> {
    let path = input.path()?;
    let (backend, id) = path.file_name()?.to_str()?.strip_prefix("dmesg-")?.rsplit_once('-')?;
    let id: u64 = id.parse().ok()?;
    let (reason, number) = header(path)?;
    // `generic_id`, drivers/firmware/efi/efi-pstore.c: time, two digits of the part, three of the count.
    let when = if backend.starts_with("efi") { id / 100_000 } else { 0 };
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    Some(Part { dump: (folder, backend.to_owned(), when, reason), number })
}

/// `Panic#1` and 2 of a file that begins with `Panic#1 Part2`.
pub(super) fn header(path: &Path) -> Option<(String, u32)> {
    let mut line = Vec::new();
    BufReader::new(File::open(path).ok()?).take(64).read_until(b'\n', &mut line).ok()?;
    let line = String::from_utf8(line).ok()?;
    let (reason, number) = line.trim_end().split_once(" Part")?;
    reason.contains('#').then_some((reason.to_owned(), number.parse().ok()?))
}

/// Did the kernel leave this record as it was, because it could not unpack it (`decompress_record`, fs/pstore/platform.c)?
pub(super) fn is_packed(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.starts_with("dmesg-") && name.ends_with(".enc.z")
}
