//! dma-heap.

use super::build::{field, ioctl};
use crate::ioctl::Ioctl;
use crate::ioctl::Role::{Flags, MakesFd, Plain};
use crate::object::FdClass;

const HEADER: &str = "linux/dma-heap.h";

/// Its ioctls.
pub(super) static TABLE: [Ioctl; 1] =
    [ioctl(None, HEADER, "DMA_HEAP_IOCTL_ALLOC", "struct dma_heap_allocation_data", (b'H', 0x0), 24).fields(
        &[
            field("len", 0, 8, Plain),
            field("fd", 8, 4, MakesFd(FdClass::DmaBuf)),
            field("fd_flags", 12, 4, Flags),
            field("heap_flags", 16, 8, Flags),
        ],
    )];
