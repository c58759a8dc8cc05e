//! A hang as text, graph, drawing and page.

use fencelab_fences::finding::{Call, Certainty, Edge, Ended, Finding, Kind, Node, NodeKind, Said, Stuck};
use fencelab_fences::{Analysis, Row, Slice, Timeline};
use fencelab_report::hang::{self, Page};

const S: u64 = 1_000_000_000;

fn node(kind: NodeKind, label: &str, detail: &str) -> Node {
    Node { kind, label: label.into(), detail: detail.into(), any: false, witness: true }
}

fn edge(from: usize, to: usize, why: &str, call: Option<usize>) -> Edge {
    Edge { from, to, why: why.into(), call, witness: true }
}

/// Two threads that wait for each other, one with a name that must not become markup.
fn cycle() -> Finding {
    let call = |tid, text: &str| Call {
        entered_ns: 5 * S,
        returned_ns: None,
        pid: 10,
        tid,
        text: text.into(),
        id: (tid, 3),
    };
    let stuck = |tid, ended| Stuck {
        what: format!("a[10/{tid}]"),
        tid: Some(tid),
        at: "WAIT".into(),
        since_ns: 5 * S,
        ended,
    };
    Finding {
        kind: Kind::Cycle,
        certainty: Certainty::Modulo,
        sentence: "circle: a[10/11] waits for syncobj:1 point 1, which a[10/12] could submit".into(),
        unless: vec!["b<script>[9]".into()],
        gaps: vec!["thread 11: 3 records dropped for want of room".into()],
        until_timeout: true,
        since_ns: 5 * S,
        seen_ns: 8 * S,
        ended: Some(Ended { at_ns: 9 * S, by: "b[9]: ioctl(3, SIGNAL) = 0".into() }),
        culprit: "syncobj:1 point 1, not submitted".into(),
        stuck: vec![stuck(11, Some((-62, 9 * S))), stuck(12, None)],
        nodes: vec![
            node(NodeKind::Thread, "a[10/11]", "in WAIT"),
            node(NodeKind::Point, "syncobj:1 point 1", "not submitted"),
            node(NodeKind::Thread, "a[10/12]", "in \"WAIT\" & more"),
            Node { witness: false, ..node(NodeKind::Leaf, "b<script>[9]", "in no recorded call") },
        ],
        edges: vec![
            edge(0, 1, "waits for", Some(0)),
            edge(1, 2, "could act through", None),
            edge(2, 0, "waits for", Some(1)),
            Edge { witness: false, ..edge(1, 3, "can be had from", None) },
        ],
        witness: vec![0, 1, 2, 0],
        calls: vec![
            call(11, "ioctl(3, WAIT, {handles=[syncobj:1@1]}) <unfinished>"),
            call(12, "ioctl(3, WAIT)"),
        ],
        order: None,
        kernel: vec![Said {
            about: "a[10/11], state S".into(),
            text: "drm_syncobj_array_wait_timeout+0x5/0x9".into(),
        }],
    }
}

fn timeline() -> Timeline {
    let slice =
        Slice { from_ns: 5 * S, to_ns: None, name: "WAIT".into(), text: "</script><b>".into(), marked: true };
    Timeline {
        rows: vec![Row { name: "a[10/11]".into(), slices: vec![slice] }],
        between_ns: (4 * S, 10 * S),
        left_out: 2,
    }
}

fn analysis() -> Analysis {
    Analysis { findings: vec![cycle()], calls: 7, between_ns: (0, 12 * S), ..Analysis::default() }
}

#[test]
fn the_text_tells_who_why_and_how_it_ended() {
    let text = hang::text(&analysis(), false);
    for line in [
        "7 calls in 12.0 s: 1 verdict, 0 long waits",
        "D1 cycle, modulo: since 5.000000 s, for 3000 ms",
        "  witness  a[10/11], in WAIT",
        "           -> waits for syncobj:1 point 1, not submitted",
        "           -> waits for a[10/11] (where it began)",
        "  unless   b<script>[9]",
        "  stuck    a[10/11], in WAIT since 5.000000 s; returned -62 after 4000 ms",
        "  kernel   a[10/11], state S",
        "             drm_syncobj_array_wait_timeout+0x5/0x9",
        "  missing  thread 11: 3 records dropped for want of room",
        "  ended    9.000000 s by b[9]: ioctl(3, SIGNAL) = 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line:?} is not in\n{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 110), "{text}");
}

#[test]
fn the_drawing_is_well_formed_and_has_everything() {
    let svg = hang::svg(&cycle());
    let mut reader = quick_xml::Reader::from_str(&svg);
    let (mut boxes, mut paths) = (0, 0);
    loop {
        match reader.read_event().expect("well-formed") {
            quick_xml::events::Event::Eof => break,
            quick_xml::events::Event::Empty(tag) if tag.name().as_ref() == b"rect" => boxes += 1,
            quick_xml::events::Event::Empty(tag) if tag.name().as_ref() == b"path" => paths += 1,
            _ => {}
        }
    }
    // Two of the paths are arrow heads.
    assert_eq!((boxes, paths), (4, 4 + 2));
}

#[test]
fn the_graph_marks_the_witness() {
    let dot = hang::dot(&[cycle()]);
    assert!(dot.contains("n0_2 -> n0_0 [label=\"waits for\", penwidth=2]"), "{dot}");
    assert!(dot.contains("n0_1 -> n0_3 [label=\"can be had from\", penwidth=1]"), "{dot}");
    assert!(dot.contains(r#"in \"WAIT\" & more"#), "{dot}");
}

#[test]
fn the_page_needs_nothing_and_lets_nothing_become_markup() {
    let page = hang::page(&Page {
        title: "a <hang>",
        analysis: analysis(),
        timelines: vec![timeline()],
        texts: vec![("Stack of 11".into(), "[<0>] drm_syncobj_wait".into())],
        reproducer: Some("int main(void) { return 0 < 1; }".into()),
    });
    // To be looked at in a browser.
    std::fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/hang.html"), &page).unwrap();
    for outside in ["http://", "https://", "src=", "@import", "url(http"] {
        let found = page.replace("http://www.w3.org/2000/svg", "").contains(outside);
        assert!(!found, "the page asks for something else: {outside}");
    }
    assert!(!page.contains("b<script>") && !page.contains("</script><b>") && !page.contains("<hang>"));
    for text in
        ["drm_syncobj_wait", "0 &lt; 1", "2 calls are left out", "prefers-color-scheme: dark", "@media print"]
    {
        assert!(page.contains(text), "{text} is not on the page");
    }
    assert_eq!(page.matches("<canvas").count(), 1);
}

#[test]
fn the_trace_for_perfetto_marks_the_witness() {
    let json: serde_json::Value = serde_json::from_str(&hang::perfetto(&cycle(), &timeline())).unwrap();
    let events = json["traceEvents"].as_array().unwrap();
    let marked: Vec<_> =
        events.iter().filter(|event| event["cat"] == "witness").map(|event| &event["name"]).collect();
    assert_eq!(marked, ["WAIT", "D1 cycle, modulo"]);
}

#[test]
fn a_session_without_waits_has_a_page_too() {
    let page = hang::page(&Page { title: "x", ..Page::default() });
    assert!(page.contains("Nobody waited for long"));
}
