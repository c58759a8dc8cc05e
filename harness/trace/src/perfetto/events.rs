//! Trace events as JSON ("Trace Event Format", Google, 2016).

use std::io::{self, Write};

use serde_json::{Value, json};

/// A track: a thread of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) pid: u32,
    pub(super) tid: u32,
}

/// Writes events, one a line.
pub(super) struct Events<'w> {
    out: &'w mut dyn Write,
    is_first: bool,
    flows: u64,
}

/// Microseconds, as the format counts.
fn us(ns: u64) -> Value {
    json!(ns as f64 / 1000.0)
}

impl<'w> Events<'w> {
    pub(super) fn begin(out: &'w mut dyn Write) -> io::Result<Self> {
        out.write_all(b"{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n")?;
        Ok(Self { out, is_first: true, flows: 0 })
    }

    pub(super) fn end(self) -> io::Result<()> {
        self.out.write_all(b"\n]}\n")
    }

    fn event(&mut self, event: &Value) -> io::Result<()> {
        let comma = if std::mem::take(&mut self.is_first) { "" } else { ",\n" };
        write!(self.out, "{comma}{event}")
    }

    pub(super) fn process(&mut self, pid: u32, name: &str) -> io::Result<()> {
        self.event(&json!({ "ph": "M", "pid": pid, "name": "process_name", "args": { "name": name } }))
    }

    pub(super) fn thread(&mut self, at: Place, name: &str, order: Option<u32>) -> io::Result<()> {
        let (pid, tid) = (at.pid, at.tid);
        self.event(
            &json!({ "ph": "M", "pid": pid, "tid": tid, "name": "thread_name", "args": { "name": name } }),
        )?;
        match order {
            Some(order) => self.event(&json!({
                "ph": "M", "pid": pid, "tid": tid, "name": "thread_sort_index", "args": { "sort_index": order },
            })),
            None => Ok(()),
        }
    }

    pub(super) fn slice(
        &mut self,
        at: Place,
        name: &str,
        ns: u64,
        length: u64,
        args: Value,
    ) -> io::Result<()> {
        self.event(&json!({
            "ph": "X", "pid": at.pid, "tid": at.tid, "ts": us(ns), "dur": us(length), "name": name, "args": args,
        }))
    }

    /// A moment of a process.
    pub(super) fn instant(&mut self, at: Place, name: &str, ns: u64) -> io::Result<()> {
        self.event(&json!({ "ph": "i", "s": "p", "pid": at.pid, "tid": at.tid, "ts": us(ns), "name": name }))
    }

    /// An arrow from a slice that covers the one moment to a slice that covers the other.
    pub(super) fn flow(&mut self, from: (Place, u64), to: (Place, u64)) -> io::Result<()> {
        self.flows += 1;
        let id = self.flows;
        for (phase, (at, ns)) in [("s", from), ("f", to)] {
            let mut event = json!({
                "ph": phase, "id": id, "pid": at.pid, "tid": at.tid, "ts": us(ns), "cat": "fence", "name": "signals",
            });
            if phase == "f" {
                event["bp"] = json!("e");
            }
            self.event(&event)?;
        }
        Ok(())
    }
}
