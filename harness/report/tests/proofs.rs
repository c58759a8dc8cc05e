//! Proofs as they are shown: one of each fate.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use fencelab_report::exit::Exit;
use fencelab_report::proofs::{self, FORMATS};
use fencelab_rules::{Control, Explained, Judgement, Knob, Proof, Proofs, Seen, Subject};

const KNOBS: &str = "\
runjob-gfp-kernel\tamdgpu\tSCHED-RUNJOB,SIG-RECLAIM\t08\tcircular\tcs\trun_job allocates with GFP_KERNEL
reset-console-lock\tamdgpu\tSIG-CONSOLE\t15\tcircular\thang\tthe reset takes console_lock <&>
fence-never\tamdgpu\tFENCE-TIME\t-\tgraph|fail\tcs\tthe fence in the job's out-syncobj never signals
import-map-unlocked\tamdgpu\tBUF-HELD\t-\twarn\tprime-import\tthe import maps without the reservation
";

fn proof(knob: &Knob, judgement: Judgement, why: &str, seen: Option<Seen>) -> Proof {
    Proof {
        name: knob.name.clone(),
        subject: Subject::Knob(knob.clone()),
        kernel: "stock".into(),
        case: "submit/tour@amdgpu-twin".into(),
        judgement,
        why: why.into(),
        seen,
        session: format!("stock/{}", knob.name),
        took_ms: 9_000,
    }
}

fn seen(kind: &str, rules: &[&str]) -> Option<Seen> {
    Some(Seen {
        kind: kind.into(),
        title: "fs_reclaim taken under dma_fence_map".into(),
        rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
        case: Some("submit/tour@amdgpu-twin".into()),
        how: "worker".into(),
        thread: Some("kworker/u8:2/41".into()),
        entry: Some("drm_sched_run_job_work".into()),
        call: Some(
            "after DRM_IOCTL_AMDGPU_CS on fd 5 (amdgpu-twin renderD128), by thread 40, called 0.4 ms before"
                .into(),
        ),
        file: "stock/x/splats/boot-1.txt".into(),
    })
}

fn mixed() -> Proofs {
    let knobs = Knob::parse_list(KNOBS).unwrap();
    Proofs {
        fencelab: "0.1.0".into(),
        bench: "vm".into(),
        began_ms: 1_764_100_000_000,
        took_ms: 185_000,
        complete: true,
        whole: true,
        proofs: vec![
            proof(&knobs[0], Judgement::Attributed, "", seen("circular", &["SCHED-RUNJOB", "SIG-RECLAIM"])),
            proof(&knobs[1], Judgement::Missed, "no circular was reported, and of the case: it passed", None),
            proof(&knobs[2], Judgement::NotRun, "the case was skipped: no syncobjs", None),
            proof(
                &knobs[3],
                Judgement::Misattributed,
                "laid to the case by the time alone",
                seen("warn", &["BUF-HELD"]),
            ),
        ],
        controls: vec![
            Control {
                kernel: "stock".into(),
                case: "submit/tour@amdgpu-twin".into(),
                knobs: vec!["runjob-gfp-kernel".into(), "fence-never".into()],
                silent: true,
                why: String::new(),
                false_reports: 0,
            },
            Control {
                kernel: "stock".into(),
                case: "prime/import-job@vgem+amdgpu-twin".into(),
                knobs: vec!["import-map-unlocked".into()],
                silent: false,
                why: "warn: WARNING at dma-buf.c:1110".into(),
                false_reports: 1,
            },
        ],
        kernels: [("stock".to_owned(), "6.12.90".to_owned())].into(),
        explained: vec![Explained { row: 7, reason: "its code is the driver's own".into() }],
    }
}

fn good() -> Proofs {
    let mut good = mixed();
    good.whole = false;
    good.proofs.truncate(1);
    good.controls.truncate(1);
    good
}

fn rendered(proofs: &Proofs, name: &str) -> String {
    let format = FORMATS.iter().find(|format| format.name == name).unwrap();
    let mut text = Vec::new();
    (format.write)(proofs, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn every_fate_is_shown() {
    insta::assert_snapshot!("proofs-text", rendered(&mixed(), "text"));
    insta::assert_snapshot!("proofs-text-good", rendered(&good(), "text"));
    insta::assert_snapshot!("proofs-junit", rendered(&mixed(), "junit"));
    let html = rendered(&mixed(), "html");
    insta::assert_snapshot!("proofs-html", html.split_once("</style>").unwrap().1);
}

#[test]
fn every_xml_parses_and_nothing_is_taken_for_markup() {
    for proofs in [mixed(), good(), Proofs::default()] {
        let xml = rendered(&proofs, "junit");
        let mut reader = quick_xml::Reader::from_str(&xml);
        while !matches!(reader.read_event().unwrap(), quick_xml::events::Event::Eof) {}
    }
    assert!(!rendered(&mixed(), "html").contains("console_lock <&>"));
}

#[test]
fn a_miss_or_a_false_report_is_a_finding_and_what_was_not_run_is_none() {
    assert_eq!(proofs::exit(&mixed()), Exit::Findings);
    assert_eq!(proofs::exit(&good()), Exit::Clean);
    let mut noisy = good();
    noisy.controls[0].silent = false;
    assert_eq!(proofs::exit(&noisy), Exit::Findings);
    let mut stopped = good();
    stopped.complete = false;
    assert_eq!(proofs::exit(&stopped), Exit::Infrastructure);
    let mut skipped = good();
    skipped.proofs[0].judgement = Judgement::NotRun;
    assert_eq!(proofs::exit(&skipped), Exit::Infrastructure);
}
