//! `fencelab klog` as its user has it: what it prints where, and its exit code.

#![allow(clippy::unwrap_used)] // a test may panic

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What came of a call.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../klog/tests/fixtures").join(name)
}

fn klog(arguments: &[&str], input: &[u8]) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_fencelab"))
        .arg("klog")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A call that does not read its input is no failure here.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn a_log_without_reports_says_so_and_what_it_tells_of_lockdep() {
    let quiet =
        "[    0.000000] Lock dependency validator: Copyright (c) 2006 Red Hat, Inc.\n[    1.000000] hello\n";
    for arguments in [&["--fail"][..], &["--fail", "-"]] {
        let ran = klog(arguments, quiet.as_bytes());
        assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
        assert_eq!(ran.err, "no reports in 2 lines; lockdep armed\n");
    }
    let ran = klog(&[], b"hello\n");
    assert!(ran.err.starts_with("no reports in 1 line; lockdep unknown"), "{}", ran.err);
}

#[test]
fn an_oops_is_the_end_of_lockdep_where_there_is_one() {
    let hello = "[    0.000000] Lock dependency validator: Copyright (c) 2006 Red Hat, Inc.\n";
    let oops = "[    2.000000] BUG: kernel NULL pointer dereference, address: 0000000000000010\n\
                [    2.000001] Oops: Oops: 0000 [#1] PREEMPT SMP NOPTI\n";
    let ran = klog(&[], format!("{hello}{oops}").as_bytes());
    assert!(ran.err.contains("lockdep off since 2.000001 s (line 3), the kernel oopsed"), "{}", ran.err);
    let ran = klog(&[], oops.as_bytes());
    assert!(ran.err.contains("lockdep unknown"), "{}", ran.err);
}

#[test]
fn a_report_is_drawn_with_its_rule_and_lockdep_is_off_since_then() {
    let log = std::fs::read(fixture("reclaim.log")).unwrap();
    let ran = klog(&["--fail"], &log);
    assert_eq!(ran.code, 1);
    for words in ["┌─▶ fs_reclaim", "closes the cycle", "SIG-RECLAIM", "see Documentation/", "ask: "] {
        assert!(ran.out.contains(words), "{words} is not in:\n{}", ran.out);
    }
    assert!(
        ran.err.contains("1 report in") && ran.err.contains("lockdep off since 23.668221 s (line 4)"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("by its report (circular)"), "{}", ran.err);
}

#[test]
fn a_log_of_several_boots_says_in_how_many_lockdep_went_off() {
    let start = "[    0.000000] Linux version 6.12.0 (user@host) (gcc 14.2.0) #1 SMP PREEMPT\n";
    let boot = start.to_owned() + &std::fs::read_to_string(fixture("reclaim.log")).unwrap();
    let off = klog(&[], (boot.clone() + &boot).as_bytes()).err;
    assert!(off.contains("lockdep went off in 2 boots, the last time since 23.668221 s (line "), "{off}");
    let line = boot.lines().count() + 1;
    let again = klog(&[], (boot + start).as_bytes()).err;
    assert!(
        again.contains(&format!("lockdep went off in 1 boot; the kernel started again in line {line}")),
        "{again}"
    );
}

#[test]
fn folders_are_read_and_bad_files_are_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("sub")).unwrap();
    std::fs::copy(fixture("circular.log"), dir.path().join("a.log")).unwrap();
    std::fs::copy(fixture("circular-reverse.log"), dir.path().join("sub/b.log")).unwrap();
    let folder = dir.path().to_str().unwrap();
    let ran = klog(&["--group", folder], b"");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.starts_with("2 times in 2 logs  circular: "), "{}", ran.out);
    assert!(ran.err.contains("2 reports in") && ran.err.contains("of 2 logs"), "{}", ran.err);

    let ran = klog(&["/nonexistent/log"], b"");
    assert_eq!((ran.code, ran.err.lines().count()), (3, 1), "{}", ran.err);

    std::fs::write(dir.path().join("c.log.gz"), b"\x1f\x8b\x08 packed").unwrap();
    let ran = klog(&["--json", folder, "/nonexistent/log"], b"");
    assert_eq!((ran.code, ran.out.lines().count()), (3, 2), "{}", ran.err);
    assert!(ran.err.contains("failed to open /nonexistent/log: No such file"), "{}", ran.err);
    assert!(ran.err.contains("c.log.gz: it is compressed; `zcat "), "{}", ran.err);
}

#[test]
fn what_is_no_log_is_said() {
    let packed = klog(&[], b"\x1f\x8b\x08 packed");
    assert_eq!((packed.code, packed.out.as_str()), (3, ""));
    assert_eq!(
        packed.err,
        "fencelab: failed to read standard input: it is compressed; `zcat FILE | fencelab klog` reads it\n"
    );
    let noise: Vec<u8> = (0u32..20_000).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let program = std::fs::read(env!("CARGO_BIN_EXE_fencelab")).unwrap();
    for bytes in [&noise[..], &program[..100_000]] {
        let ran = klog(&[], bytes);
        assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
        assert!(
            ran.err.starts_with("standard input looks like no kernel log: it is binary\n"),
            "{}",
            ran.err
        );
    }
    let serial = b"\0\0\x7f[    1.000000] \xc3\xa4 hello\r\n[    2.000000] \x1b[1mhello\x1b[0m\r\n";
    assert!(!klog(&[], serial).err.contains("binary"));
}

#[test]
fn a_kernel_without_lockdep_is_said() {
    let ran = klog(&["--lockdep"], b"");
    if Path::new("/proc/lockdep").exists() {
        assert!(!ran.err.contains("has no lockdep"), "{}", ran.err);
        return;
    }
    let why = "failed to read /proc/lockdep: this kernel has no lockdep (CONFIG_PROVE_LOCKING is off)";
    assert!(ran.code == 3 && ran.err.contains(why), "{} {}", ran.code, ran.err);
}

#[test]
fn cycles_are_drawn_for_other_programs() {
    let log = fixture("console.log");
    let log = log.to_str().unwrap();
    let dot = klog(&["--dot", log], b"");
    assert!(dot.out.starts_with("digraph locks {"), "{}", dot.out);
    assert!(dot.out.contains("\"dma_fence_map\" -> \"console_lock\" [color=red"), "{}", dot.out);
    let svg = klog(&["--svg", log], b"");
    assert!(svg.out.starts_with("<svg ") && svg.out.contains(">console_lock</text>"), "{}", svg.out);
    let none = klog(&["--dot"], b"hello\n");
    assert_eq!((none.code, none.out.as_str()), (0, ""));
    assert!(none.err.contains("nothing to draw"), "{}", none.err);
}

#[test]
fn lockdeps_own_tables() {
    let path = |name: &str| fixture(name).to_str().unwrap().to_owned();
    let (before, after) = (path("lockdep-before.txt"), path("lockdep-after.txt"));
    let (stats, chains) = (path("lockdep_stats.txt"), path("lockdep_chains.txt"));
    let ran = klog(&["--lockdep", &before, &stats, &chains], b"");
    assert_eq!(ran.code, 0, "{}", ran.err);
    for words in ["lockdep is armed", "40 chains", "0 taken inside signalling sections", "fs_reclaim"] {
        assert!(ran.out.contains(words), "{words} is not in:\n{}", ran.out);
    }
    assert!(ran.out.contains("signalling side not exercised"), "{}", ran.out);
    let ran = klog(&["--lockdep", &before, &after], b"");
    assert!(ran.out.contains("new since the first reading"), "{}", ran.out);
    assert!(ran.out.contains("waiting side exercised, with nothing new"), "{}", ran.out);
    let ran = klog(&["--lockdep", "--dot", &before], b"");
    assert!(ran.out.contains("\"mmu_notifier_invalidate_range_start\" -> \"dma_fence_map\""), "{}", ran.out);
    let ran = klog(&["--lockdep", &path("reclaim.log")], b"");
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("reclaim.log: it is none of /proc/lockdep"), "{}", ran.err);
}

#[test]
fn a_gate_is_not_green_on_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().to_str().unwrap();
    for (arguments, input) in [
        (&["--fail"][..], &b""[..]),
        (&["--fail", folder], b""),
        (&["--fail"], &[0u8, 1, 2, 0xff].repeat(300)),
    ] {
        let ran = klog(arguments, input);
        assert_eq!((ran.code, ran.out.as_str()), (3, ""), "{}", ran.err);
        assert!(ran.err.contains("failed to find a line of a log"), "{}", ran.err);
        // Without --fail nothing is asked of it.
        assert_eq!(klog(&arguments[1..], input).code, 0);
    }
    let log = fixture("circular.log");
    let ran = klog(&["--fail", log.to_str().unwrap(), "/nonexistent/log"], b"");
    assert_eq!(ran.code, 1, "{}", ran.err);
    std::fs::write(dir.path().join("quiet.log"), b"[    1.000000] hello\n").unwrap();
    assert_eq!(klog(&["--fail", folder], b"").code, 0);
    assert_eq!(klog(&["--fail", folder, "/nonexistent/log"], b"").code, 3);
}

#[test]
fn each_report_says_which_log_it_is_of() {
    let (one, two) = (fixture("circular.log"), fixture("oops.log"));
    let (one, two) = (one.to_str().unwrap(), two.to_str().unwrap());
    let source = |line: &str| {
        let report: serde_json::Value = serde_json::from_str(line).unwrap();
        let keys: Vec<&String> = report.as_object().unwrap().keys().collect();
        assert!(keys.iter().any(|key| *key == "source"), "{keys:?}");
        report["source"].as_str().unwrap().to_owned()
    };
    let both = klog(&["--json", one, two], b"");
    assert_eq!(both.out.lines().map(source).collect::<Vec<_>>(), [one, two]);
    let piped = klog(&["--json"], &std::fs::read(one).unwrap());
    assert_eq!(piped.out.lines().map(source).collect::<Vec<_>>(), ["standard input"]);
    let text = klog(&[one, two], b"").out;
    assert!(text.contains(&format!("{one}, lines ")) && text.contains(&format!("{two}, lines ")), "{text}");
    assert!(!klog(&[one], b"").out.contains(one), "of one log nobody need be told");
}

#[test]
fn first_and_last_are_told_by_the_clock_and_not_by_the_order_of_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let log = |name: &str, stamp: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, format!("{stamp}BUG: MAX_LOCKDEP_ENTRIES too low!\n")).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let early = log("z.log", "2026-11-14T12:00:00+00:00 host kernel: ");
    let late = log("a.log", "2026-11-15T12:00:00+00:00 host kernel: ");
    for files in [[&early, &late], [&late, &early]] {
        let ran = klog(&["--group", files[0], files[1]], b"");
        let expected = format!(
            "first {early}:1 at 2026-11-14T12:00:00+00:00, last {late}:1 at 2026-11-15T12:00:00+00:00 (by the wall clock)"
        );
        assert!(ran.out.contains(&expected), "{}", ran.out);
        let json = klog(&["--group", "--json", files[0], files[1]], b"").out;
        assert!(json.contains("\"order\":\"wall-clock\""), "{json}");
    }
    let (boot, bare) = (log("b.log", "[   12.000000] "), log("c.log", ""));
    assert!(klog(&["--group", &late, &boot], b"").out.contains("(in the order read"));
    assert!(klog(&["--group", &bare, &boot], b"").out.contains("(in the order read"));
    let sooner = log("d.log", "[    2.000000] ");
    let ran = klog(&["--group", &boot, &sooner], b"");
    assert!(
        ran.out.contains(&format!("first {sooner}:1")) && ran.out.contains("(by the time since boot)"),
        "{}",
        ran.out
    );
}

#[test]
fn the_parts_of_a_crash_dump_are_one_log() {
    let dir = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(fixture("oops.log")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let chunks: Vec<&[&str]> = lines.chunks(lines.len() / 3 + 1).collect();
    let mut files = Vec::new();
    for (at, chunk) in chunks.iter().enumerate() {
        let part = chunks.len() - at;
        // Time, part and count, as efi-pstore names them; by name the newest part comes first.
        let path = dir.path().join(format!("dmesg-efi-1763123456{part:02}001"));
        std::fs::write(&path, format!("Oops#1 Part{part}\n{}", chunk.join("\n"))).unwrap();
        files.push(path.to_str().unwrap().to_owned());
    }
    let alone = klog(&["--json", fixture("oops.log").to_str().unwrap()], b"").out;
    let fact = |json: &str, key: &str| serde_json::from_str::<serde_json::Value>(json).unwrap()[key].clone();
    let folder = dir.path().to_str().unwrap();
    for arguments in [vec!["--json", folder], vec!["--json", &files[1], &files[0], &files[2]]] {
        let ran = klog(&arguments, b"");
        assert_eq!(ran.out.lines().count(), 1, "{}{}", ran.out, ran.err);
        for key in ["kind", "signature", "frames", "complete", "task"] {
            assert_eq!(fact(&ran.out, key), fact(&alone, key), "{key}");
        }
        assert_eq!(fact(&ran.out, "source"), format!("{folder}/dmesg-efi Oops#1"));
    }
    // A dump of another time is another log, and one without its middle says so.
    std::fs::write(
        dir.path().join("dmesg-efi-176312999901001"),
        "Oops#1 Part1\n<4>[    1.000000] BUG: MAX_LOCKDEP_ENTRIES too low!\n",
    )
    .unwrap();
    std::fs::remove_file(&files[1]).unwrap();
    let ran = klog(&["--json", folder], b"");
    assert!(
        ran.err.contains("of 2 logs") && ran.err.contains("1 loss that nobody knows the size of"),
        "{}",
        ran.err
    );
    std::fs::write(dir.path().join("dmesg-ramoops-0.enc.z"), b"xyz").unwrap();
    let ran = klog(&[folder], b"");
    assert!(ran.code == 3 && ran.err.contains("could not unpack it"), "{} {}", ran.code, ran.err);
}

/// `/var/lib/systemd/pstore/TIME/COUNT/`: the pieces, and `dmesg.txt`, to which each was appended, the oldest first.
#[test]
fn a_dump_that_systemd_kept_in_pieces_and_joined_counts_once() {
    let dir = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(fixture("oops.log")).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let chunks: Vec<String> = lines.chunks(25).map(|lines| lines.concat()).collect();
    let pieces: Vec<String> = chunks
        .iter()
        .enumerate()
        .map(|(at, chunk)| format!("Oops#1 Part{}\n{chunk}", chunks.len() - at))
        .collect();
    assert!(pieces.len() > 1);
    let signature =
        |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap()["signature"].clone();
    let alone = klog(&["--json", fixture("oops.log").to_str().unwrap()], b"").out;
    for (folder, below) in [("1763123456", "001"), ("1763123456", ""), ("5943", "")] {
        let kept = dir.path().join(folder).join(below);
        std::fs::create_dir_all(&kept).unwrap();
        for (at, piece) in pieces.iter().enumerate() {
            let name = format!("dmesg-efi-1763123456{:02}001", pieces.len() - at);
            std::fs::write(kept.join(name), piece).unwrap();
        }
        let joined = kept.join("dmesg.txt");
        std::fs::write(&joined, pieces.concat()).unwrap();
        let ran = klog(&["--json", dir.path().to_str().unwrap()], b"");
        assert_eq!(ran.out.lines().count(), 1, "{}{}", ran.out, ran.err);
        assert_eq!(signature(&ran.out), signature(&alone));
        assert!(ran.out.contains("dmesg.txt"), "{}", ran.out);
        // A piece that the joined log lacks is another dump's.
        std::fs::write(kept.join("dmesg-erst-1"), pieces.concat().replace("oopses", "others")).unwrap();
        assert_eq!(klog(&["--json", dir.path().to_str().unwrap()], b"").out.lines().count(), 2);
        // Without it the pieces are one log, as they are in /sys/fs/pstore.
        std::fs::remove_file(&joined).unwrap();
        std::fs::remove_file(kept.join("dmesg-erst-1")).unwrap();
        assert_eq!(klog(&["--json", dir.path().to_str().unwrap()], b"").out.lines().count(), 1);
        std::fs::remove_dir_all(dir.path().join(folder)).unwrap();
    }
}

#[test]
fn a_table_that_breaks_off_or_lacks_chains_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let written = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let chains = std::fs::read_to_string(fixture("lockdep_chains.txt")).unwrap();
    let classes = std::fs::read_to_string(fixture("lockdep-before.txt")).unwrap();
    let full = written("full", &format!("(buggered) {chains}"));
    let (cut_chains, cut_classes) =
        (written("chains", &chains[..chains.len() - 9]), written("classes", &classes[..classes.len() - 9]));
    let text = klog(&["--lockdep", &full], b"").out;
    assert!(text.contains("40 chains") && text.contains("calls this table buggered"), "{text}");
    let json =
        |arguments: &[&str]| serde_json::from_str::<serde_json::Value>(&klog(arguments, b"").out).unwrap();
    let whole = json(&["--lockdep", "--json", &full]);
    assert_eq!((&whole["buggered"], whole["cut"].as_array().map(Vec::len)), (&true.into(), Some(0)));
    let cut = json(&["--lockdep", "--json", &cut_classes, &cut_chains]);
    assert_eq!((&cut["buggered"], cut["cut"].as_array().map(Vec::len)), (&false.into(), Some(2)));
    assert_eq!(
        (&cut["cut"][0]["source"], &cut["cut"][1]["line"]),
        (&cut_classes.clone().into(), &(chains.lines().count() - 1).into())
    );
    let text = klog(&["--lockdep", &cut_classes, &cut_chains], b"").out;
    assert!(
        text.starts_with(&format!("{cut_classes} breaks off in line {}", classes.lines().count() - 1)),
        "{text}"
    );
    assert!(text.contains("contract coverage, in all:\n  at least: the table breaks off"), "{text}");
    assert!(json(&["--lockdep", "--json", &cut_classes])["buggered"].is_null());
    let whole_classes = fixture("lockdep-before.txt").to_str().unwrap().to_owned();
    let coverage = |files: [&str; 2]| json(&["--lockdep", "--json", files[0], files[1]])["coverage"].clone();
    let (later, before) =
        (coverage([&whole_classes, &cut_classes]), coverage([&cut_classes, &whole_classes]));
    assert_eq!([&later["cut"], &later["cut_before"]], [true, false]);
    assert_eq!([&before["cut"], &before["cut_before"]], [false, true]);
    let text = klog(&["--lockdep", &cut_classes, &whole_classes], b"").out;
    assert!(text.contains("the first reading breaks off: what counts as new may have been known"), "{text}");
    let header = written("header", "all lock classes:\n000 FD: 1 BD");
    let text = klog(&["--lockdep", &header], b"").out;
    assert!(text.contains("signalling side: nobody knows, the table breaks off"), "{text}");
    // The last table is whole, and has no edge of that side.
    let text = klog(&["--lockdep", &header, &whole_classes], b"").out;
    let unknown = "signalling side: not in the last reading, and of the first nobody knows: it breaks off";
    assert!(text.contains(unknown) && !text.contains("the table breaks off"), "{text}");
}

#[test]
fn the_exit_codes_are_those_of_the_help() {
    let log = fixture("circular.log");
    let log = log.to_str().unwrap();
    let help = klog(&["--help"], b"").out;
    for line in [
        "  1  with --fail: something is reported, even if other input could not be read",
        "  3  an input could not be read",
    ] {
        assert!(help.contains(line), "{help}");
    }
    let doc = include_str!("../../../docs/klog.md");
    for row in [
        "| 1 | with `--fail`: something is reported, even if",
        "| 3 | an input could not be read",
        "| 0 | otherwise; with",
    ] {
        assert!(doc.contains(row), "{row}");
    }
    let quiet = b"[    1.000000] hello\n";
    for (arguments, code) in [
        (&["--fail", log][..], 1),
        (&["--fail", log, "/nonexistent/log"], 1),
        (&[log, "/nonexistent/log"], 3),
        (&[log], 0),
        (&["--fail", "/nonexistent/log"], 3),
        (&["--fail"], 0),
    ] {
        assert_eq!(klog(arguments, quiet).code, code, "{arguments:?}");
    }
    // Somebody takes the flag for one with a value.
    for value in ["SIG-RECLAIM", "circular"] {
        let ran = klog(&["--fail", value, "/nonexistent/log"], b"");
        assert!(ran.code == 3 && ran.err.contains("--fail takes no value"), "{} {}", ran.code, ran.err);
    }
}
