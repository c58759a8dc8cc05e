//! Threads that import, export, close, write and put fences on one buffer at a time. The outcomes of single
//! calls depend on who comes first; that nothing breaks and the bytes stay does not.

use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::thread::{JoinHandle, sleep};
use std::time::Duration;

use nix::errno::Errno;

use super::refusal::SANE;
use crate::buffer::{Access, DmaBuf, Dumb, Exporter, Gem};
use crate::case::{Stop, Tested};
use crate::ctx::Ctx;
use crate::must::Must;
use crate::open::DrmFile;
use crate::pending::signalled_fence;
use crate::uapi::prime;
use crate::{check, check_eq};

/// Rounds of each thread: a few hundred ioctls, quick even where the CPU is emulated.
const ROUNDS: u64 = 50;

pub(super) fn import_and_close(ctx: &mut Ctx) -> Tested {
    let made = Exporter::open(ctx.device(0))?.make_small()?;
    drop(super::import::import(ctx, &made.dmabuf)?);
    let card = Arc::new(DrmFile::card(ctx.device(1))?);
    let mut threads = Vec::new();
    for _ in 0..2 {
        let (card, dmabuf) = (Arc::clone(&card), made.dmabuf.duplicate()?);
        threads.push(ctx.spawn(move || import_loop(&card, &dmabuf)));
    }
    threads.push(spawn_writer(ctx, made.dmabuf.duplicate()?));
    threads.push(spawn_fencer(ctx, made.dmabuf.duplicate()?));
    join(threads)?;
    let map = made.dmabuf.map()?;
    check_eq!(map.differs(ROUNDS, map.len()), None, "the first difference from what was written last");
    Ok(())
}

/// Both threads share the file's one handle, so a close may find it closed already.
fn import_loop(card: &DrmFile, dmabuf: &DmaBuf) -> Tested {
    let mut taken = 0;
    for _ in 0..ROUNDS {
        match prime::fd_to_handle(card, dmabuf.as_fd().as_raw_fd()) {
            Err(errno) => check!(SANE.contains(&errno), "an import answered {errno:?}"),
            Ok(handle) => {
                taken += 1;
                let closed = prime::gem_close(card, handle);
                check!(matches!(closed, Ok(()) | Err(Errno::EINVAL)), "a close answered {closed:?}");
            }
        }
    }
    check!(taken > 0, "a buffer that the device takes was refused {ROUNDS} times beside other imports");
    Ok(())
}

fn spawn_writer(ctx: &Ctx, dmabuf: DmaBuf) -> JoinHandle<Tested> {
    ctx.spawn(move || {
        for seed in 1..=ROUNDS {
            let mut map = dmabuf.map()?;
            super::cpu::write_pattern(&dmabuf, &mut map, seed)?;
        }
        Ok(())
    })
}

fn spawn_fencer(ctx: &Ctx, dmabuf: DmaBuf) -> JoinHandle<Tested> {
    ctx.spawn(move || {
        let fence = signalled_fence()?;
        for _ in 0..ROUNDS {
            for access in Access::BOTH {
                dmabuf.import_fence(access, &fence)?;
                drop(dmabuf.export_fences(access)?);
            }
        }
        Ok(())
    })
}

fn join(threads: Vec<JoinHandle<Tested>>) -> Tested {
    threads.into_iter().try_for_each(|t| t.join().map_err(|_| Stop::fail("a thread panicked"))?)
}

pub(super) fn close_while_writing(ctx: &mut Ctx) -> Tested {
    let made = Exporter::open(ctx.device(0))?.make_small()?;
    drop(super::import::import(ctx, &made.dmabuf)?);
    let card = Arc::new(DrmFile::card(ctx.device(1))?);
    let writer = spawn_writer(ctx, made.dmabuf.duplicate()?);
    for _ in 0..ROUNDS {
        drop(Gem::import(&card, &made.dmabuf).must("import while the exporter writes")?);
    }
    join(vec![writer])?;
    let map = made.dmabuf.map()?;
    check_eq!(map.differs(ROUNDS, map.len()), None, "the first difference after the imports");
    Ok(())
}

pub(super) fn export_together(ctx: &mut Ctx) -> Tested {
    let card = Arc::new(DrmFile::card(ctx.device(0))?);
    for _ in 0..16 {
        let dumb = Dumb::new(&card, 64, 64)?;
        let handle = dumb.gem().handle();
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let card = Arc::clone(&card);
                ctx.spawn(move || {
                    let fd = prime::handle_to_fd(card.as_ref(), handle, prime::RDWR).must("export")?;
                    DmaBuf::new(fd)
                })
            })
            .collect();
        let first = dumb.gem().export()?.identity()?;
        for thread in threads {
            let dmabuf = thread.join().map_err(|_| Stop::fail("a thread panicked"))??;
            check_eq!(dmabuf.identity()?, first, "the inode of an export beside others");
        }
    }
    Ok(())
}

/// How often a handle is exported beside its close, and how often at most where no export came first by then.
const CLOSES: u32 = 32;
const CLOSES_AT_MOST: u32 = 256;

pub(super) fn export_and_close(ctx: &mut Ctx) -> Tested {
    let card = Arc::new(DrmFile::card(ctx.device(0))?);
    let (mut won, mut rounds) = (0, 0);
    while rounds < CLOSES || (won == 0 && rounds < CLOSES_AT_MOST) {
        let dumb = Dumb::new(&card, 64, 64)?;
        let (other, handle) = (Arc::clone(&card), dumb.gem().handle());
        let exporting = ctx.spawn(move || prime::handle_to_fd(other.as_ref(), handle, prime::RDWR));
        // Each close comes a little later than the one before: the first ones win, the last ones lose.
        sleep(Duration::from_micros(20) * rounds);
        rounds += 1;
        drop(dumb);
        match exporting.join().map_err(|_| Stop::fail("a thread panicked"))? {
            Err(errno) => {
                check_eq!(errno, Errno::ENOENT, "the answer to exporting a handle that is being closed")
            }
            Ok(fd) => {
                // The export won: its buffer lives on without the handle.
                won += 1;
                let dmabuf = DmaBuf::new(fd)?;
                let mut map = dmabuf.map()?;
                map.fill(1, map.len());
                check_eq!(map.differs(1, map.len()), None, "the first difference in the orphan");
            }
        }
    }
    ctx.note(format!("{won} of {rounds} exports came before the close"));
    check!(won > 0, "none of {rounds} exports came before the close");
    Ok(())
}
