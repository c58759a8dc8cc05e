//! The words in which the tables are written.

use crate::ioctl::{Bits, Count, Field, Follow, Ioctl, Role, Shape};
use crate::object::{Driver, FdClass};

pub(super) const fn ioctl(
    driver: Option<Driver>,
    header: &'static str,
    name: &'static str,
    argument: &'static str,
    key: (u8, u8),
    size: u16,
) -> Ioctl {
    Ioctl { name, argument, header, driver, key, size, effects: 0, fields: &[], follow: &[], returns: None }
}

pub(super) const fn field(name: &'static str, offset: u16, size: u16, role: Role) -> Field {
    Field { name, offset, size, role }
}

pub(super) const fn follow(
    name: &'static str,
    pointer: u16,
    count: Count,
    shape: Shape,
    element: &'static [Field],
) -> Follow {
    Follow { name, pointer, count, shape, only_if: None, output: false, element, inner: &[] }
}

pub(super) const fn bits(offset: u16, wide: bool, mask: u64, value: u64) -> Bits {
    Bits { offset, wide, mask, value }
}

impl Ioctl {
    pub(super) const fn effects(self, effects: u8) -> Self {
        Self { effects, ..self }
    }

    pub(super) const fn fields(self, fields: &'static [Field]) -> Self {
        Self { fields, ..self }
    }

    pub(super) const fn follow(self, follow: &'static [Follow]) -> Self {
        Self { follow, ..self }
    }

    pub(super) const fn returns(self, class: FdClass) -> Self {
        Self { returns: Some(class), ..self }
    }
}

impl Follow {
    pub(super) const fn only_if(self, bits: Bits) -> Self {
        Self { only_if: Some(bits), ..self }
    }

    pub(super) const fn output(self) -> Self {
        Self { output: true, ..self }
    }

    pub(super) const fn inner(self, inner: &'static [Follow]) -> Self {
        Self { inner, ..self }
    }
}
