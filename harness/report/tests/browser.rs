//! A hang's page in a browser: its script runs, draws the timeline, and complains of nothing.

use std::path::Path;
use std::process::{Command, Stdio};

use fencelab_fences::finding::{Call, Certainty, Finding, Kind, Said, Stuck};
use fencelab_fences::{Analysis, Row, Slice, Timeline};
use fencelab_report::hang::{self, Page};

const S: u64 = 1_000_000_000;

fn finding() -> Finding {
    Finding {
        kind: Kind::Orphan,
        certainty: Certainty::Proven,
        sentence: "nobody can bring about syncobj:1 point 7 any more".into(),
        unless: Vec::new(),
        gaps: Vec::new(),
        until_timeout: false,
        since_ns: 5 * S,
        seen_ns: 8 * S,
        ended: None,
        culprit: "syncobj:1 point 7".into(),
        stuck: vec![Stuck {
            what: "client[7]".into(),
            tid: Some(7),
            at: "DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT".into(),
            since_ns: 5 * S,
            ended: None,
        }],
        nodes: Vec::new(),
        edges: Vec::new(),
        witness: Vec::new(),
        calls: vec![Call {
            entered_ns: 5 * S,
            returned_ns: None,
            pid: 7,
            tid: 7,
            text: "ioctl(3, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, {handles=[syncobj:1@7]}) <unfinished>".into(),
            id: (0, 3),
        }],
        order: None,
        kernel: vec![Said {
            about: "client[7], state S".into(),
            text: "drm_syncobj_array_wait_timeout+0x5/0x9".into(),
        }],
    }
}

fn page() -> String {
    let slice = |from_ns, to_ns, name: &str, marked| Slice {
        from_ns,
        to_ns,
        name: name.into(),
        text: format!("ioctl(3, {name})"),
        marked,
    };
    let slices = vec![
        slice(S, Some(2 * S), "SYNCOBJ_CREATE", false),
        slice(5 * S, None, "SYNCOBJ_TIMELINE_WAIT", true),
    ];
    let rows = (0..3).map(|at| Row { name: format!("client[{at}]"), slices: slices.clone() }).collect();
    hang::page(&Page {
        title: "client",
        analysis: Analysis {
            findings: vec![finding()],
            calls: 2,
            between_ns: (0, 8 * S),
            ..Analysis::default()
        },
        timelines: vec![Timeline { rows, between_ns: (0, 8 * S), left_out: 0 }],
        texts: vec![("The kernel: possible circular locking dependency".into(), "WARNING: possible".into())],
        reproducer: Some("int main(void) { return 0; }".into()),
    })
}

#[test]
#[ignore = "needs chromium; run by ci/test"]
fn the_page_runs_in_a_browser() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    std::fs::create_dir_all(&folder).expect("make a folder");
    let path = folder.join("hang.html");
    std::fs::write(&path, page()).expect("write the page");
    let mut browser = Command::new("chromium");
    browser.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--enable-logging=stderr",
        "--virtual-time-budget=3000",
    ]);
    browser.arg(format!("--user-data-dir={}", folder.join("profile").display()));
    browser.args(["--dump-dom", &format!("file://{}", path.display())]);
    let output = browser.stdin(Stdio::null()).output().expect("run chromium");
    let (dom, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!said.contains("CONSOLE"), "the page complains: {said}");
    // Three rows of 26 pixels below an axis of 24, and 8 at the end: only the script gives the canvas its height.
    assert!(dom.contains("height: 110px"), "the timeline was not drawn: {dom}");
    for text in ["drm_syncobj_array_wait_timeout", "possible circular locking", "int main(void)", "client[7]"]
    {
        assert!(dom.contains(text), "{text} is not on the page");
    }
}
