//! The logs to read: files, folders with all that is in them, standard input.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

use super::archive;
use super::pstore::{self, Dump};

/// One log.
#[derive(Clone)]
pub(super) enum Input {
    Stdin,
    File(PathBuf),
    /// A crash dump in parts.
    Dump(Dump),
}

/// Bytes that are read at once.
const PIECE: usize = 256 << 10;
/// Less is read before anybody looks for a bar.
const WORTH_A_BAR: u64 = 200 << 20;

/// The first bytes of compressed files, and what unpacks them.
const COMPRESSED: [(&[u8], &str); 6] = [
    (b"\x1f\x8b", "zcat"),
    (b"\x28\xb5\x2f\xfd", "zstdcat"),
    (b"\xfd7zXZ", "xzcat"),
    (b"BZh", "bzcat"),
    (b"\x04\x22\x4d\x18", "lz4cat"),
    (b"PK\x03\x04", "unzip -p"),
];
/// How text in UTF-16 begins; every second byte of a log is a NUL then.
const UTF_16: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];
/// One byte in so many that no text holds makes a binary. A serial line in trouble leaves fewer.
const TOO_MANY: usize = 10;

/// The logs that these paths stand for, in order, and why some are none. Without paths it is standard input.
pub(super) fn find(paths: &[PathBuf]) -> (Vec<Input>, Vec<anyhow::Error>) {
    let (mut inputs, mut bad) = (Vec::new(), Vec::new());
    for path in paths {
        if super::is_stdin(path) {
            inputs.push(Input::Stdin);
        } else if path.is_dir() {
            walk(path, &mut inputs, &mut bad);
        } else {
            inputs.push(Input::File(path.clone()));
        }
    }
    if paths.is_empty() {
        inputs.push(Input::Stdin);
    }
    (pstore::join(archive::once(inputs)), bad)
}

/// Every file of a folder and of those in it, by name.
fn walk(folder: &Path, inputs: &mut Vec<Input>, bad: &mut Vec<anyhow::Error>) {
    let entries = fs::read_dir(folder).and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
    let mut entries = match entries.with_context(|| format!("list {}", folder.display())) {
        Ok(entries) => entries,
        Err(error) => return bad.push(error),
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&entry.path(), inputs, bad),
            Ok(kind) if kind.is_file() => inputs.push(Input::File(entry.path())),
            // A link may lead out of the folder or round in circles; a pipe may never end.
            Ok(_) => {}
            Err(error) => {
                bad.push(anyhow::Error::new(error).context(format!("look at {}", entry.path().display())))
            }
        }
    }
}

/// Are these first bytes of a log those of a program, a picture or noise?
pub(super) fn is_binary(bytes: &[u8]) -> bool {
    if UTF_16.iter().any(|mark| bytes.starts_with(mark)) {
        return false;
    }
    let text = String::from_utf8_lossy(bytes);
    let odd = |c: &char| *c == '\u{fffd}' || c.is_control() && !"\t\n\r\x08\x0c\x1b".contains(*c);
    text.chars().filter(odd).count() * TOO_MANY > bytes.len()
}

/// A bar over all bytes, where there are many and somebody looks.
pub(super) fn bar(inputs: &[Input], wanted: bool) -> ProgressBar {
    let size = |input: &Input| match input {
        Input::Stdin => 0,
        Input::File(path) => path.metadata().map_or(0, |meta| meta.len()),
        Input::Dump(dump) => dump.bytes(),
    };
    let bytes = inputs.iter().map(size).sum();
    if !wanted || bytes < WORTH_A_BAR {
        return ProgressBar::hidden();
    }
    // Drawn on standard error, and only on a terminal.
    let style = ProgressStyle::with_template("{bytes} of {total_bytes} {wide_bar} {eta}");
    ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// How to read a log that this tool unpacks.
fn compressed(input: &Input, tool: &str) -> String {
    let name = input.name();
    match input {
        Input::Stdin => format!("read {name}: it is compressed; `{tool} FILE | fencelab klog` reads it"),
        Input::File(_) | Input::Dump(_) => {
            format!("read {name}: it is compressed; `{tool} {name} | fencelab klog` reads it")
        }
    }
}

impl Input {
    /// As the user knows it.
    pub(super) fn name(&self) -> String {
        match self {
            Input::Stdin => "standard input".to_owned(),
            Input::File(path) => path.display().to_string(),
            Input::Dump(dump) => dump.name().to_owned(),
        }
    }

    /// The file that it is.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Input::File(path) => Some(path),
            Input::Stdin | Input::Dump(_) => None,
        }
    }

    /// Hands over the log piece by piece, then `None`.
    pub(super) fn read(&self, take: &mut dyn FnMut(Option<&[u8]>) -> Result<()>) -> Result<()> {
        let name = self.name();
        if self.path().is_some_and(pstore::is_packed) {
            bail!("read {name}: it is compressed, and the kernel that reads pstore could not unpack it");
        }
        let mut stream: Box<dyn Read> = match self {
            Input::Stdin => Box::new(io::stdin().lock()),
            Input::File(path) => Box::new(File::open(path).with_context(|| format!("open {name}"))?),
            Input::Dump(dump) => dump.open().context("open a part of a crash dump")?,
        };
        let mut buffer = vec![0; PIECE];
        for first in std::iter::successors(Some(true), |_| Some(false)) {
            let length = match stream.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                length => length.with_context(|| format!("read {name}"))?,
            };
            let piece = &buffer[..length];
            if let Some((_, tool)) = COMPRESSED.iter().find(|(magic, _)| first && piece.starts_with(magic)) {
                bail!("{}", compressed(self, tool));
            }
            if length == 0 {
                break;
            }
            take(Some(piece))?;
        }
        take(None)
    }
}
