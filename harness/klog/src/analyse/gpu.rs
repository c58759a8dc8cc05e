//! What drivers say of a hang or a reset of their GPU: whose job it was, and how it ended.

use super::rows::Row;
use crate::report::Task;

/// The process whose job hung: `in glxgears [501]` at the end (i915's `error_msg`, i915_gpu_error.c; xe's
/// `guc_exec_queue_timedout_job`, xe_guc_submit.c), `process glxgears pid 501` (`amdgpu_job_timedout`, amdgpu_job.c), or
/// nouveau's `glxgears[501]` (`nouveau_cli_init`, nouveau_drm.c), which names a channel too.
pub(super) fn client(text: &str) -> Option<Task> {
    let (comm, pid) = at_end(text).or_else(|| in_words(text)).or_else(|| channel(text))?;
    // A job of the kernel's own has neither.
    let task = Task { comm: comm.to_owned(), pid: pid.parse().ok()? };
    (task.pid > 0 && !task.comm.is_empty()).then_some(task)
}

/// `in glxgears [501]`
fn at_end(text: &str) -> Option<(&str, &str)> {
    let (comm, pid) = text.trim_end().strip_suffix(']')?.rsplit_once(" [")?;
    Some((comm.rsplit_once(" in ")?.1, pid))
}

/// `process glxgears pid 501 thread glxgears:cs0 pid 502`
fn in_words(text: &str) -> Option<(&str, &str)> {
    let (comm, rest) = text.split_once("process ")?.1.split_once(" pid ")?;
    Some((comm.trim_start_matches("name "), rest.split([' ', ',']).next()?))
}

/// `on channel 5 [00ff73d000 glxgears[501]]`, `fifo:000000:0002:0002:[glxgears[501]] rc scheduled` and
/// `nouveau 0000:01:00.0: glxgears[501]: channel 2 killed!`
fn channel(text: &str) -> Option<(&str, &str)> {
    if !text.contains("nouveau") {
        return None;
    }
    let (before, _) = text.split_once("]]").or_else(|| text.split_once("]: "))?;
    let (before, pid) = before.rsplit_once('[')?;
    let named = before.rsplit_once('[').or_else(|| before.rsplit_once(": "))?.1;
    // The channel's address may stand in front.
    let comm = match named.split_once(' ') {
        Some((address, comm)) if address.len() >= 8 && address.bytes().all(|b| b.is_ascii_hexdigit()) => comm,
        _ => named,
    };
    Some((comm, pid))
}

/// How a reset ended, where its first line and its last are one report.
pub(super) fn outcome(rows: &[Row]) -> Option<String> {
    let said = |words: &&str| rows.iter().rev().find(|row| row.text.contains(*words));
    let last = ["GPU reset(", "GPU reset end with ret", "Ring "].iter().find_map(said)?;
    (rows.len() > 1).then(|| last.text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_of_each_driver() {
        for (text, expected) in [
            ("i915 0000:00:02.0: [drm] GPU HANG: ecode 12:1:85dffffb, in Xorg [812]", Some("Xorg/812")),
            (
                "Process information: process GPU Process pid 17 thread firefox:cs0 pid 18",
                Some("GPU Process/17"),
            ),
            ("Process information: process  pid 0 thread  pid 0", None),
            (
                "nouveau 0000:01:00.0: fifo: fault 00 [READ] reason 02 [PTE] on channel 5 [00ff73d000 Web Content[812]]",
                Some("Web Content/812"),
            ),
            (
                "nouveau 0000:01:00.0: fifo: fault 00 [READ] reason 02 [PTE] on channel 1 [00ff73d000 DRM]",
                None,
            ),
            ("nouveau 0000:01:00.0: fifo:000000:0002:0002:[Xorg[812]] rc scheduled", Some("Xorg/812")),
            ("nouveau 0000:01:00.0: Xorg[812]: failed to idle channel 2 [Xorg[812]]", Some("Xorg/812")),
            ("nouveau 0000:01:00.0: Xorg[812]: channel 2 killed!", Some("Xorg/812")),
            ("nouveau 0000:01:00.0: fifo: channel 5: killed", None),
            (
                "nouveau E[   PFIFO][0000:01:00.0] write fault at 0x40000 [PTE] from PGRAPH/GPC0/PROP on channel 0x007f87d000 [Xorg[812]]",
                Some("Xorg/812"),
            ),
        ] {
            assert_eq!(client(text).map(|task| task.to_string()).as_deref(), expected, "{text}");
        }
    }
}
