//! Devices that have no sync objects, or none with timelines, say so.

use drm::DriverCapability::{SyncObj, TimelineSyncObj};
use nix::errno::Errno::EOPNOTSUPP;

use super::{DRM, SUITE};
use crate::case::{Case, Stop, Tested};
use crate::ctx::Ctx;
use crate::must::Must;
use crate::open::DrmFile;
use crate::uapi::syncobj::{
    Argument, Create, Destroy, Eventfd, FdToHandle, HandleToFd, Query, Reset, Signal, TimelineSignal,
    TimelineWait, Transfer, Wait, call,
};

pub(super) const CASES: &[Case] = &[
    Case::new(
        SUITE,
        "unsupported",
        "a device without DRM_CAP_SYNCOBJ answers every sync object call with EOPNOTSUPP",
        DRM,
        unsupported,
    )
    .rules(&["SYNC-UNSUPPORTED"]),
    Case::new(
        SUITE,
        "unsupported-timeline",
        "a device without DRM_CAP_SYNCOBJ_TIMELINE answers every timeline call with EOPNOTSUPP",
        DRM,
        unsupported_timeline,
    )
    .rules(&["SYNC-UNSUPPORTED"]),
];

fn unsupported(ctx: &mut Ctx) -> Tested {
    let file = DrmFile::any(ctx.device(0))?;
    if file.cap(SyncObj) != 0 {
        return Err(Stop::skip(format!("{} has sync objects", file.name())));
    }
    answer::<Create>(&file, "CREATE")?;
    answer::<Destroy>(&file, "DESTROY")?;
    answer::<HandleToFd>(&file, "HANDLE_TO_FD")?;
    answer::<FdToHandle>(&file, "FD_TO_HANDLE")?;
    answer::<Wait>(&file, "WAIT")?;
    answer::<Reset>(&file, "RESET")?;
    answer::<Signal>(&file, "SIGNAL")
}

fn unsupported_timeline(ctx: &mut Ctx) -> Tested {
    let file = DrmFile::any(ctx.device(0))?;
    if file.cap(TimelineSyncObj) != 0 {
        return Err(Stop::skip(format!("{} has timeline sync objects", file.name())));
    }
    answer::<TimelineWait>(&file, "TIMELINE_WAIT")?;
    answer::<TimelineSignal>(&file, "TIMELINE_SIGNAL")?;
    answer::<Query>(&file, "QUERY")?;
    answer::<Transfer>(&file, "TRANSFER")?;
    answer::<Eventfd>(&file, "EVENTFD")
}

/// The feature is looked at before any argument, so an argument of zeros must do.
fn answer<T: Argument + Default>(file: &DrmFile, name: &str) -> Tested {
    // SAFETY: all addresses are null and all lengths 0.
    unsafe { call(file, &mut T::default()) }.refused(name, EOPNOTSUPP)
}
