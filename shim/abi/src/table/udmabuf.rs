//! udmabuf.

use super::build::{field, ioctl};
use crate::ioctl::Ioctl;
use crate::ioctl::Role::{Count, Flags, Plain, UsesFd};
use crate::object::FdClass;

const HEADER: &str = "linux/udmabuf.h";

/// Its ioctls.
pub(super) static TABLE: [Ioctl; 2] = [
    ioctl(None, HEADER, "UDMABUF_CREATE", "struct udmabuf_create", (b'u', 0x42), 24)
        .fields(&[
            field("memfd", 0, 4, UsesFd(FdClass::Unknown)),
            field("flags", 4, 4, Flags),
            field("offset", 8, 8, Plain),
            field("size", 16, 8, Plain),
        ])
        .returns(FdClass::DmaBuf),
    ioctl(None, HEADER, "UDMABUF_CREATE_LIST", "struct udmabuf_create_list", (b'u', 0x43), 8)
        .fields(&[field("flags", 0, 4, Flags), field("count", 4, 4, Count)])
        .returns(FdClass::DmaBuf),
];
