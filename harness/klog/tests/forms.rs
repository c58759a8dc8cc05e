//! Our own guests' reports, printed again as other consoles, log daemons, mails and web pages would: the structure is the
//! same, whoever wrote the log down.

mod common;

use common::{fixtures, messages, reports, whole_structure};
use fencelab_klog::Section;

/// How a line is written: microseconds since boot and message in, the line out.
type Form = fn(u64, &str) -> String;

/// printk's own time.
fn boot(us: u64) -> String {
    format!("[{:5}.{:06}]", us / 1_000_000, us % 1_000_000)
}

const FORMS: &[(&str, Form)] = &[
    ("bare", |_, text| text.to_owned()),
    ("dmesg", |us, text| format!("{} {text}", boot(us))),
    ("dmesg with callers", |us, text| format!("{}[   T77] {text}", boot(us))),
    ("dmesg --ctime", |_, text| format!("[Sat Nov 14 12:34:56 2026] {text}")),
    ("dmesg --ctime in German", |_, text| format!("[Sa Nov 14 12:34:56 2026] {text}")),
    ("dmesg --reltime", |_, text| format!("[  +0.000012] {text}")),
    ("dmesg --show-delta", |us, text| {
        format!("[{}.{:06} <    0.000012>] {text}", us / 1_000_000, us % 1_000_000)
    }),
    ("dmesg --time-format iso", |_, text| format!("2026-11-14T12:34:56,123456+00:00 {text}")),
    ("dmesg --decode", |us, text| format!("kern  :warn  : {} {text}", boot(us))),
    ("serial console", |us, text| format!("<4>{} {text}\r", boot(us))),
    ("serial console in colour", |us, text| format!("\x1b[32m{} \x1b[0m\x1b[1m{text}\x1b[0m", boot(us))),
    ("serial logger", |us, text| format!("[2026-11-14 12:34:56.123] {} {text}", boot(us))),
    ("serial logger, time only", |_, text| format!("[12:34:56] {text}")),
    ("LAVA", |us, text| format!("26-11-14 12:34:56 R SERIAL> {} {text}", boot(us))),
    ("kernelci", |us, text| format!("2026-11-14T12:34:56.123456  <4>{} {text}", boot(us))),
    ("Xen", |us, text| format!("(d1) {} {text}", boot(us))),
    ("grep -n", |us, text| format!("{us}:{} {text}", boot(us))),
    ("syslog", |us, text| format!("Nov 14 12:34:56 host kernel: {} {text}", boot(us))),
    ("syslog without the kernel's time", |_, text| format!("Nov  4 12:34:56 my-host.lan kernel: {text}")),
    ("a host's name and no time", |_, text| format!("my-host.lan kernel: {text}")),
    ("a host's name and callers", |_, text| format!("host kernel: [   T77] {text}")),
    ("syslog with callers alone", |_, text| format!("Nov 14 12:34:56 host kernel: [   T77] {text}")),
    ("syslogd to every terminal", |us, text| format!("kernel:{} {text}", boot(us))),
    ("ChromeOS", |us, text| format!("2026-11-14T12:34:56.123456Z WARNING kernel: {} {text}", boot(us))),
    ("journalctl -o short-precise", |_, text| format!("Nov 14 12:34:56.123456 host kernel: {text}")),
    ("journalctl -o short-full", |_, text| format!("Sat 2026-11-14 12:34:56 UTC host kernel: {text}")),
    ("journalctl -o short-unix", |_, text| format!("1763123696.123456 host kernel: {text}")),
    ("journalctl -o short-monotonic", |us, text| format!("{} host kernel: {text}", boot(us))),
    ("journalctl -o json", |us, text| {
        let entry = serde_json::json!({"_TRANSPORT": "kernel", "MESSAGE": text, "_SOURCE_MONOTONIC_TIMESTAMP": us.to_string()});
        entry.to_string()
    }),
    ("journalctl -o export", |us, text| {
        format!("__CURSOR=s=1\n_TRANSPORT=kernel\n_SOURCE_MONOTONIC_TIMESTAMP={us}\nMESSAGE={text}\n")
    }),
    ("journalctl -o verbose", |us, text| {
        format!(
            "Sat 2026-11-14 12:34:56.123456 UTC [s=1;i=2]\n    _TRANSPORT=kernel\n    MESSAGE={text}\n    _SOURCE_MONOTONIC_TIMESTAMP={us}"
        )
    }),
    ("/dev/kmsg", |us, text| format!("4,{},{us},-,caller=T7;{text}\n SUBSYSTEM=drm", us / 1000)),
    ("netconsole with release", |us, text| format!("6.12.0,4,{},{us},-;{text}", us / 1000)),
    ("MediaTek", |us, text| {
        format!("<4>[{}.{:06}] (1)[123:kworker/1:1]{text}", us / 1_000_000, us % 1_000_000)
    }),
    ("Samsung", |us, text| {
        format!("<4>[{}.{:06}]  [1:    kworker/1:1:  123] {text}", us / 1_000_000, us % 1_000_000)
    }),
    ("HiSilicon", |us, text| format!("{} [pid:123,cpu1,kworker/1:1] {text}", boot(us))),
    ("logcat -v threadtime", |_, text| format!("11-14 12:34:56.123     0     0 W         : {text}")),
    ("MediaTek with interrupts off", |us, text| {
        format!("<4>[{}.{:06}] -(1)[123:kworker/1:1]{text}", us / 1_000_000, us % 1_000_000)
    }),
    ("Samsung with a level", |us, text| format!("<6>{} I[1:    kworker/1:1:  123] {text}", boot(us))),
    ("Amlogic", |us, text| format!("[{:5}.{:06}@1] {text}", us / 1_000_000, us % 1_000_000)),
    ("Unisoc", |us, text| format!("{} c3    123 {text}", boot(us))),
    ("crash log -T", |_, text| format!("[Sat Nov 14 12:34:56 UTC 2026] {text}")),
    ("RFC 3164 with priority", |us, text| format!("<4>Nov 14 12:34:56 host kernel: {} {text}", boot(us))),
    ("RFC 5424", |us, text| {
        format!("<4>1 2026-11-14T12:34:56.123456+00:00 host kernel - - - {} {text}", boot(us))
    }),
    ("RFC 5424 bare", |_, text| format!("1 2026-11-14T12:34:56.123456+00:00 host kernel - - - {text}")),
    ("GitHub", |us, text| format!("2026-11-14T12:34:56.1234567Z {} {text}", boot(us))),
    ("LAVA's own log", |us, text| {
        let entry = serde_json::json!({"dt": "2026-11-14T12:34:56.123456", "lvl": "target", "msg": format!("{} {text}", boot(us))});
        format!("- {entry}")
    }),
    ("dmesg --json", |us, text| {
        let msg = serde_json::json!(text);
        format!(
            "         \"pri\": 4,\n         \"time\": {}.{:06},\n         \"msg\": {msg}\n      }},{{",
            us / 1_000_000,
            us % 1_000_000
        )
    }),
    ("journalctl -o json-pretty", |us, text| {
        let message = serde_json::json!(text);
        format!(
            "{{\n\t\"_TRANSPORT\" : \"kernel\",\n\t\"_SOURCE_MONOTONIC_TIMESTAMP\" : \"{us}\",\n\t\"MESSAGE\" : {message}\n}}"
        )
    }),
    ("journalctl -o json-sse", |us, text| {
        let entry = serde_json::json!({"_TRANSPORT": "kernel", "MESSAGE": text, "_SOURCE_MONOTONIC_TIMESTAMP": us.to_string()});
        format!("data: {entry}\n")
    }),
    ("ABRT", |_, text| format!(":{text}")),
    ("ts", |us, text| format!("Nov 14 12:34:56 {} {text}", boot(us))),
    ("compose", |us, text| format!("console_1  | {} {text}", boot(us))),
    ("KTAP comment", |us, text| format!("# {} {text}", boot(us))),
    ("mail", |us, text| format!("> > {} {text}", boot(us)).trim_end().to_owned()),
    ("mail of a bare log", |_, text| format!(">> {text}")),
    ("commit message", |us, text| format!("    {} {text}", boot(us))),
    ("web page with line ends", |us, text| format!("{} {text}<br>", boot(us))),
    ("web page", |us, text| {
        let escaped =
            text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        format!("{} {escaped}", boot(us))
    }),
];

fn printed(messages: &[String], form: Form) -> String {
    let line = |(index, text): (usize, &String)| form(5_000_000 + index as u64 * 1000, text) + "\n";
    messages.iter().enumerate().map(line).collect()
}

#[test]
fn the_form_of_a_log_does_not_matter() {
    let mut seen = 0;
    for (number, (fixture, log)) in fixtures().into_iter().enumerate() {
        let whole = &reports(&log)[0];
        if !whole.complete {
            continue;
        }
        let messages = messages(&log);
        // Each form on some of the reports: all on all take long.
        for (name, form) in FORMS.iter().skip(number % 4).step_by(4) {
            let found = reports(printed(&messages, *form).as_bytes());
            assert_eq!(
                found.len(),
                1,
                "{fixture} as {name}: {:?}",
                found.iter().map(|report| &report.title).collect::<Vec<_>>()
            );
            assert_eq!(
                format!("{:?}", whole_structure(&found[0])),
                format!("{:?}", whole_structure(whole)),
                "{fixture} as {name}"
            );
            assert_eq!(
                (&found[0].missing, &found[0].blame),
                (&whole.missing, &whole.blame),
                "{fixture} as {name}"
            );
            seen += 1;
        }
    }
    assert!(seen > 5 * FORMS.len(), "{seen}");
}

/// `dmesg` prints the further lines of a record below blanks as wide as the time, and `-> #k` is such a line.
#[test]
fn a_daemon_may_tag_what_dmesg_prints() {
    let log = fixtures().into_iter().find(|(name, _)| name == "console").expect("the fixture is there").1;
    let whole = &reports(&log)[0];
    assert!(whole.complete && whole.chain.len() == 4);
    let lines = printed(&messages(&log), |us, text| {
        let further = text.starts_with("-> #") || text.starts_with("but task is");
        if further { format!("               {text}") } else { format!("{}[   T77] {text}", boot(us)) }
    });
    for tag in ["", "host kernel: ", "Nov 14 12:34:56 host kernel: "] {
        let tagged: String = lines.lines().map(|line| format!("{tag}{line}\n")).collect();
        let found = reports(tagged.as_bytes());
        assert_eq!(found.len(), 1, "{tag}");
        assert_eq!(
            format!("{:?}", whole_structure(&found[0])),
            format!("{:?}", whole_structure(whole)),
            "{tag}"
        );
        assert!(found[0].complete, "{tag}: {:?}", found[0].missing);
    }
}

#[test]
fn a_terminal_may_save_utf_16() {
    let log = fixtures().into_iter().find(|(name, _)| name == "reclaim").expect("the fixture is there").1;
    let text = String::from_utf8_lossy(&log);
    let wide: Vec<u8> =
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assert_eq!(
        format!("{:?}", whole_structure(&reports(&wide)[0])),
        format!("{:?}", whole_structure(&reports(&log)[0]))
    );
}

#[test]
fn parts_of_a_crash_dump_are_put_in_order() {
    let log = fixtures().into_iter().find(|(name, _)| name == "reclaim").expect("the fixture is there").1;
    let whole = &reports(&log)[0];
    let lines = printed(&messages(&log), |us, text| format!("<4>{} {text}", boot(us)));
    let lines: Vec<&str> = lines.lines().collect();
    let mut dump = String::new();
    for (part, chunk) in lines.rchunks(20).enumerate() {
        dump.push_str(&format!("Panic#1 Part{}\n{}\n", part + 1, chunk.join("\n")));
    }
    let found = reports(dump.as_bytes());
    assert_eq!(found.len(), 1);
    assert_eq!(format!("{:?}", whole_structure(&found[0])), format!("{:?}", whole_structure(whole)));
    assert!(found[0].complete && found[0].first_line < found[0].last_line);
}

#[test]
fn a_report_within_anothers_backtrace_takes_its_frames_from_both_without_callers() {
    let outer = "BUG: sleeping function called from invalid context at a.c:1\nin_atomic(): 1, irqs_disabled(): 0, non_block: 0, pid: 1, name: a\nCall Trace:\n <TASK>\n one+0x1/0x2 [foo]\n";
    let inner = "BUG: sleeping function called from invalid context at b.c:2\nin_atomic(): 1, irqs_disabled(): 0, non_block: 0, pid: 2, name: b\nCall Trace:\n <TASK>\n two+0x1/0x2 [bar]\n </TASK>\n";
    let rest = " three+0x1/0x2 [foo]\n </TASK>\n";
    let found = reports(format!("{outer}{inner}{rest}").as_bytes());
    assert_eq!(found.len(), 2);
    for report in &found {
        assert!(report.missing.contains(&Section::Interleaved) && report.blame.is_none(), "{report:?}");
    }
    // With its end before the other begins each is whole, and so is one whose backtrace has come to the bottom of the stack.
    let bottom = outer.replace(" <TASK>\n", "") + " ret_from_fork+0x1/0x2\n";
    for first in [outer.to_owned() + rest, bottom] {
        let found = reports((first + inner).as_bytes());
        assert!(found.len() == 2 && found.iter().all(|report| report.complete), "{found:?}");
    }
}
