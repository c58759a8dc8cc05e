//! The ioctl table, found in constant time, with what the model does about each entry.

use std::sync::LazyLock;

use fencelab_abi::ioctl::{DRIVER_BASE, DRIVER_END, DRM};
use fencelab_abi::{Driver, FdClass, Ioctl, Request, table};
use rustc_hash::FxHashMap;

use crate::model::Action;

type Key = (u8, u8, Option<Driver>);

/// An ioctl of the table.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) ioctl: &'static Ioctl,
    pub(crate) action: Action,
}

static TABLE: LazyLock<FxHashMap<Key, Known>> = LazyLock::new(|| {
    let entry = |ioctl: &'static Ioctl| {
        ((ioctl.key.0, ioctl.key.1, ioctl.driver), Known { ioctl, action: Action::of(ioctl) })
    };
    table::all().map(entry).collect()
});

/// As [`table::find`].
pub(crate) fn find(request: Request, class: FdClass) -> Option<&'static Known> {
    let private = request.ty() == DRM && (DRIVER_BASE..DRIVER_END).contains(&request.nr());
    let driver = match class {
        FdClass::Drm(driver) if private => Some(driver),
        _ => None,
    };
    TABLE.get(&(request.ty(), request.nr(), driver))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ioctl_is_found_as_the_table_finds_it() {
        for ioctl in table::all() {
            let request = Request(u32::from(ioctl.key.0) << 8 | u32::from(ioctl.key.1));
            let class = ioctl.driver.map_or(FdClass::Unknown, FdClass::Drm);
            assert_eq!(find(request, class).map(|found| found.ioctl.name), Some(ioctl.name));
        }
    }
}
