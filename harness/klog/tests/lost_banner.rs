//! Reports whose first line, which says what happened, is lost: the lines below it are banners too, and must not be taken for it.

mod common;

use common::{fixtures, reports, written};
use fencelab_klog::group::Groups;
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
        // Where an oops happened tells it from others.
        let known = kind == Kind::Oops && report.signature.contains(":oops:unknown (no first line) @ ");
        assert!(known != is_unknown(&report.signature), "{name}: {}", report.signature);
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
fn what_the_kernel_dies_of_without_a_bug_is_named() {
    let cfi = "CFI failure (target: bar_show)";
    let external = "Synchronous External Abort: synchronous external abort (0x96000210)";
    for (name, message) in [
        ("cfi", cfi),
        ("cfi-riscv", "CFI failure"),
        ("cfi-arm64", cfi),
        ("external-abort-arm64", external),
        ("prefetch-abort-arm", "Unhandled prefetch abort: unknown 16 (0x010)"),
    ] {
        let log = without(name, &["nothing"]);
        let found = reports(log.as_bytes());
        assert_eq!(found.len(), 1, "{name}");
        assert!(found[0].complete, "{name}: {:?}", found[0].missing);
        assert_eq!(found[0].title, format!("{message} in foo_do"));
        let address = found[0].details.address.as_deref();
        assert_eq!(address.is_some(), name.contains("-abort-"), "{name}: {address:?}");
        // The line above the one that the kernel dies with may still be lost.
        if name != "cfi-arm64" {
            let lost = &reports(log.split_once('\n').expect("it has lines").1.as_bytes())[0];
            assert_eq!(lost.missing, [Section::Banner], "{name}");
            assert_eq!(lost.signature, format!("{VERSION}:oops:unknown (no first line) @ foo_do"));
        }
    }
    let warning = &reports(without("cfi-permissive", &["nothing"]).as_bytes())[0];
    assert!(warning.complete, "{:?}", warning.missing);
    assert_eq!(warning.title, format!("WARNING: {cfi} in foo_do"));
    assert_eq!(warning.signature, format!("{VERSION}:warn:{cfi} @ foo_do"));
}

#[test]
fn an_oops_without_its_first_line_groups_by_its_function() {
    let log = without("bug", &["-----", "kernel BUG at"]);
    let mut groups = Groups::default();
    for log in [&log, &log, &log.replace("foo_do", "foo_other")] {
        groups.add("log", &reports(log.as_bytes())[0]);
    }
    assert_eq!(groups.into_bugs().iter().map(|bug| bug.count).collect::<Vec<_>>(), [2, 1]);
}

#[test]
fn a_program_s_fault_is_no_report() {
    for name in ["external-abort-arm64", "prefetch-abort-arm"] {
        let log = without(name, &["nothing"]);
        let first = log.lines().next().expect("it has lines");
        let after = "[00000000] *pgd=00000000\nusb 1-1: new device\n";
        assert!(reports(format!("{first}\n{after}").as_bytes()).is_empty(), "{name}");
        // Of what the log has lost nobody knows.
        let lossy = reports(format!("{first}\n** 12 printk messages dropped **\n{after}").as_bytes());
        assert!(lossy.len() == 1 && lossy[0].missing.contains(&Section::Messages), "{name}");
    }
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
