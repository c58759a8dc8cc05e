//! What is known of an ioctl: its fields, what they name, and the pointers in it that are worth following.

use crate::object::{Driver, FdClass, Object};

/// An ioctl's request number, as `_IOC` composes it (include/uapi/asm-generic/ioctl.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Request(pub u32);

impl Request {
    /// The subsystem's letter.
    pub const fn ty(self) -> u8 {
        (self.0 >> 8) as u8
    }

    /// The number within it.
    pub const fn nr(self) -> u8 {
        self.0 as u8
    }

    /// Bytes of the argument, as the caller was compiled. The kernel takes other sizes as well.
    pub const fn size(self) -> usize {
        (self.0 >> 16 & 0x3fff) as usize
    }

    /// Whether the kernel reads the argument.
    pub const fn writes(self) -> bool {
        self.0 >> 30 & 1 != 0
    }

    /// Whether the kernel writes it.
    pub const fn reads(self) -> bool {
        self.0 >> 31 != 0
    }
}

/// DRM's letter.
pub const DRM: u8 = b'd';
/// First driver-private DRM number, DRM_COMMAND_BASE.
pub const DRIVER_BASE: u8 = 0x40;
/// First DRM number behind them, DRM_COMMAND_END.
pub const DRIVER_END: u8 = 0xa0;

/// One ioctl.
#[derive(Clone, Copy, Debug)]
pub struct Ioctl {
    /// The uAPI's name for the request.
    pub name: &'static str,
    /// The uAPI's name for the argument's type; empty if it is a plain number.
    pub argument: &'static str,
    /// Header that defines it, within include/uapi unless it says otherwise.
    pub header: &'static str,
    /// The driver that owns the number; `None` where it is everybody's.
    pub driver: Option<Driver>,
    /// Letter and number.
    pub key: (u8, u8),
    /// Bytes of the argument in the newest header we know. Older callers pass fewer.
    pub size: u16,
    /// See [`effect`].
    pub effects: u8,
    /// Parts of the argument, by offset.
    pub fields: &'static [Field],
    /// Pointers in it.
    pub follow: &'static [Follow],
    /// The fd that the call returns, if it returns one.
    pub returns: Option<FdClass>,
}

/// Bits of [`Ioctl::effects`](field@Ioctl::effects).
pub mod effect {
    /// It may block until something else happens: the recorder writes an enter record.
    pub const BLOCKS: u8 = 1;
    /// It waits for fences, with a deadline or timeout of its own.
    pub const WAITS: u8 = 2;
    /// It hands work or signals to others: what fault mode may drop.
    pub const SUBMITS: u8 = 4;
    /// What comes back overwrites what was passed in: the record holds both.
    pub const OVERWRITES: u8 = 8;
    /// It brings work that no later ioctl shows.
    pub const USER_QUEUE: u8 = 16;
    /// It waits for, or signals, a fence in memory.
    pub const MEMORY_FENCE: u8 = 32;
}

/// Part of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its C name; dots lead into unions and inner structs.
    pub name: &'static str,
    /// Offset in bytes.
    pub offset: u16,
    /// Bytes.
    pub size: u16,
    /// What it means.
    pub role: Role,
}

/// What a field means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A number.
    Plain,
    /// Bits.
    Flags,
    /// An address in the caller.
    Pointer,
    /// How many.
    Count,
    /// Text in place, NUL-padded.
    Text,
    /// Timeline point; 0 is the binary one.
    Point,
    /// Absolute CLOCK_MONOTONIC, in nanoseconds; below zero: it is past (drm_timeout_abs_to_jiffies() in drm_syncobj.c).
    Deadline,
    /// The same, but below zero: for ever (amdgpu_gem_timeout() in amdgpu_gem.c).
    OpenDeadline,
    /// Absolute CLOCK_MONOTONIC, in seconds, with nanoseconds in the 8 bytes behind it (struct drm_msm_timespec,
    /// struct drm_etnaviv_timespec).
    DeadlineSeconds,
    /// Nanoseconds from now; below zero: for ever.
    Timeout,
    /// The same, or if those bits are so a deadline; below zero in both cases: for ever (to_jiffies_timeout() in
    /// xe_wait_user_fence.c).
    TimeoutOrDeadline(Bits),
    /// Names an object that is there.
    Uses(Object),
    /// Names an object that the call makes.
    Makes(Object),
    /// Names an object that the call ends.
    Ends(Object),
    /// fd that is there; below zero none.
    UsesFd(FdClass),
    /// fd that the call makes; below zero none.
    MakesFd(FdClass),
    /// As [`Role::MakesFd`], of a sync_file when bit 0 of `flags` is set, else of a sync object
    /// (DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE).
    MakesSyncobjFd,
    /// As [`Role::Makes`] of a sync object; when bit 0 of `flags` is set the object was there and gets a new fence
    /// (DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE).
    MakesSyncobj,
}

/// A pointer in an argument, and what it leads to.
#[derive(Clone, Copy, Debug)]
pub struct Follow {
    /// The pointer field's name.
    pub name: &'static str,
    /// Its offset. Pointers are 8 bytes.
    pub pointer: u16,
    /// How many elements.
    pub count: Count,
    /// How they lie.
    pub shape: Shape,
    /// Only if these bits of a u64 (or u32) at an offset are so.
    pub only_if: Option<Bits>,
    /// Whether the kernel writes it: then it is read after the call only.
    pub output: bool,
    /// What an element is.
    pub element: &'static [Field],
    /// Pointers in each element, offsets within it.
    pub inner: &'static [Follow],
}

/// How many elements a pointer leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// So many.
    Fixed(u16),
    /// As the field at that offset, of that many bytes, says.
    Field(u16, u8),
    /// The sum of the u32s in the section with that id.
    SumOf(u8),
}

/// How the elements lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One behind the other, that many bytes each.
    Array(u16),
    /// The same, but the u32 at that offset says how far apart they are.
    Strided(u16, u16),
    /// As an array of 8-byte pointers to them.
    Pointers(u16),
    /// As a list: each begins with a u64 pointer to the next and a u32 that says what it is; only those of that
    /// kind have that many bytes, others are read as 16.
    Chain(u32, u16),
}

/// Bits that must be so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bits {
    /// Offset of the field, a u64 if `wide`, else a u32.
    pub offset: u16,
    /// Whether it has 8 bytes.
    pub wide: bool,
    /// Which bits.
    pub mask: u64,
    /// What they are.
    pub value: u64,
}
