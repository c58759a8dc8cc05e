//! Names of things, for people.

use fencelab_trace::model::{Model, ObjectId};
use fencelab_trace::{Session, ThreadId};

use crate::feed::Feed;
use crate::fence::{FenceId, JobId, Maker, Queue};
use crate::world::World;

/// What names are taken from.
pub struct Words<'a> {
    /// The session.
    pub session: &'a Session,
    /// The walk, at the moment that is spoken of.
    pub model: &'a Model,
    /// The world at that moment.
    pub world: &'a World,
    /// Names of devices.
    pub feed: &'a Feed,
}

impl Words<'_> {
    /// An object: `syncobj:7`.
    pub fn object(&self, id: ObjectId) -> String {
        self.model.objects().get(id).map_or_else(|| "?".into(), ToString::to_string)
    }

    /// A thread's ids: process, thread.
    pub fn ids(&self, id: ThreadId) -> (u32, u32) {
        self.session.thread(id).map_or((0, 0), |thread| (thread.pid, thread.tid))
    }

    /// A thread: `thread 61 (kmscube)`.
    pub fn thread(&self, id: ThreadId) -> String {
        let Some(thread) = self.session.thread(id) else { return "a thread".into() };
        let process = thread.process.and_then(|process| self.session.process(process));
        match process.map(|process| process.name()).filter(|name| !name.is_empty()) {
            Some(name) if thread.tid == thread.pid => format!("{name}[{}]", thread.tid),
            Some(name) => format!("{name}[{}/{}]", thread.pid, thread.tid),
            None => format!("thread {}", thread.tid),
        }
    }

    /// A process: `kmscube[58]`.
    pub fn process(&self, pid: u32) -> String {
        let process = self.session.processes().iter().rev().find(|process| process.pid == pid);
        match process.map(|process| process.name()).filter(|name| !name.is_empty()) {
            Some(name) => format!("{name}[{pid}]"),
            None => format!("process {pid}"),
        }
    }

    /// A device, by its driver.
    pub fn device(&self, device: Option<u32>) -> &str {
        device.map_or("an unknown device", |device| self.feed.device_name(device))
    }

    /// A job: `commit to crtc:1 of vkms`.
    pub fn job(&self, id: JobId) -> String {
        let Some(job) = self.world.job(id) else { return "a job".into() };
        let what = if job.commit { "commit" } else { "job" };
        let device = self.device(job.device);
        match job.queue {
            Some(Queue::Object(queue)) => format!("{what} on {} of {device}", self.object(queue)),
            Some(Queue::Crtc(_, crtc)) if crtc != 0 => format!("{what} to CRTC {crtc} of {device}"),
            _ => format!("{what} to {device}"),
        }
    }

    /// A fence, with what it is of.
    pub fn fence(&self, id: FenceId) -> String {
        let Some(fence) = self.world.fence(id) else { return "a fence".into() };
        let name = fence.object.map_or_else(|| "a fence".into(), |object| self.object(object));
        match fence.maker {
            Maker::Timeline(timeline, value) => format!("{name} ({} at {value})", self.object(timeline)),
            Maker::Vgem(file) => format!("{name} (vgem, {})", self.object(file)),
            Maker::Job(job) => format!("{name} (of the {})", self.job(job)),
            Maker::Outside => format!("{name} (of unknown origin)"),
        }
    }

    /// A point of a sync object.
    pub fn point(&self, object: ObjectId, point: u64) -> String {
        match point {
            0 => format!("a fence in {}", self.object(object)),
            point => format!("{} point {point}", self.object(object)),
        }
    }

    /// Nanoseconds between ticks, forwards.
    pub fn ns(&self, ticks: u64) -> u64 {
        self.session.clock().ns(ticks)
    }
}

/// A span of time as people read it.
pub fn span(ns: u64) -> String {
    match ns {
        0..10_000 => format!("{ns} ns"),
        10_000..10_000_000 => format!("{} us", ns / 1_000),
        10_000_000..10_000_000_000 => format!("{} ms", ns / 1_000_000),
        _ => format!("{}.{} s", ns / 1_000_000_000, ns / 100_000_000 % 10),
    }
}

/// A moment of CLOCK_MONOTONIC in seconds.
pub fn moment(ns: u64) -> String {
    format!("{}.{:06}", ns / 1_000_000_000, ns / 1_000 % 1_000_000)
}

/// Words in a row: `a`, `a and b`, `a, b and c`.
pub fn list(words: &[String], last: &str) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [some @ .., one] => format!("{} {last} {one}", some.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_keep_what_matters() {
        assert_eq!(span(900), "900 ns");
        assert_eq!(span(15_500), "15 us");
        assert_eq!(span(4_999_000_000), "4999 ms");
        assert_eq!(span(12_340_000_000), "12.3 s");
        assert_eq!(moment(12_345_678_901), "12.345678");
    }

    #[test]
    fn lists_read_like_sentences() {
        let words = ["a", "b", "c"].map(String::from);
        assert_eq!(list(&words, "and"), "a, b and c");
        assert_eq!(list(&words[..1], "and"), "a");
    }
}
