//! The dma_fence tracepoints' text (include/trace/events/dma_fence.h), as trace_pipe prints it, kept as far as a report may
//! go back.

use std::collections::VecDeque;

/// Events that are kept.
const KEPT: usize = 50_000;

/// What happened to a fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// It was made.
    Init,
    /// It was signalled.
    Signaled,
    /// Anything else.
    Other,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FenceEvent {
    /// When: CLOCK_MONOTONIC, in microseconds.
    pub at_us: u64,
    /// The thread in which it happened.
    pub tid: i32,
    /// What.
    pub what: What,
    /// The fence's driver and timeline.
    pub name: String,
    /// Its context and its number there: the two are a fence's identity.
    pub fence: (u64, u64),
}

/// The last events of a boot.
#[derive(Debug, Default)]
pub struct Fences {
    line: Vec<u8>,
    events: VecDeque<FenceEvent>,
}

impl Fences {
    /// Takes a piece of the text, cut anywhere.
    pub fn push(&mut self, text: &[u8]) {
        for part in text.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                let event = parse(&String::from_utf8_lossy(&self.line));
                self.line.clear();
                self.events.extend(event);
            }
        }
        let surplus = self.events.len().saturating_sub(KEPT);
        self.events.drain(..surplus);
    }

    /// The fence that a thread signalled nearest to a moment, within so many microseconds: the event.
    pub fn signalled_by(&self, tid: i32, at_us: u64, within_us: u64) -> Option<&FenceEvent> {
        let near = self.events.iter().filter(|e| e.tid == tid && e.what == What::Signaled);
        let near = near.filter(|e| e.at_us.abs_diff(at_us) <= within_us);
        near.min_by_key(|e| e.at_us.abs_diff(at_us))
    }

    /// The making of a fence.
    pub fn made(&self, fence: (u64, u64)) -> Option<&FenceEvent> {
        self.events.iter().rev().find(|e| e.what == What::Init && e.fence == fence)
    }
}

/// Reads ` COMM-TID [CPU] FLAGS SECONDS: dma_fence_WHAT: driver=.. timeline=.. context=.. seqno=..`; names may hold spaces.
fn parse(line: &str) -> Option<FenceEvent> {
    let (head, rest) = line.split_once(": dma_fence_")?;
    let (task, _) = head.rsplit_once(" [")?;
    let tid = task.trim_end().rsplit_once('-')?.1.parse().ok()?;
    let (seconds, micros) = head.rsplit_once(' ')?.1.split_once('.')?;
    let at_us = seconds.parse::<u64>().ok()? * 1_000_000 + micros.parse::<u64>().ok()?;
    let (what, fields) = rest.split_once(": ")?;
    let (names, numbers) = fields.rsplit_once(" context=")?;
    let (context, seqno) = numbers.trim_end().split_once(" seqno=")?;
    let (driver, timeline) = names.strip_prefix("driver=")?.split_once(" timeline=")?;
    Some(FenceEvent {
        at_us,
        tid,
        what: match what {
            "init" => What::Init,
            "signaled" => What::Signaled,
            _ => What::Other,
        },
        name: format!("{driver} {timeline}"),
        fence: (context.parse().ok()?, seqno.parse().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = concat!(
        "           merge-54      [001] .....     3.181907: dma_fence_init: driver=sw_sync timeline=merge context=11 seqno=1\n",
        "  my [0] a-b-77      [000] d..1.     3.190185: dma_fence_signaled: driver=drm sched timeline=a b context=12 seqno=7\n",
        "kworker/0:1-9 [000] d..1.     4.000000: dma_fence_signaled: driver=sw_sync timeline=merge context=11 seqno=1\n",
        "CPU:0 [LOST 12 EVENTS]\n",
    );

    #[test]
    fn events_are_read_however_the_text_is_cut() {
        for size in [1, 7, 1000] {
            let mut fences = Fences::default();
            TEXT.as_bytes().chunks(size).for_each(|piece| fences.push(piece));
            assert_eq!(fences.events.len(), 3);
            assert_eq!((fences.events[1].tid, fences.events[1].name.as_str()), (77, "drm sched a b"));
            let signalled = fences.signalled_by(9, 3_999_000, 2_000).unwrap();
            assert_eq!(fences.made(signalled.fence).map(|e| (e.tid, e.at_us)), Some((54, 3_181_907)));
            assert_eq!(fences.signalled_by(9, 3_999_000, 500), None);
            assert_eq!(fences.made((12, 7)), None);
        }
    }
}
