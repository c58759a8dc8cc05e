//! The job stream of fencelab's twins, `ci/twins/include/uapi/fencelab_twin.h`: an array of operations that stands where a
//! real GPU has its packets.

/// Ends the stream; memory full of zeros is an empty job.
pub const END: u32 = 0;
/// Writes the word [`Op::src`] over [`Op::len`] bytes at [`Op::dst`].
pub const FILL: u32 = 1;
/// Copies [`Op::len`] bytes from [`Op::src`] to [`Op::dst`].
pub const COPY: u32 = 2;
/// Writes the FNV-1a hash over the words of [`Op::len`] bytes at [`Op::src`] into the word at [`Op::dst`].
pub const CHECKSUM: u32 = 3;
/// Lets [`Op::src`] nanoseconds pass.
pub const DELAY: u32 = 4;
/// Never ends by itself: the job is over when the GPU is reset.
pub const HANG: u32 = 5;

/// `struct fencelab_twin_op`. Addresses and lengths are multiples of 8.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Op {
    /// What to do.
    pub op: u32,
    /// Must be zero.
    pub pad: u32,
    /// Bytes.
    pub len: u64,
    /// A GPU address.
    pub dst: u64,
    /// A GPU address, or a number.
    pub src: u64,
}

impl Op {
    /// The operation as the 32-bit words of a command buffer.
    pub fn words(&self) -> [u32; 8] {
        let (low, high) = (|x: u64| x as u32, |x: u64| (x >> 32) as u32);
        let Op { op, pad, len, dst, src } = *self;
        [op, pad, low(len), high(len), low(dst), high(dst), low(src), high(src)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_the_structs_bytes() {
        let op = Op { op: FILL, pad: 0, len: 8 << 32 | 16, dst: 0x1_0000_2000, src: 0x1122_3344_5566_7788 };
        assert_eq!(size_of::<Op>(), 32);
        assert_eq!(op.words(), [1, 0, 16, 8, 0x2000, 1, 0x5566_7788, 0x1122_3344]);
    }
}
