//! dma-buf.

use super::build::{field, ioctl};
use crate::ioctl::Ioctl;
use crate::ioctl::Role::{Flags, MakesFd, Text, UsesFd};
use crate::ioctl::effect::{BLOCKS, SUBMITS, WAITS};
use crate::object::FdClass;

const HEADER: &str = "linux/dma-buf.h";

/// Its ioctls.
pub(super) static TABLE: [Ioctl; 4] = [
    ioctl(None, HEADER, "DMA_BUF_IOCTL_SYNC", "struct dma_buf_sync", (b'b', 0x0), 8)
        .effects(BLOCKS | WAITS)
        .fields(&[field("flags", 0, 8, Flags)]),
    // The argument is the name itself, of up to 32 bytes, whatever the request's size (drivers/dma-buf/dma-buf.c:
    // dma_buf_set_name): so many of them are recorded. SET_NAME_A is the same with the size of a u32.
    ioctl(None, HEADER, "DMA_BUF_SET_NAME_B", "__u64", (b'b', 0x1), 8).fields(&[field("", 0, 8, Text)]),
    ioctl(None, HEADER, "DMA_BUF_IOCTL_EXPORT_SYNC_FILE", "struct dma_buf_export_sync_file", (b'b', 0x2), 8)
        .fields(&[field("flags", 0, 4, Flags), field("fd", 4, 4, MakesFd(FdClass::SyncFile))]),
    ioctl(None, HEADER, "DMA_BUF_IOCTL_IMPORT_SYNC_FILE", "struct dma_buf_import_sync_file", (b'b', 0x3), 8)
        .effects(SUBMITS)
        .fields(&[field("flags", 0, 4, Flags), field("fd", 4, 4, UsesFd(FdClass::SyncFile))]),
];
