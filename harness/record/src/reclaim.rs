//! Chunks of threads that are gone, given to those that live.

use std::collections::HashSet;

use fencelab_abi::pool::ChunkInfo;
use fencelab_abi::{ChunkKind, Mode};

use crate::pool::Pool;
use crate::tree;

impl Pool {
    /// In flight mode, once three quarters of the pool were used: lets the living have the chunks of threads that are gone.
    /// pids are those of the processes' own namespaces: those of a container look dead only if no process here has the
    /// number, so a chunk is given up late rather than early.
    pub(crate) fn reclaim(&self) {
        if !self.is_nearly_full() {
            return;
        }
        let mut alive = HashSet::new();
        let mut dead = HashSet::new();
        for index in 0..self.used() {
            let Some(info) = ChunkInfo::decode(self.chunk_head(index)) else { continue };
            let task = (info.pid, info.tid);
            if info.kind != ChunkKind::Records || alive.contains(&task) {
                continue;
            }
            if dead.contains(&task) || !tree::is_alive(info.pid, info.tid) {
                dead.insert(task);
                self.orphan(index);
            } else {
                alive.insert(task);
            }
        }
    }

    fn is_nearly_full(&self) -> bool {
        let flight = self.info().is_some_and(|info| info.mode == Mode::Flight);
        flight && u64::from(self.used()) * 4 >= u64::from(self.chunk_count()) * 3
    }
}
