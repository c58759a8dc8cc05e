//! What ioctls name: objects behind handles, files behind fds, and the drivers that own the numbers.

/// What a handle stands for. Handles are numbers within one open DRM file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Object {
    /// DRM sync object.
    Syncobj,
    /// GEM buffer object.
    Gem,
    /// Framebuffer.
    Framebuffer,
    /// Property blob.
    Blob,
    /// CRTC.
    Crtc,
    /// Plane.
    Plane,
    /// Connector.
    Connector,
    /// Any mode object.
    ModeObject,
    /// Property.
    Property,
    /// GPU context, channel or submit queue: what orders submissions.
    Queue,
    /// GPU address space.
    Vm,
    /// Buffer list.
    BoList,
    /// vgem's own fence handle.
    VgemFence,
    /// Driver's fence sequence number: a name within its queue, never freed.
    Seqno,
}

/// What is behind an fd, as far as the shim knows. A byte: [`FdClass::Drm`] is `DRM + Driver`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FdClass {
    /// Nothing known.
    Unknown,
    /// sync_file.
    SyncFile,
    /// dma-buf.
    DmaBuf,
    /// fd of a sync object.
    Syncobj,
    /// eventfd that a sync object signals.
    Eventfd,
    /// sw_sync timeline.
    SwSync,
    /// dma-heap.
    Heap,
    /// /dev/udmabuf.
    Udmabuf,
    /// Unix socket.
    Socket,
    /// pidfd.
    Pidfd,
    /// Came from another process, which knows what it is: here the first call on it will show.
    Foreign,
    /// DRM or accel device.
    Drm(Driver),
}

/// Byte of the first DRM class.
const DRM: u8 = 0x40;
/// Byte of [`FdClass::Foreign`]: a bit of its own, so that one test tells what is yet to be learnt.
const FOREIGN: u8 = 0x20;

impl FdClass {
    /// As the byte in [`crate::Slot::class`].
    pub const fn to_u8(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::SyncFile => 1,
            Self::DmaBuf => 2,
            Self::Syncobj => 3,
            Self::Eventfd => 4,
            Self::SwSync => 5,
            Self::Heap => 6,
            Self::Udmabuf => 7,
            Self::Socket => 8,
            Self::Pidfd => 9,
            Self::Foreign => FOREIGN,
            Self::Drm(driver) => DRM + driver as u8,
        }
    }

    /// From that byte; unknown bytes are [`FdClass::Unknown`].
    pub const fn from_u8(byte: u8) -> Self {
        match byte {
            1 => Self::SyncFile,
            2 => Self::DmaBuf,
            3 => Self::Syncobj,
            4 => Self::Eventfd,
            5 => Self::SwSync,
            6 => Self::Heap,
            7 => Self::Udmabuf,
            8 => Self::Socket,
            9 => Self::Pidfd,
            FOREIGN => Self::Foreign,
            DRM.. => Self::Drm(Driver::from_u8(byte - DRM)),
            _ => Self::Unknown,
        }
    }

    /// What an ioctl's letter shows its fd to be once it has succeeded; [`FdClass::Unknown`] of DRM's, whose drivers differ, and
    /// of letters that no table has.
    pub const fn of_letter(letter: u8) -> Self {
        match letter {
            b'>' => Self::SyncFile,
            b'b' => Self::DmaBuf,
            b'W' => Self::SwSync,
            b'H' => Self::Heap,
            b'u' => Self::Udmabuf,
            _ => Self::Unknown,
        }
    }

    /// Whether a class's byte leaves open what the fd is.
    #[inline(always)]
    pub const fn is_open(byte: u8) -> bool {
        byte & !FOREIGN == 0
    }
}

macro_rules! drivers {
    ($($name:ident = $number:literal, $text:literal;)*) => {
        /// DRM driver, by the name that DRM_IOCTL_VERSION gives. Driver-private ioctl numbers (0x40 to 0x9f)
        /// mean something only together with it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[allow(missing_docs, reason = "the names are the drivers' own")]
        pub enum Driver { Other = 0, $($name = $number,)* }

        impl Driver {
            /// The driver of that name; [`Driver::Other`] if none of ours.
            pub fn from_name(name: &[u8]) -> Self {
                $(if name == $text.as_bytes() { return Self::$name; })*
                Self::Other
            }

            /// Its name; `None` for [`Driver::Other`].
            pub const fn name(self) -> Option<&'static str> {
                match self { Self::Other => None, $(Self::$name => Some($text),)* }
            }

            /// The driver of that number.
            pub const fn from_u8(number: u8) -> Self {
                match number { $($number => Self::$name,)* _ => Self::Other }
            }

            /// How many drivers there are, [`Driver::Other`] too.
            pub const COUNT: usize = 1 + [$($number),*].len();
        }
    };
}

drivers! {
    Amdgpu = 1, "amdgpu";
    I915 = 2, "i915";
    Xe = 3, "xe";
    Nouveau = 4, "nouveau";
    VirtioGpu = 5, "virtio_gpu";
    Msm = 6, "msm";
    Panfrost = 7, "panfrost";
    Panthor = 8, "panthor";
    V3d = 9, "v3d";
    Etnaviv = 10, "etnaviv";
    Lima = 11, "lima";
    NvidiaDrm = 12, "nvidia-drm";
    Vgem = 13, "vgem";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_known_is_open() {
        for byte in 0..=u8::MAX {
            let class = FdClass::from_u8(byte);
            let open = matches!(class, FdClass::Unknown | FdClass::Foreign);
            assert!(open || !FdClass::is_open(byte), "{byte}");
            assert!(class == FdClass::Unknown || class.to_u8() == byte || byte > FOREIGN, "{byte}");
        }
        assert!(FdClass::is_open(FdClass::Unknown.to_u8()) && FdClass::is_open(FdClass::Foreign.to_u8()));
    }
}
