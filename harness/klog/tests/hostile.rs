//! Logs that somebody wrote to mislead or to stall, and what a careful reader must not conclude from them.

mod common;

use common::{fixtures, reports};
use fencelab_klog::{Event, Kind, Options, Parser, Section, parse_log};

fn fixture(name: &str) -> String {
    let log = fixtures().into_iter().find(|(other, _)| other == name).expect("the fixture is there").1;
    String::from_utf8(log).expect("the fixture is text")
}

fn ids(report: &fencelab_klog::Report) -> Vec<&'static str> {
    report.rules.iter().map(|rule| rule.id).collect()
}

/// A cycle of `&b->lock` and `&a->lock`, closed in a signalling section that is no part of it; `more` stands above the two.
fn cycle_in_a_section(more: &str) -> String {
    format!(
        "WARNING: possible circular locking dependency detected\ntest/7 is trying to acquire lock:\n\
         ffff888100000000 (&a->lock){{+.+.}}-{{3:3}}, at: foo_two+0x1/0x2 [foo]\n\nbut task is already holding lock:\n\
         ffff888100000001 (&b->lock){{+.+.}}-{{3:3}}, at: foo_one+0x1/0x2 [foo]\n\n\
         the existing dependency chain (in reverse order) is:\n{more}\n\
         -> #1 (&b->lock){{+.+.}}-{{3:3}}:\n       lock_acquire+0x1/0x2\n       foo_three+0x1/0x2 [foo]\n\n\
         -> #0 (&a->lock){{+.+.}}-{{3:3}}:\n       lock_acquire+0x1/0x2\n       foo_two+0x1/0x2 [foo]\n\n\
         2 locks held by test/7:\n #0: ffff888100000002 (dma_fence_map){{++++}}-{{0:0}}, at: foo_work+0x1/0x2 [foo]\n \
         #1: ffff888100000001 (&b->lock){{+.+.}}-{{3:3}}, at: foo_one+0x1/0x2 [foo]\n\n\
         stack backtrace:\nCall Trace:\n <TASK>\n lock_acquire+0x1/0x2\n foo_two+0x1/0x2 [foo]\n </TASK>\n"
    )
}

#[test]
fn a_lock_is_called_tainted_only_where_the_chain_shows_it() {
    // That a section was open while two locks deadlocked breaks no rule of fences.
    let plain = reports(cycle_in_a_section("").as_bytes());
    assert_eq!((plain[0].complete, ids(&plain[0])), (true, vec![]));
    let link =
        "\n-> #2 (fs_reclaim){+.+.}-{0:0}:\n       lock_acquire+0x1/0x2\n       foo_alloc+0x1/0x2 [foo]\n";
    let tainted =
        cycle_in_a_section(link).replace("&b->lock){+.+.}-{3:3}, at", "fs_reclaim){+.+.}-{0:0}, at");
    assert!(ids(&reports(tainted.as_bytes())[0]).contains(&"SIG-TAINTED"));
    // A task that locks twice shows nothing of allocations and waits.
    let recursive = cycle_in_a_section("")
        .replace("circular locking dependency", "recursive locking")
        .replace("&b->lock", "&a->lock");
    let recursive = reports(recursive.as_bytes());
    assert_eq!((recursive[0].kind, ids(&recursive[0])), (Kind::Recursive, vec![]));
    // Unless it reclaimed in between.
    let reclaims = cycle_in_a_section("")
        .replace("circular locking dependency", "recursive locking")
        .replace("dma_fence_map", "&a->lock")
        .replace(
            "&b->lock){+.+.}-{3:3}, at: foo_one+0x1/0x2 [foo]\n\nthe",
            "&a->lock){+.+.}-{3:3}, at: foo_one+0x1/0x2 [foo]\n\nthe",
        )
        .replace("#1: ffff888100000001 (&b->lock)", "#1: ffff888100000001 (fs_reclaim)")
        .replace("foo_two", "shrink_slab");
    assert_eq!(ids(&reports(reclaims.as_bytes())[0]), ["RECLAIM-TAINT"]);
}

#[test]
fn a_hole_in_the_chain_is_no_edge() {
    let link =
        "\n-> #3 (fs_reclaim){+.+.}-{0:0}:\n       lock_acquire+0x1/0x2\n       foo_alloc+0x1/0x2 [foo]\n";
    let log = cycle_in_a_section(link).replace("&b->lock", "&adev->notifier_lock");
    let report = &reports(log.as_bytes())[0];
    assert_eq!((report.complete, &report.missing[..]), (false, &[Section::Chain][..]));
    // -> #1 to -> #3 would be an allocation under the notifier's lock; -> #2 may have let it go.
    assert!(!ids(report).contains(&"UPTR-NOALLOC"), "{:?}", ids(report));
}

#[test]
fn what_was_lost_inside_a_report_is_said() {
    let line = |seq: u64, text: &str| format!("4,{seq},{},-,caller=T7;{text}\n", 5_000_000 + seq);
    let messages = reports(fixture("warn").as_bytes())[0].text.clone();
    for (hole, lossy) in [(usize::MAX, false), (0, false), (12, true)] {
        let mut parser = Parser::new(Options::default());
        let mut seq = 100;
        for (at, text) in messages.iter().enumerate() {
            seq += 1 + u64::from(at == hole);
            parser.push_record(line(seq, text).as_bytes());
        }
        parser.finish();
        let report = parser.drain().find_map(Event::into_report).expect("a report");
        assert_eq!((report.complete, report.missing.contains(&Section::Messages)), (!lossy, lossy));
    }
    let mut lines: Vec<String> = fixture("warn").lines().map(str::to_owned).collect();
    lines.insert(20, "** 17 printk messages dropped **".to_owned());
    assert_eq!(reports(lines.join("\n").as_bytes())[0].missing, [Section::Messages]);
}

/// A driver may print anything, and so may whoever names a task.
#[test]
fn a_banner_inside_another_line_is_no_report() {
    for line in [
        "audit: type=1300 comm=\"BUG: unable to handle\" exe=\"/bin/x\"",
        "Kernel command line: foo=\"BUG: sleeping function called from invalid context\"",
        "systemd[1]: WARNING: possible circular locking dependency detected",
        "INFO: task",
        "WARNING: ",
        "BUG: MAX_",
    ] {
        let log = format!("[    5.000000] {line}\n[   90.000000] usb 1-1: later\n");
        let kinds: Vec<Kind> = reports(log.as_bytes()).iter().map(|report| report.kind).collect();
        assert!(kinds.iter().all(|kind| *kind == Kind::Bug && line == "BUG: MAX_"), "{line}: {kinds:?}");
    }
    let named = fixture("warn").replace("Comm: bash", "Comm: BUG: KASAN: x");
    assert_eq!(reports(named.as_bytes()).iter().map(|report| report.kind).collect::<Vec<_>>(), [Kind::Warn]);
}

/// Each of these lines once made some step look at all of it for each of its parts; the benchmark tells what they cost.
#[test]
fn lines_that_never_end_their_brackets_stay_within_the_bounds() {
    let parts = [
        " (a){",
        "){",
        "( ",
        "(a/",
        "a:",
        "[<ffffffff81000000>] ",
        "-> #1 (a){....}-{0:0} ",
        "lock(",
        "<a> ",
    ];
    let lines = parts.map(|part| format!(" a+0x1/0x2 {}}}\n", part.repeat(8000 / part.len())));
    let mut log = String::from(
        "WARNING: possible circular locking dependency detected\nt/3 is trying to acquire lock:\n",
    );
    (0..20).for_each(|_| log.extend(lines.iter().map(String::as_str)));
    let options = Options { report_bytes: 200_000, ..Options::default() };
    let report =
        parse_log(log.as_bytes(), options).into_iter().find_map(Event::into_report).expect("a report");
    assert!(!report.complete && report.text.iter().map(String::len).sum::<usize>() < 300_000);
}

#[test]
fn a_task_with_thousands_of_locks_gets_no_edge_for_each() {
    let held: String = (0..2000)
        .map(|n| format!(" #{n}: ffff888100000000 (dma_fence_map{n}){{+.+.}}-{{3:3}}, at: f+0x1/0x2\n"))
        .collect();
    let log = cycle_in_a_section("")
        .replace("2 locks held", "2000 locks held")
        .replace(" #0: ffff", &format!("{held} #0: ffff"));
    let report = &reports(log.as_bytes())[0];
    assert!(
        report.held.len() >= 2000 && report.rules.len() < 50,
        "{} {}",
        report.held.len(),
        report.rules.len()
    );
}

#[test]
fn one_oops_that_a_lock_report_interrupts_is_one() {
    let (oops, lock) = (fixture("oops"), fixture("reclaim"));
    let message = |line: &str| {
        line.split_once("] ").map_or(line, |(_, text)| text).trim_start_matches("[   T77] ").to_owned()
    };
    let oops: Vec<String> = oops.lines().map(message).collect();
    let lock: Vec<String> = lock.lines().map(message).collect();
    let banner = oops.iter().position(|line| line.starts_with("BUG: ")).expect("a banner") + 1;
    let lines = oops[..banner].iter().chain(&lock[..20]).chain(&oops[banner..]).chain(&lock[20..]);
    let log: String = lines.enumerate().map(|(at, text)| format!("[    5.{at:06}] {text}\n")).collect();
    let kinds: Vec<Kind> = reports(log.as_bytes()).iter().map(|report| report.kind).collect();
    assert_eq!(kinds, [Kind::Oops, Kind::Circular], "{log}");
}

#[test]
fn two_oopses_at_once_do_not_become_one() {
    let one =
        ["BUG: unable to handle page fault for address: ffff888100000000", "Oops: 0002 [#1] PREEMPT SMP"];
    let two =
        ["BUG: unable to handle page fault for address: ffff888100000008", "Oops: 0002 [#2] PREEMPT SMP"];
    let rest = "RIP: 0010:foo_do+0x12/0x30 [foo]\nCall Trace:\n <TASK>\n foo_ioctl+0x1/0x2 [foo]\n </TASK>\n---[ end trace 0 ]---\n";
    let log = format!("{}\n{}\n{}\n{rest}", one.join("\n"), two[0], two[1]);
    let found = reports(log.as_bytes());
    assert!(found.len() == 2 && found.iter().all(|report| report.kind == Kind::Oops), "{found:#?}");
}

#[test]
fn a_lock_report_does_not_begin_above_a_warning() {
    let lock = fixture("reclaim");
    let log = format!("[   23.000000] ------------[ cut here ]------------\n{lock}");
    let found = reports(log.as_bytes());
    assert_eq!((found.len(), found[0].kind), (1, Kind::Circular));
    assert!(found[0].text.iter().all(|line| !line.contains("cut here")));
}

#[test]
fn a_warning_that_a_mailer_broke_behind_its_module_is_the_same() {
    let line = "WARNING: drivers/gpu/drm/foo/foo.c:12 at foo_do+0x12/0x30 [foo], CPU#1: cat/812";
    let log = |line: &str| {
        format!(
            "------------[ cut here ]------------\n{line}\nCall Trace:\n <TASK>\n foo_ioctl+0x1/0x2 [foo]\n </TASK>\n---[ end trace 0000000000000000 ]---\n"
        )
    };
    let signature = |line: &str| reports(log(line).as_bytes())[0].signature.clone();
    assert_eq!(signature(&line.replace(", CPU", ",\nCPU")), signature(line));
}
