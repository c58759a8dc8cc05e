//! Sessions of very many processes: what each costs does not grow with how many there are.
//!
//! A look at all processes for each birth or death would take minutes here, and more each time that somebody doubles it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use common::open;
use common::pool::{Pool, Record, Sink};
use fencelab_abi::process::Entry;
use fencelab_abi::{CHUNK_SIZE, Kind, Mode};
use fencelab_trace::{Model, Session, Source};

/// Processes, each with two programs, one after the other.
const PROCESSES: u32 = 60_000;

/// Bytes of which most are 0: chunks up to the last byte that is not.
#[derive(Clone, Default)]
struct Sparse(Arc<Mutex<HashMap<u64, Vec<u8>>>>);

impl Sink for Sparse {
    fn put(&mut self, at: u64, bytes: &[u8]) {
        let (chunk, inside) = (at / CHUNK_SIZE as u64, (at % CHUNK_SIZE as u64) as usize);
        let (here, behind) = bytes.split_at(bytes.len().min(CHUNK_SIZE - inside));
        let used = here.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let mut chunks = self.0.lock().unwrap();
        let place = chunks.entry(chunk).or_default();
        if place.len() < inside + used {
            place.resize(inside + used, 0);
        }
        place[inside..inside + used].copy_from_slice(&here[..used]);
        drop(chunks);
        if !behind.is_empty() {
            self.put(at + here.len() as u64, behind);
        }
    }
}

impl Source for Sparse {
    fn len(&self) -> std::io::Result<u64> {
        Ok((self.0.lock().unwrap().keys().max().unwrap() + 1) * CHUNK_SIZE as u64)
    }

    fn read_at(&self, at: u64, out: &mut [u8]) -> std::io::Result<usize> {
        let chunks = self.0.lock().unwrap();
        out.fill(0);
        let mut done = 0;
        while done < out.len() {
            let (chunk, inside) = ((at + done as u64) / CHUNK_SIZE as u64, (at as usize + done) % CHUNK_SIZE);
            let step = (out.len() - done).min(CHUNK_SIZE - inside);
            let there = chunks.get(&chunk).and_then(|bytes| bytes.get(inside..)).unwrap_or_default();
            let there = &there[..there.len().min(step)];
            out[done..done + there.len()].copy_from_slice(there);
            done += step;
        }
        Ok(done)
    }
}

/// A process that spawns all others. Each of those has its parent's file, is replaced by another program, and exits.
fn write(sparse: Sparse) {
    let mut pool = Pool::new(sparse, 1 << 20, Mode::Stop);
    let shell = pool.process(10, 1, Entry::Preload, None, "/bin/sh", 1);
    let mut thread = pool.thread(shell, 10, 10);
    pool.record(&mut thread, &open(2, 3, "virtio_gpu"));
    for index in 0..PROCESSES {
        let (pid, now) = (100 + index, 1000 + u64::from(index) * 100);
        let first = pool.process(pid, 10, Entry::Fork, Some(shell), "/bin/sh", now);
        let mut child = pool.thread(first, pid, pid);
        pool.record(&mut child, &Record::new(Kind::Exec, now + 10, 0));
        let second = pool.process(pid, 10, Entry::Preload, None, "/bin/true", now + 20);
        let mut program = pool.thread(second, pid, pid);
        pool.record(&mut program, &Record::new(Kind::Exit, now + 30, now + 30));
        pool.exits(second, now + 30, 0, pid);
        pool.gone(second, now + 40, 0);
        [&child, &program].into_iter().for_each(|thread| pool.flush(thread));
    }
    pool.flush(&thread);
    pool.finish();
}

#[test]
fn births_and_deaths_cost_the_same_however_many_there_are() {
    let sparse = Sparse::default();
    write(sparse.clone());
    let session = Session::from_pool(sparse).unwrap();
    assert_eq!(session.processes().len(), 1 + 2 * PROCESSES as usize);
    let (mut model, mut deaths) = (Model::new(&session), 0);
    while let Some(event) = model.next(&session).unwrap() {
        if event.ended().is_some() {
            // The thread that called exit is known.
            assert_eq!(session.thread(event.call.id.thread).map(|thread| thread.tid), Some(event.call.tid));
            deaths += 1;
        }
    }
    assert_eq!(deaths, PROCESSES);
    // The parent's file is still there, and is the only one: all others were its descendants'.
    assert_eq!(model.objects().len(), 1);
    let object = model.objects().iter().next().unwrap().1;
    assert!(!object.ended);
}
