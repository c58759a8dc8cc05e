//! A queue: a context of the driver, whose jobs run in their order.

use std::sync::{Arc, Mutex, PoisonError};

use nix::errno::Errno;

use super::buffer::Buffer;
use super::driver::Use;
use super::{Gpu, Job, PAGE};
use crate::case::Stop;
use crate::must::Must;
use crate::uapi::sync_file::SyncFile;

/// Beyond this many restarts in a row a driver has lost its way.
const RESTARTS: usize = 1000;

/// A context of the driver; freed on drop, with whatever of its jobs is still pending.
#[derive(Debug)]
pub struct Queue {
    gpu: Arc<Gpu>,
    context: u32,
    /// Command buffers, each with the fence of its job: they stay until the GPU has read them.
    batches: Mutex<Vec<(Buffer, SyncFile)>>,
}

impl Queue {
    pub(super) fn new(gpu: &Arc<Gpu>) -> Result<Queue, Stop> {
        let context = gpu.driver.context().must(&format!("make a context on {}", gpu.name()))?;
        Ok(Queue { gpu: Arc::clone(gpu), context, batches: Mutex::default() })
    }

    /// The driver's number of the context.
    pub fn context(&self) -> u32 {
        self.context
    }

    /// The GPU.
    pub fn gpu(&self) -> &Arc<Gpu> {
        &self.gpu
    }

    /// A job that does nothing yet.
    pub fn job(&self) -> Job<'_> {
        Job::new(self)
    }

    /// Whether the driver says that a job of this queue hung the GPU.
    ///
    /// # Errors
    /// Fails where the driver does not answer.
    pub fn is_guilty(&self) -> Result<bool, Stop> {
        self.gpu.driver.is_guilty(self.context).must("ask for a context's state")
    }

    /// Puts the words into a new command buffer and hands it to `submit`, as often as the driver asks for it anew: as
    /// drmIoctl() of libdrm does it, since a driver that finds a process's pages changed meanwhile says EAGAIN.
    pub(super) fn with_batch(
        &self,
        words: &[u32],
        submit: impl Fn(Use) -> nix::Result<SyncFile>,
    ) -> Result<nix::Result<SyncFile>, Stop> {
        let batch = self.gpu.buffer((words.len() * 4).next_multiple_of(PAGE))?;
        batch.map()?.write(words);
        let mut answer = submit(batch.used(false));
        for _ in 0..RESTARTS {
            if !matches!(answer, Err(Errno::EAGAIN | Errno::EINTR)) {
                break;
            }
            answer = submit(batch.used(false));
        }
        if let Ok(fence) = &answer {
            let fence = fence.try_clone().must("duplicate a sync file")?;
            let mut batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner);
            batches.retain(|(_, fence)| fence.status() == Ok(0));
            batches.push((batch, fence));
        }
        Ok(answer)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // A context that is refused here is freed with the file.
        let _ = self.gpu.driver.free_context(self.context);
    }
}
