//! Records a command and prints what was recorded, a line per record in the manner of `strace -f -X raw`.
//!
//! `cargo run -p fencelab-record --example record -- [--audit|--raw] DIR COMMAND…`

use std::error::Error;
use std::ffi::OsString;
use std::path::Path;

use fencelab_abi::pool::{ChunkInfo, PoolInfo};
use fencelab_abi::record::{next_record, payload};
use fencelab_abi::{ChunkKind, FdClass, Kind, Request, Slot, flags, table};
use fencelab_record::{Entry, Options, record};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let entry = match arguments.first().and_then(|first| first.to_str()) {
        Some("--audit") => Entry::Audit,
        Some("--raw") => Entry::Raw,
        _ => Entry::Preload,
    };
    if entry != Entry::Preload {
        arguments.remove(0);
    }
    let [folder, command @ ..] = arguments.as_slice() else {
        return Err("usage: [--audit|--raw] DIR COMMAND…".into());
    };
    let mut options = Options::new(folder);
    options.entry = entry;
    let outcome = record(options, command)?;
    print(Path::new(folder))?;
    println!("{:?}, {:?}", outcome.exit, outcome.status);
    for unseen in outcome.unseen {
        println!("unseen: process {}: {}", unseen.pid, unseen.reason);
    }
    Ok(())
}

/// Prints every record of a session, in order of the calls' starts.
fn print(folder: &Path) -> Result<(), Box<dyn Error>> {
    let pool = std::fs::read(folder.join(fencelab_abi::POOL_FILE))?;
    let info = PoolInfo::decode(&pool)?;
    let mut lines = Vec::new();
    for index in 0..info.chunks_used {
        let Some(chunk) = pool.get(info.chunk_range(index)) else { break };
        let Some(head) = ChunkInfo::decode(chunk).filter(|head| head.kind == ChunkKind::Records) else {
            continue;
        };
        let mut at = 1;
        while let Some((index, slot)) = next_record(chunk, head.generation, at) {
            let bytes = payload(chunk, index, &slot).map(|(first, rest)| [first, rest].concat());
            lines.push((slot.enter, lines.len(), line(&slot, &bytes.unwrap_or_default())));
            at = index + usize::from(slot.slots);
        }
    }
    lines.sort();
    lines.iter().for_each(|(_, _, line)| println!("{line}"));
    Ok(())
}

fn line(slot: &Slot, payload: &[u8]) -> String {
    let Some(kind) = Kind::from_u8(slot.kind) else { return format!("{} kind {}", slot.tid, slot.kind) };
    let (tid, fd, result) = (slot.tid, slot.fd, slot.result);
    match kind {
        Kind::Ioctl | Kind::IoctlEnter | Kind::IoctlExit => {
            let request = Request(slot.request);
            let known = table::find(request, FdClass::from_u8(slot.class));
            let name = known.map_or_else(|| format!("{:#x}", slot.request), |ioctl| ioctl.name.to_owned());
            let size = if slot.flags & flags::ARG != 0 { request.size() } else { 0 };
            let words: Vec<String> =
                payload.get(..size).unwrap_or_default().chunks(4).map(hexadecimal).collect();
            format!("{tid} {} {fd} {name} {{{}}} = {result}", kind.name(), words.join(" "))
        }
        _ => format!("{tid} {} {fd} {:#x} = {result}", kind.name(), slot.request),
    }
}

fn hexadecimal(word: &[u8]) -> String {
    word.iter().rev().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
