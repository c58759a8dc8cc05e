//! sync_file.

use super::build::{field, follow, ioctl};
use crate::ioctl::Count::Field;
use crate::ioctl::Ioctl;
use crate::ioctl::Role::{Count, Deadline, Flags, MakesFd, Plain, Pointer, Text, UsesFd};
use crate::ioctl::Shape::Array;
use crate::object::FdClass;

const HEADER: &str = "linux/sync_file.h";

/// Its ioctls.
pub(super) static TABLE: [Ioctl; 3] = [
    ioctl(None, HEADER, "SYNC_IOC_MERGE", "struct sync_merge_data", (b'>', 0x3), 48).fields(&[
        field("name", 0, 32, Text),
        field("fd2", 32, 4, UsesFd(FdClass::SyncFile)),
        field("fence", 36, 4, MakesFd(FdClass::SyncFile)),
        field("flags", 40, 4, Flags),
        field("pad", 44, 4, Plain),
    ]),
    ioctl(None, HEADER, "SYNC_IOC_FILE_INFO", "struct sync_file_info", (b'>', 0x4), 56)
        .fields(&[
            field("name", 0, 32, Text),
            field("status", 32, 4, Plain),
            field("flags", 36, 4, Flags),
            field("num_fences", 40, 4, Count),
            field("pad", 44, 4, Plain),
            field("sync_fence_info", 48, 8, Pointer),
        ])
        .follow(&[follow(
            "sync_fence_info",
            48,
            Field(40, 4),
            Array(80),
            &[
                field("obj_name", 0, 32, Text),
                field("driver_name", 32, 32, Text),
                field("status", 64, 4, Plain),
                field("flags", 68, 4, Flags),
                field("timestamp_ns", 72, 8, Plain),
            ],
        )
        .output()]),
    ioctl(None, HEADER, "SYNC_IOC_SET_DEADLINE", "struct sync_set_deadline", (b'>', 0x5), 16)
        .fields(&[field("deadline_ns", 0, 8, Deadline), field("pad", 8, 8, Plain)]),
];
