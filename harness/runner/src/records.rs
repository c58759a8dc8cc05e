//! The recorder's files in a session's folder: cut to what was used when a boot has ended, and bounded over a night.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use fencelab_abi::pool::PoolInfo;
use fencelab_abi::{POOL_FILE, POOL_HEADER_SIZE};
use fencelab_events::{Session, Verdict};

use crate::files::Folder;

/// What the records of all boots of a session may take, in bytes.
pub(crate) const BUDGET: u64 = 1 << 30;

/// The shim that the agent had written beside them; nobody loads it any more.
const SHIM: &str = "libfencelab.so";

/// Cuts the records of a boot that has ended to the chunks that were used; where none was, they go. Their size then, in
/// bytes.
pub(crate) fn trim(folder: &Path) -> io::Result<u64> {
    let _ = fs::remove_file(folder.join(SHIM));
    let mut file = match OpenOptions::new().read(true).write(true).open(folder.join(POOL_FILE)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut head = Vec::with_capacity(POOL_HEADER_SIZE);
    (&mut file).take(POOL_HEADER_SIZE as u64).read_to_end(&mut head)?;
    let used = match PoolInfo::decode(&head) {
        Ok(info) if info.chunks_used > 0 => info.chunk_range(info.chunks_used).start as u64,
        // No agent came so far as to begin a session, or no case ran.
        _ => {
            fs::remove_dir_all(folder)?;
            return Ok(0);
        }
    };
    if file.metadata()?.len() > used {
        file.set_len(used)?;
    }
    Ok(used)
}

/// The records of one boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    boot: u32,
    bytes: u64,
    /// Something was found in that boot.
    matters: bool,
}

/// The records of every boot of the session that has any and is not up.
pub(crate) fn kept(folder: &Folder, session: &Session, up: &BTreeSet<u32>) -> Vec<Kept> {
    let of = |boot: &fencelab_events::Boot| {
        let bytes = fs::metadata(folder.records(boot.number).join(POOL_FILE)).ok()?.len();
        Some(Kept { boot: boot.number, bytes, matters: matters(session, boot.number) })
    };
    session.boots.iter().filter(|boot| !up.contains(&boot.number)).filter_map(of).collect()
}

fn matters(session: &Session, boot: u32) -> bool {
    let is_bad = |record: &&fencelab_events::CaseRecord| Verdict::of(session, record).is_finding();
    let ran_here = |record: &fencelab_events::CaseRecord| record.attempts.iter().any(|a| a.boot == boot);
    session.findings.iter().any(|finding| finding.boot == boot)
        || session.cases.iter().filter(is_bad).any(ran_here)
}

/// The boots whose records must go to keep the rest within the budget: the oldest first, and those in which nothing was
/// found before the others.
pub(crate) fn to_go(kept: &[Kept], budget: u64) -> Vec<u32> {
    let mut total: u64 = kept.iter().map(|kept| kept.bytes).sum();
    let quiet = kept.iter().filter(|kept| !kept.matters);
    let order = quiet.chain(kept.iter().filter(|kept| kept.matters));
    let mut gone = Vec::new();
    for kept in order {
        if total <= budget {
            break;
        }
        total -= kept.bytes;
        gone.push(kept.boot);
    }
    gone
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_boots_go_first_and_the_oldest_of_them() {
        let kept = |boot, bytes, matters| Kept { boot, bytes, matters };
        let night = [kept(1, 10, true), kept(2, 10, false), kept(3, 10, false), kept(4, 10, true)];
        assert!(to_go(&night, 40).is_empty());
        assert_eq!(to_go(&night, 35), [2]);
        assert_eq!(to_go(&night, 15), [2, 3, 1]);
        assert_eq!(to_go(&night, 0), [2, 3, 1, 4]);
    }

    #[test]
    fn records_that_are_still_written_are_none_to_choose_from() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path());
        let mut session = Session::default();
        for number in 1..=2 {
            fs::create_dir_all(folder.records(number)).unwrap();
            fs::write(folder.records(number).join(POOL_FILE), "records").unwrap();
            let event = fencelab_events::Event::BootStarted {
                boot: number,
                release: String::new(),
                boot_id: String::new(),
                devices: vec![],
                doctor: vec![],
                lockdep: fencelab_events::Lockdep::Armed,
                recorded: true,
            };
            session.apply(&fencelab_events::Entry { at_ms: 0, event });
        }
        let boots = |up: &[u32]| -> Vec<u32> {
            kept(&folder, &session, &up.iter().copied().collect()).iter().map(|kept| kept.boot).collect()
        };
        assert_eq!((boots(&[]), boots(&[1])), (vec![1, 2], vec![2]));
    }

    #[test]
    fn what_is_no_trace_is_removed_and_what_is_missing_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let boot = folder.path().join("boot-1");
        assert_eq!(trim(&boot).unwrap(), 0);
        fs::create_dir(&boot).unwrap();
        fs::write(boot.join(POOL_FILE), vec![0; 1 << 20]).unwrap();
        assert_eq!(trim(&boot).unwrap(), 0);
        assert!(!boot.exists());
    }

    #[test]
    fn a_trace_is_cut_behind_the_chunks_that_were_used() {
        let folder = tempfile::tempdir().unwrap();
        let mut pool = vec![0; 1 << 20];
        let mut put = |at: usize, number: u32| pool[at..at + 4].copy_from_slice(&number.to_le_bytes());
        put(std::mem::offset_of!(fencelab_abi::PoolHeader, header_size), 4096);
        put(std::mem::offset_of!(fencelab_abi::PoolHeader, chunk_size), 8192);
        put(std::mem::offset_of!(fencelab_abi::PoolHeader, chunk_count), 127);
        put(std::mem::offset_of!(fencelab_abi::PoolHeader, cursor), 3);
        pool[..8].copy_from_slice(&fencelab_abi::MAGIC);
        pool[8..10].copy_from_slice(&fencelab_abi::VERSION.0.to_le_bytes());
        fs::write(folder.path().join(POOL_FILE), pool).unwrap();
        fs::write(folder.path().join(SHIM), "x").unwrap();
        for _ in 0..2 {
            assert_eq!(trim(folder.path()).unwrap(), 4096 + 3 * 8192);
            assert_eq!(fs::metadata(folder.path().join(POOL_FILE)).unwrap().len(), 4096 + 3 * 8192);
        }
        assert!(!folder.path().join(SHIM).exists());
    }
}
