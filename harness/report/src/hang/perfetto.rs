//! A finding for ui.perfetto.dev, in the JSON Trace Event format: a track for each thread, the witness's calls in a category of
//! their own and joined by flows.

use fencelab_fences::Timeline;
use fencelab_fences::finding::Finding;
use serde_json::{Value, json};

/// A finding's timeline as a trace.
pub fn perfetto(finding: &Finding, timeline: &Timeline) -> String {
    let mut events: Vec<Value> = Vec::new();
    let us = |ns: u64| ns as f64 / 1000.0;
    for (index, row) in timeline.rows.iter().enumerate() {
        let tid = index + 1;
        events.push(
            json!({"ph": "M", "pid": 1, "tid": tid, "name": "thread_name", "args": {"name": row.name}}),
        );
        for slice in &row.slices {
            let end = slice.to_ns.unwrap_or(timeline.between_ns.1);
            events.push(json!({
                "ph": "X", "pid": 1, "tid": tid, "ts": us(slice.from_ns), "dur": us(end.saturating_sub(slice.from_ns)),
                "name": slice.name, "cat": if slice.marked { "witness" } else { "call" },
                "args": {"call": slice.text, "returned": slice.to_ns.is_some()},
            }));
        }
    }
    let tid = timeline.rows.len() + 1;
    events.push(json!({"ph": "M", "pid": 1, "tid": tid, "name": "thread_name", "args": {"name": "verdict"}}));
    let lasted = finding.seen_ns.saturating_sub(finding.since_ns);
    events.push(json!({
        "ph": "X", "pid": 1, "tid": tid, "ts": us(finding.since_ns), "dur": us(lasted),
        "name": finding.heading(), "cat": "witness", "args": {"verdict": finding.sentence, "culprit": finding.culprit},
    }));
    json!({"traceEvents": events, "displayTimeUnit": "ns"}).to_string()
}
