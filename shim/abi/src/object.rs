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
    /// DRM or accel device.
    Drm(Driver),
}

/// Byte of the first DRM class.
const DRM: u8 = 0x40;

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
            DRM.. => Self::Drm(Driver::from_u8(byte - DRM)),
            _ => Self::Unknown,
        }
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
