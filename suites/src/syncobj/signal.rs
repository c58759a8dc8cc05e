//! SIGNAL and RESET.

use drm::control::Device as _;
use nix::errno::Errno::ENOENT;

use super::fixture::{Fixture, poll};
use super::{SUITE, SYNCOBJ};
use crate::case::{Case, Tested};
use crate::ctx::Ctx;
use crate::must::Must;
use crate::uapi::syncobj::{self as uapi, Reset, Signal, WAIT_ALL};
use crate::{check, check_eq};

pub(super) const CASES: &[Case] = &[
    Case::new(SUITE, "signal", "SIGNAL gives an empty object a signalled fence", SYNCOBJ, signal),
    Case::new(SUITE, "reset", "RESET takes the fence away, signalled or pending", SYNCOBJ, reset)
        .rules(&["SYNC-NULL"]),
    Case::new(SUITE, "signal-many", "SIGNAL and RESET take several handles at once", SYNCOBJ, many),
    Case::new(
        SUITE,
        "signal-replaces",
        "SIGNAL replaces a pending fence in the object and leaves the fence itself pending",
        SYNCOBJ,
        signal_replaces,
    )
    .rules(&["SYNC-REPLACE", "SYNC-SNAPSHOT"]),
    Case::new(
        SUITE,
        "unknown-handle-changes-nothing",
        "SIGNAL and RESET of a list with an unknown handle leave the others alone",
        SYNCOBJ,
        all_or_nothing,
    ),
];

fn signal(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let object = fix.empty()?;
    object.signal().must("signal a syncobj")?;
    check!(object.is_signalled()?, "SIGNAL left the object unsignalled");
    object.signal().must("signal a signalled syncobj")?;
    check!(object.is_signalled()?, "a second SIGNAL left the object unsignalled");
    Ok(())
}

fn reset(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    for object in [fix.empty()?, fix.signalled()?, fix.holding(1)?] {
        object.reset().must("reset a syncobj")?;
        object.must_be_empty()?;
    }
    Ok(())
}

fn many(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let handles = (0..16)
        .map(|_| fix.file.create_syncobj(false).must("create a syncobj"))
        .collect::<Result<Vec<_>, _>>()?;
    let raw: Vec<u32> = handles.iter().map(|&h| h.into()).collect();
    fix.file.syncobj_signal(&handles).must("signal 16 syncobjs")?;
    uapi::wait(&fix.file, &raw, &poll(WAIT_ALL)).must("wait for 16 signalled syncobjs")?;
    fix.file.syncobj_reset(&handles).must("reset 16 syncobjs")?;
    for &handle in &raw {
        uapi::wait(&fix.file, &[handle], &poll(0))
            .refused("wait after the reset", nix::errno::Errno::EINVAL)?;
    }
    Ok(())
}

fn signal_replaces(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let object = fix.holding(1)?;
    let before = object.export().must("export a sync file")?;
    object.signal().must("signal a syncobj")?;
    check!(object.is_signalled()?, "SIGNAL left the object unsignalled");
    check_eq!(before.status().must("read the status")?, 0, "the replaced fence's status");
    Ok(())
}

fn all_or_nothing(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let object = fix.empty()?;
    let gone = fix.empty()?;
    let handles = [object.raw(), gone.raw()];
    gone.destroy().must("destroy a syncobj")?;
    let mut signal = Signal { handles: handles.as_ptr() as u64, count_handles: 2, pad: 0 };
    // SAFETY: the address and the length are those of a live array, which the kernel only reads.
    unsafe { uapi::call(&fix.file, &mut signal) }.refused("signal an unknown handle", ENOENT)?;
    object.must_be_empty()?;
    object.signal().must("signal a syncobj")?;
    let mut reset = Reset { handles: handles.as_ptr() as u64, count_handles: 2, pad: 0 };
    // SAFETY: as above.
    unsafe { uapi::call(&fix.file, &mut reset) }.refused("reset an unknown handle", ENOENT)?;
    check!(object.is_signalled()?, "a refused RESET took the fence away");
    Ok(())
}
