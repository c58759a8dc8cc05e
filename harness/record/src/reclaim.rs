//! Chunks of threads that are gone, given to those that live.

use std::collections::HashMap;

use fencelab_abi::pool::ChunkInfo;
use fencelab_abi::process::ProcessInfo;
use fencelab_abi::{ChunkKind, Mode};

use crate::numbers::{Alive, Number, Task};
use crate::pool::Pool;

impl Pool {
    /// In flight mode, once three quarters of the pool were used: lets the living have the chunks of threads that are gone.
    pub(crate) fn reclaim(&self) {
        if !self.is_nearly_full() {
            return;
        }
        // A thread that was not there yet when it was looked for must not have its chunks met after that.
        let held = self.chunks_by_task();
        let mut alive = Alive::new();
        for (task, chunks) in held {
            if !alive.has(task) {
                chunks.into_iter().for_each(|chunk| self.orphan(chunk));
            }
        }
    }

    /// Chunks of records by the thread that has them.
    fn chunks_by_task(&self) -> HashMap<Task, Vec<u32>> {
        let mut namespaces = HashMap::new();
        let mut held: HashMap<Task, Vec<u32>> = HashMap::new();
        for index in 0..self.used() {
            let Some(info) = ChunkInfo::decode(self.chunk_head(index)) else { continue };
            if info.kind == ChunkKind::Records {
                let namespace =
                    *namespaces.entry(info.process).or_insert_with(|| self.namespace(info.process));
                held.entry((Number { namespace, pid: info.pid }, info.tid)).or_default().push(index);
            }
        }
        held
    }

    /// The pid namespace of the process of that chunk; 0: not known.
    fn namespace(&self, process: u32) -> u32 {
        if process >= self.used() {
            return 0;
        }
        ProcessInfo::decode(&self.chunk(process)).map_or(0, |process| process.pid_namespace)
    }

    fn is_nearly_full(&self) -> bool {
        let flight = self.info().is_some_and(|info| info.mode == Mode::Flight);
        flight && u64::from(self.used()) * 4 >= u64::from(self.chunk_count()) * 3
    }
}
