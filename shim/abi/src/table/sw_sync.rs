//! sw_sync, of debugfs.

use super::build::{field, ioctl};
use crate::ioctl::Ioctl;
use crate::ioctl::Role::{Deadline, MakesFd, Plain, Point, Text, UsesFd};
use crate::ioctl::effect::SUBMITS;
use crate::object::FdClass;

const HEADER: &str = "drivers/dma-buf/sw_sync.c";

/// Its ioctls.
pub(super) static TABLE: [Ioctl; 3] = [
    ioctl(None, HEADER, "SW_SYNC_IOC_CREATE_FENCE", "struct sw_sync_create_fence_data", (b'W', 0x0), 40)
        .fields(&[
            field("value", 0, 4, Point),
            field("name", 4, 32, Text),
            field("fence", 36, 4, MakesFd(FdClass::SyncFile)),
        ]),
    ioctl(None, HEADER, "SW_SYNC_IOC_INC", "unsigned int", (b'W', 0x1), 4)
        .effects(SUBMITS)
        .fields(&[field("", 0, 4, Plain)]),
    ioctl(None, HEADER, "SW_SYNC_GET_DEADLINE", "struct sw_sync_get_deadline", (b'W', 0x2), 16).fields(&[
        field("deadline_ns", 0, 8, Deadline),
        field("pad", 8, 4, Plain),
        field("fence_fd", 12, 4, UsesFd(FdClass::SyncFile)),
    ]),
];
