//! A hang and a reset that amdgpu tells of in several lines (amdgpu_job.c, amdgpu_device.c of Linux 6.15), after its format
//! strings. Only where first and last line are sure are they one report.

mod common;

use common::reports;
use fencelab_klog::Report;

const DEVICE: &str = "amdgpu 0000:03:00.0: amdgpu:";

/// A console's log of these messages, ten milliseconds apart, without callers.
fn log(messages: &[String]) -> String {
    let line =
        |(at, text): (usize, &String)| format!("[{:5}.{:06}] {text}\n", 100 + at / 100, at % 100 * 10_000);
    messages.iter().enumerate().map(line).collect()
}

/// Lines of this device, with lines of others between them.
fn lines(device: &str, messages: &[&str]) -> Vec<String> {
    messages
        .iter()
        .map(|text| if text.starts_with('[') { (*text).to_owned() } else { format!("{device} {text}") })
        .collect()
}

fn found(messages: &[String]) -> Vec<Report> {
    reports(log(messages).as_bytes())
}

fn titles(found: &[Report]) -> Vec<&str> {
    found
        .iter()
        .map(|report| report.title.rsplit_once("amdgpu: ").map_or(&*report.title, |(_, title)| title))
        .collect()
}

const RESET: [&str; 9] = [
    "GPU reset begin!",
    "IP block:gfx_v8_0 is hung!",
    "MODE2 reset",
    "GPU reset succeeded, trying to resume",
    "[drm] PCIE GART of 1024M enabled.",
    "[drm] VRAM is lost due to GPU reset!",
    "SMU is resuming...",
    "GPU reset(2) succeeded!",
    "[drm] Skip scheduling IBs!",
];

#[test]
fn whose_job_hung_stands_on_the_second_line() {
    for form in ["amdgpu 0000:03:00.0: amdgpu:", "[drm:amdgpu_job_timedout [amdgpu]] *ERROR*"] {
        let messages = [
            format!("{form} ring gfx_0.0.0 timeout, signaled seq=123, emitted seq=125"),
            format!("{form} Process information: process Xorg pid 1028 thread Xorg:cs0 pid 1029"),
            "usb 1-1: hello".to_owned(),
        ];
        let found = found(&messages);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_eq!(found[0].task.as_ref().map(ToString::to_string).as_deref(), Some("Xorg/1028"));
        assert_eq!((found[0].first_line, found[0].last_line), (1, 2));
        assert!(found[0].complete && found[0].title.contains("ring gfx_0.0.0 timeout"), "{}", found[0].title);
        let alone = reports(log(&messages[..1]).as_bytes());
        assert_eq!((alone.len(), &alone[0].task, &alone[0].signature), (1, &None, &found[0].signature));
    }
}

#[test]
fn two_hangs_at_once_keep_their_own_tasks_by_caller_and_have_none_without() {
    let form = "[drm:amdgpu_job_timedout [amdgpu]] *ERROR*";
    let hang =
        |tid: u32, ring: &str| (tid, format!("{form} ring {ring} timeout, signaled seq=1, emitted seq=3"));
    let owner = |tid: u32, comm: &str| {
        (tid, format!("{form} Process information: process {comm} pid {tid}00 thread {comm}:cs0 pid 7"))
    };
    let lines = [hang(5, "gfx"), hang(6, "sdma0"), owner(6, "mpv"), owner(5, "Xorg")];
    let tasks = |log: &str| -> Vec<String> {
        let found = reports(log.as_bytes());
        found
            .iter()
            .map(|report| {
                format!(
                    "{} {:?}",
                    report.title.contains("ring gfx"),
                    report.task.as_ref().map(ToString::to_string)
                )
            })
            .collect()
    };
    let with = common::console(&lines);
    assert_eq!(tasks(&with), ["false Some(\"mpv/600\")", "true Some(\"Xorg/500\")"]);
    let without = with.replace("[    T5]", "").replace("[    T6]", "");
    assert_eq!(tasks(&without), ["true None", "false None"]);
}

#[test]
fn a_reset_is_one_report_that_says_how_it_ended() {
    let all = found(&lines(DEVICE, &RESET));
    assert_eq!(titles(&all), ["GPU reset(2) succeeded!"]);
    assert_eq!((all[0].first_line, all[0].last_line, all[0].text.len()), (1, 8, 6));
    assert_eq!(
        all[0].details.message.as_deref(),
        Some("amdgpu 0000:03:00.0: amdgpu: GPU reset(2) succeeded!")
    );
    let last = found(&lines(DEVICE, &RESET[7..8]));
    assert_eq!(last[0].signature, all[0].signature, "the last line alone tells of the same");

    let mut failed = lines(DEVICE, &RESET);
    failed[7] = format!("{DEVICE} GPU reset(2) failed");
    let failed = found(&failed);
    assert_eq!(titles(&failed), ["GPU reset(2) failed"]);
    assert_ne!(failed[0].signature, all[0].signature);

    let mut long = lines(DEVICE, &RESET[..7]);
    long.extend(lines(
        DEVICE,
        &["GPU reset(2) failed", "GPU reset end with ret = -110", "GPU Recovery Failed: -110"],
    ));
    let long = found(&long);
    assert_eq!((titles(&long), long[0].last_line), (vec!["GPU reset(2) failed"], 10));

    let mut wedged = lines(DEVICE, &RESET[..8]);
    wedged.push("amdgpu 0000:03:00.0: [drm] device wedged, but recovered through reset".to_owned());
    let wedged = found(&wedged);
    assert_eq!((wedged.len(), wedged[0].last_line), (1, 9), "{wedged:#?}");
}

#[test]
fn a_ring_reset_that_fails_and_the_reset_behind_it_are_two() {
    let mut messages = lines(DEVICE, &["Starting gfx_0.0.0 ring reset", "Ring gfx_0.0.0 reset failed"]);
    messages.extend(lines(DEVICE, &RESET));
    assert_eq!(titles(&found(&messages)), ["Ring gfx_0.0.0 reset failed", "GPU reset(2) succeeded!"]);
}

#[test]
fn what_is_not_sure_is_left_as_it_stands() {
    // Its end is cut.
    assert_eq!(found(&lines(DEVICE, &RESET[..7])).len(), 5);
    // Its beginning is.
    assert_eq!(found(&lines(DEVICE, &RESET[2..])).len(), 4);
    // Another device is reset at the same time: whose VRAM is lost?
    let other = "amdgpu 0000:04:00.0: amdgpu:";
    let mut two = lines(DEVICE, &RESET[..4]);
    two.extend(lines(other, &RESET));
    two.extend(lines(DEVICE, &RESET[4..]));
    let two = found(&two);
    assert_eq!(
        titles(&two).iter().filter(|title| **title == "GPU reset begin!").count(),
        1,
        "{:?}",
        titles(&two)
    );
    assert_eq!(
        titles(&two).iter().filter(|title| title.contains("succeeded!")).count(),
        2,
        "{:?}",
        titles(&two)
    );
    // Messages are lost on the way.
    let mut lost = lines(DEVICE, &RESET);
    lost.insert(3, "** 12 printk messages dropped **".to_owned());
    assert_eq!(found(&lost).len(), 6);
    // No kernel takes two minutes for it.
    let late = log(&lines(DEVICE, &RESET)).replace("[  100.070000]", "[  220.070000]");
    assert_eq!(reports(late.as_bytes()).len(), 6);
    // A caller that is not the first's.
    let callers: Vec<(u32, String)> = lines(DEVICE, &RESET)
        .into_iter()
        .enumerate()
        .map(|(at, text)| (if at < 5 { 5 } else { 6 }, text))
        .collect();
    assert_eq!(reports(common::console(&callers).as_bytes()).len(), 6);
}

#[test]
fn a_reset_does_not_wait_for_ever() {
    let mut messages = lines(DEVICE, &RESET[..1]);
    messages.extend((0..500).map(|number| format!("usb 1-1: hello {number}")));
    messages.push(format!("{DEVICE} GPU reset(2) succeeded!"));
    let bare: String = messages.iter().map(|text| format!("{text}\n")).collect();
    assert_eq!(reports(bare.as_bytes()).len(), 2);
}
