//! Runs a sequence: round after round, the calls of a round at the same time.

use std::os::fd::BorrowedFd;

use super::actor;
use super::op::{ACTORS, Op, Sequence, World};
use super::pool::Pool;
use crate::case::{Stop, Tested};
use crate::child::Child;

/// What a process says when a call went as it may.
pub(super) const DONE: &str = "done";
/// What a round may take: far beyond its calls and fences, so that what is silent for so long hangs.
const PATIENCE_S: i64 = 40;
/// What ends a process.
pub(super) const QUIT: &str = "quit";

/// Runs all of it in new processes.
///
/// # Errors
/// The first answer that was wrong, with its round and process.
pub(super) fn run(world: &World, sequence: &Sequence) -> Tested {
    let mut actors = Vec::new();
    for actor in 0..ACTORS {
        let world = world.clone();
        let child = Child::spawn(move |line| actor::live(&world, actor, line))?;
        child.line.wait_up_to(PATIENCE_S)?;
        actors.push(child);
    }
    // The displays' masters come first: whoever opens a device first is its master.
    for actor in &actors {
        answer(actor, "its start")?;
    }
    let mut pool = Pool::default();
    for (number, round) in sequence.rounds.iter().enumerate() {
        self::round(&actors, &mut pool, number, round)?;
    }
    for actor in &actors {
        actor.line.send(QUIT, None)?;
    }
    actors.into_iter().try_for_each(Child::join)
}

fn round(actors: &[Child], pool: &mut Pool, number: usize, round: &[Option<Op>; ACTORS]) -> Tested {
    let mut begun = Vec::new();
    for (actor, op) in actors.iter().zip(round) {
        let Some(op) = *op else { continue };
        // A call on an empty slot is none.
        let Some(fds) = pool.fds(op) else { continue };
        send(actor, op, fds)?;
        begun.push((actor, op));
    }
    for (actor, op) in begun {
        let what = format!("round {number}, {op:?}");
        if let Some(fd) = answer(actor, &what)? {
            pool.keep(op, fd);
        }
        if let Op::Forget { slot } = op {
            pool.forget(slot);
        }
    }
    Ok(())
}

/// A message carries one fd: the buffer's goes first.
fn send(actor: &Child, op: Op, [buffer, file]: [Option<BorrowedFd<'_>>; 2]) -> Tested {
    if buffer.is_some() {
        actor.line.send("buffer", buffer)?;
    }
    if file.is_some() {
        actor.line.send("file", file)?;
    }
    let text = serde_json::to_string(&op).map_err(Stop::fail)?;
    actor.line.send(&text, None)
}

fn answer(actor: &Child, what: &str) -> Result<Option<std::os::fd::OwnedFd>, Stop> {
    let told = actor.line.receive();
    let (text, fd) = told.map_err(|stop| match stop {
        Stop::Fail(text) => Stop::Fail(format!("{what}: {text}")),
        skip => skip,
    })?;
    match text.as_str() {
        DONE => Ok(fd),
        "" => Err(Stop::fail(format!("{what}: its process died"))),
        text => Err(Stop::fail(format!("{what}: {text}"))),
    }
}
