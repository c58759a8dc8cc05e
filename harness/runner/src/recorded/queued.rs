//! The call that queued what a kernel worker was doing.

use fencelab_abi::ioctl::effect;
use fencelab_events::{CallSite, Device};
use fencelab_trace::decode::{self, Value};
use fencelab_trace::{Call, CallId, Session};

use super::site::{self, Moment};

/// What a worker's function carries out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// The tail of a non-blocking commit.
    Commit,
    /// Submitted jobs.
    Submission,
}

impl Work {
    /// By the function's name: the atomic helpers' `commit_work` (drivers/gpu/drm/drm_atomic_helper.c) and the drivers' own
    /// of that kind, vkms' composer, and the scheduler's (drivers/gpu/drm/scheduler/sched_main.c).
    pub(crate) fn of(function: &str) -> Option<Work> {
        let commits = ["commit_work", "commit_tail", "commit_cleanup", "composer_worker"];
        if commits.iter().any(|name| function.contains(name)) {
            return Some(Work::Commit);
        }
        function.starts_with("drm_sched_").then_some(Work::Submission)
    }

    /// In words, behind "the last".
    pub(crate) fn name(self) -> &'static str {
        match self {
            Work::Commit => "non-blocking commit",
            Work::Submission => "submission",
        }
    }

    fn is_queued_by(self, call: &Call<'_>) -> bool {
        let Some(ioctl) = call.ioctl() else { return false };
        if call.result.is_some_and(|result| result < 0) {
            return false;
        }
        match self {
            Work::Commit => match ioctl.name {
                "DRM_IOCTL_MODE_ATOMIC" => has_flag(call, "NONBLOCK") && !has_flag(call, "TEST_ONLY"),
                "DRM_IOCTL_MODE_PAGE_FLIP" => true,
                _ => false,
            },
            Work::Submission => ioctl.effects & effect::SUBMITS != 0,
        }
    }
}

fn has_flag(call: &Call<'_>, flag: &str) -> bool {
    let Some(ioctl) = call.ioctl() else { return false };
    let is_set = |value: &Value| matches!(value, Value::Flags { names, .. } if names.contains(&flag));
    decode::fields(call, ioctl).iter().any(|field| is_set(&field.value))
}

/// Calls of each thread that are looked at.
const MOST: u32 = 2000;

/// The last call before a moment, of any thread, that queues such work, on a device of that driver where it is known.
pub(crate) fn last(
    session: &Session,
    work: Work,
    driver: Option<&str>,
    moment: Moment,
    devices: &[Device],
) -> Option<CallSite> {
    let mut reader = session.reader();
    let mut best: Option<(u64, CallId)> = None;
    for thread in session.threads() {
        let mut index = u32::try_from(thread.len()).unwrap_or(u32::MAX);
        let floor = index.saturating_sub(MOST);
        while index > floor {
            index -= 1;
            let id = CallId { thread: thread.id, index };
            let Ok(Some(call)) = reader.read(session, id) else { continue };
            let entered = session.clock().ns(call.enter) / 1000;
            if best.is_some_and(|(best, _)| entered <= best) {
                break;
            }
            if entered > moment.at_us + moment.slack_us || !work.is_queued_by(&call) {
                continue;
            }
            let (fd, enter) = (call.fd, call.enter);
            let is_there = |driver| {
                let behind = thread.process.and_then(|process| site::behind(session, process, fd, enter));
                behind.is_none_or(|path| is_of(&path, driver, devices))
            };
            if driver.is_none_or(is_there) {
                best = Some((entered, id));
                break;
            }
        }
    }
    site::site(session, &mut reader, best?.1, moment, false, devices)
}

/// Whether the node is of a device of that driver. Module, driver and device spell `virtio_gpu` in two ways. A node that is
/// no device of the bench may be anything.
fn is_of(path: &str, driver: &str, devices: &[Device]) -> bool {
    let plain = |name: &str| name.replace('-', "_");
    let is_node = |device: &&Device| {
        device.node.as_deref() == Some(path) || device.render_node.as_deref() == Some(path)
    };
    devices.iter().find(is_node).is_none_or(|device| plain(&device.driver) == plain(driver))
}
