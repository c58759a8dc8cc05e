//! A session that `programs/lineage.c` left in a guest with virtio-gpu, vgem and sw_sync on Linux 6.12.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::path::Path;

use common::{life, lines};
use fencelab_trace::view::{loss_line, summary};
use fencelab_trace::{Model, Session, perfetto};

fn lineage() -> Session {
    Session::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/lineage")).unwrap()
}

#[test]
fn a_real_session_as_lines() {
    insta::assert_snapshot!(lines(&lineage()).join("\n"));
}

#[test]
fn its_summary() {
    insta::assert_snapshot!(summary(&lineage()));
}

#[test]
fn its_objects_lives() {
    let session = lineage();
    let names = ["syncobj:1", "sync-file:4", "dma-buf:1", "fence:3", "socket:2"];
    let lives = names.map(|name| format!("{name}\n  {}\n", life(&session, name).join("\n  ")));
    insta::assert_snapshot!(lives.concat());
}

#[test]
fn nothing_of_it_is_missing_or_opaque() {
    let session = lineage();
    assert_eq!(session.losses().iter().map(|loss| loss_line(&session, loss)).collect::<Vec<_>>(), [""; 0]);
    let mut model = Model::new(&session);
    while model.next(&session).unwrap().is_some() {}
    assert_eq!(model.objects().iter().filter(|(_, object)| object.is_opaque()).count(), 0);
}

#[test]
fn the_thread_that_hangs_is_found_by_its_id_and_a_time() {
    let session = lineage();
    let hanging = session.threads().iter().find(|thread| thread.tid != thread.pid).unwrap();
    let found = session.calls_at(hanging.tid, session.last_ns());
    assert_eq!(found.len(), 1);
    let mut reader = session.reader();
    let call = reader.read(&session, found[0]).unwrap().unwrap();
    assert_eq!(call.ioctl().unwrap().name, "DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT");
    assert_eq!((call.result, call.exit), (None, None));
    assert_eq!(session.last_call_before(hanging.tid, session.last_ns()), Some(found[0]));
    assert_eq!(session.calls_at(hanging.tid, session.first_ns()), []);
}

#[test]
fn a_picture_of_it() {
    let mut out = Vec::new();
    perfetto::write(&lineage(), &mut out).unwrap();
    let trace: serde_json::Value = serde_json::from_slice(&out).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let of = |phase: &str| events.iter().filter(|event| event["ph"] == phase).count();
    assert_eq!(of("s"), of("f"));
    let names: Vec<&str> = events
        .iter()
        .filter(|event| event["name"] == "thread_name")
        .filter_map(|e| e["args"]["name"].as_str())
        .collect();
    assert!(
        ["thread 63", "syncobj:1", "sync-file:4", "dma-buf:1"].iter().all(|name| names.contains(name)),
        "{names:?}"
    );
    let arrow = events.iter().find(|event| event["ph"] == "f" && event["pid"] == 64).unwrap();
    let start = events.iter().find(|event| event["ph"] == "s" && event["id"] == arrow["id"]).unwrap();
    let number = |event: &serde_json::Value, field: &str| event[field].as_f64().unwrap_or(f64::NAN);
    let slice = |event: &serde_json::Value| {
        let inside = |slice: &&serde_json::Value| {
            let (begin, at) = (number(slice, "ts"), number(event, "ts"));
            slice["ph"] == "X"
                && slice["tid"] == event["tid"]
                && begin <= at
                && at <= begin + number(slice, "dur")
        };
        events.iter().find(inside).unwrap()["name"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        (slice(start), slice(arrow)),
        ("SYNCOBJ_TIMELINE_SIGNAL".into(), "SYNCOBJ_TIMELINE_WAIT".into())
    );
}
