//! Reports whose first line, which says what happened, is lost: the lines below it are banners too, and must not be taken for it.

mod common;

use common::{fixtures, reports, written};
use fencelab_klog::signature::{VERSION, is_unknown};
use fencelab_klog::{Kind, Section, Text};

/// A written report without the lines that begin so.
fn without(name: &str, lost: &[&str]) -> String {
    let written = written("others").into_iter().find(|written| written.name == name).expect("it is there");
    let kept = written.text.lines().filter(|line| !lost.iter().any(|start| line.starts_with(start)));
    kept.map(|line| format!("{line}\n")).collect()
}

#[test]
fn an_oops_or_a_kasan_report_without_its_first_line_says_so() {
    for (name, lost, kind) in [
        ("oops", &["BUG: "][..], Kind::Oops),
        ("oops-old", &["BUG: "], Kind::Oops),
        ("oops-arm64", &["Unable to handle"], Kind::Oops),
        ("oops-ppc", &["BUG: "], Kind::Oops),
        ("bug", &["-----", "kernel BUG at"], Kind::Oops),
        ("bug-arm64", &["-----", "kernel BUG at"], Kind::Oops),
        ("kasan-old", &["BUG: KASan"], Kind::Kasan),
    ] {
        let whole = reports(without(name, &["nothing"]).as_bytes());
        assert!(whole.len() == 1 && whole[0].complete, "{name}: {:?}", whole[0].missing);
        let found = reports(without(name, lost).as_bytes());
        assert_eq!(found.len(), 1, "{name}");
        let report = &found[0];
        assert_eq!((report.kind, report.complete), (kind, false), "{name}: {}", report.title);
        assert!(report.missing.contains(&Section::Banner), "{name}: {:?}", report.missing);
        assert!(is_unknown(&report.signature), "{name}: {}", report.signature);
        let text = Text(report).to_string();
        assert!(text.contains("no first line, which says what happened"), "{name}: {text}");
    }
}

#[test]
fn an_exception_that_names_its_reason_needs_no_line_above() {
    for name in ["gpf", "gpf-612", "die-divide", "stackseg", "ubsan-trap"] {
        let found = reports(without(name, &["nothing"]).as_bytes());
        assert!(found.len() == 1 && found[0].complete, "{name}: {:?}", found[0].missing);
    }
    // Another instruction than the `ud2` of a BUG().
    let log = without("bug", &["-----", "kernel BUG at"]);
    let trap = |code: &str| log.replace("Call Trace:", &format!("Code: 00 {code} 00\nCall Trace:"));
    // Whatever the kernel's flavour, it is the same bug.
    for flavour in [" PREEMPT SMP NOPTI", " SMP NOPTI", ""] {
        let log = trap("<67> 0f b9").replace(" PREEMPT SMP NOPTI", flavour);
        let report = &reports(log.as_bytes())[0];
        assert!(report.complete, "{:?}", report.missing);
        assert_eq!(report.title, "invalid opcode in foo_do");
        assert_eq!(report.signature, format!("{VERSION}:oops:invalid opcode @ foo_do"));
    }
    assert!(!reports(trap("<0f> 0b").as_bytes())[0].complete);
    // Behind the kernel's code the program's is printed.
    let both = trap("<0f> 0b").replace(" </TASK>", "Code: 00 <48> 3d\n </TASK>");
    assert!(!reports(both.as_bytes())[0].complete);
}

#[test]
fn a_check_that_lost_the_line_of_its_place_says_so() {
    for (name, lost) in [("refcount", "WARNING: "), ("list-warn", "WARNING: "), ("list", "kernel BUG at")] {
        let found = reports(without(name, &[lost]).as_bytes());
        assert!(
            found.len() == 1 && found[0].missing.contains(&Section::Place),
            "{name}: {:?}",
            found[0].missing
        );
    }
}

#[test]
fn a_warning_takes_no_sentence_of_a_report_that_began_meanwhile() {
    let oops = fixtures().into_iter().find(|(name, _)| name == "oops").expect("the fixture is there").1;
    let other = &reports(&oops)[0].text[..3];
    let warning = without("warn", &["nothing"]);
    let (banner, rest) =
        warning.split_at(warning.find("Modules").or(warning.find("CPU: 1 UID")).expect("a header"));
    let log = format!("{banner}{}\nsomebody's sentence\n{rest}", other.join("\n"));
    let found = reports(log.as_bytes());
    let warn = found.iter().find(|report| report.kind == Kind::Warn).expect("the warning is found");
    assert!(!warn.complete && warn.missing.contains(&Section::Interleaved), "{:?}", warn.missing);
    assert!(!warn.title.contains("sentence") && !warn.title.contains("#PF"), "{}", warn.title);
    assert!(warn.title.contains("drivers/gpu/drm/foo/foo.c:12"), "{}", warn.title);
}
