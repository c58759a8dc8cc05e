//! The ioctl table, found in constant time, with what the model does about each entry.

use std::sync::LazyLock;

use fencelab_abi::ioctl::{DRIVER_BASE, DRIVER_END, DRM, Field, Role};
use fencelab_abi::{Driver, FdClass, Ioctl, Request, table};

use crate::model::Action;
use crate::model::until::End;

/// An ioctl of the table, and what of it the model looks at: most fields say nothing to it.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) ioctl: &'static Ioctl,
    pub(crate) action: Action,
    /// Fields of the argument that name what is used or given up.
    pub(crate) used: Vec<&'static Field>,
    /// The same of elements that pointers lead to, with the pointer's index; not of amdgpu's chunks, which differ.
    pub(crate) used_in: Vec<(usize, Vec<&'static Field>)>,
    /// Fields of the argument that name what it brings.
    pub(crate) made: Vec<&'static Field>,
    /// Until when it waits, if it does.
    pub(crate) end: End,
}

impl Known {
    fn new(ioctl: &'static Ioctl) -> Self {
        let uses = |role| matches!(role, Role::Uses(_) | Role::Ends(_) | Role::UsesFd(_));
        let used =
            |fields: &'static [Field]| -> Vec<_> { fields.iter().filter(|field| uses(field.role)).collect() };
        let lists = ioctl.follow.iter().enumerate();
        let lists = lists.filter(|(_, follow)| !follow.output && follow.name != "in.chunks");
        let lists = lists.map(|(index, follow)| (index, used(follow.element)));
        let makes = |field: &&Field| matches!(field.role, Role::Makes(_) | Role::MakesFd(_));
        Self {
            ioctl,
            action: Action::of(ioctl),
            used: used(ioctl.fields),
            used_in: lists.filter(|(_, fields)| !fields.is_empty()).collect(),
            made: ioctl.fields.iter().filter(makes).collect(),
            end: End::of(ioctl),
        }
    }
}

/// The table, by type and number, and by the driver where numbers are drivers' own.
struct Table {
    known: Vec<Known>,
    /// Index of each in `known` and 1, by type and number.
    common: Vec<u16>,
    /// The same of drivers' own, by class and number.
    private: Vec<u16>,
}

impl Table {
    fn new() -> Self {
        let mut table = Self { known: Vec::new(), common: vec![0; 1 << 16], private: vec![0; 1 << 16] };
        for ioctl in table::all() {
            table.known.push(Known::new(ioctl));
            let place = table.known.len() as u16;
            match ioctl.driver {
                Some(driver) => table.private[private(driver, ioctl.key.1)] = place,
                None => table.common[common(ioctl.key.0, ioctl.key.1)] = place,
            }
        }
        table
    }
}

fn common(ty: u8, nr: u8) -> usize {
    usize::from(ty) << 8 | usize::from(nr)
}

fn private(driver: Driver, nr: u8) -> usize {
    usize::from(FdClass::Drm(driver).to_u8()) << 8 | usize::from(nr)
}

static TABLE: LazyLock<Table> = LazyLock::new(Table::new);

/// As [`table::find`].
pub(crate) fn find(request: Request, class: FdClass) -> Option<&'static Known> {
    let is_private = request.ty() == DRM && (DRIVER_BASE..DRIVER_END).contains(&request.nr());
    let place = match class {
        FdClass::Drm(driver) if is_private => TABLE.private[private(driver, request.nr())],
        _ => TABLE.common[common(request.ty(), request.nr())],
    };
    TABLE.known.get(usize::from(place).checked_sub(1)?)
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
