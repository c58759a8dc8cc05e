//! What a case is: a name, the roles of its devices, its rules, its budget, one function.

use std::fmt;
use std::time::Duration;

use crate::ctx::Ctx;
use crate::device::{Device, Kind};

/// What a case asks of one of its devices. The matrix binds every ordered tuple of distinct devices that
/// [`Role::admits`] lets in; finer needs (a capability, a working import) are probed by the case, which then
/// stops with [`Stop::Skip`] and the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Anything with a node: a DRM device, udmabuf, a dma-heap.
    Any,
    /// Any DRM device.
    Drm,
    /// A DRM device with sync objects; not one that is known to have none.
    Syncobj,
    /// A DRM device with a render node.
    Render,
    /// A DRM device that drives displays.
    Scanout,
    /// One with displays whose buffers are in video memory, of which there is only so much.
    VideoMemory,
    /// One with two CRTCs; not one that is known to have a single one.
    TwoCrtcs,
    /// Anything that makes dma-bufs: a DRM device, udmabuf, a dma-heap.
    Exporter,
    /// A DRM device that may take another one's dma-buf.
    Importer,
    /// An exporter whose buffers are pages that others may map; not one that is known to refuse every attach.
    PageExporter,
    /// A DRM device that takes such pages; not one that is known to refuse every import.
    PageImporter,
    /// A buffer allocator without a GPU behind it: udmabuf, a dma-heap.
    Allocator,
    /// The vgem device: buffers whose fences user space signals.
    Vgem,
    /// The i915 driver's module, with or without a device.
    I915Module,
    /// A GPU whose jobs are known here ([`crate::gpu`]): amdgpu, i915, or a twin of one.
    Submitter,
    /// A GPU that takes pages of a process as a buffer.
    Userptr,
    /// A device of the amdgpu driver, or its twin.
    AmdgpuDevice,
    /// A device of the i915 driver, or its twin.
    I915Device,
    /// A device of the xe driver, which has no twin: metal.
    XeDevice,
}

impl Role {
    /// Whether `device` can stand in this role, judged by its description alone.
    pub fn admits(self, device: &Device) -> bool {
        let drm = device.kind == Kind::Drm;
        match self {
            Role::Drm | Role::Importer => drm,
            Role::Vgem => drm && device.driver == "vgem",
            Role::Syncobj => drm && !lacks_syncobjs(&device.driver),
            Role::Render => drm && device.has_render,
            Role::Scanout => drm && device.has_kms,
            Role::VideoMemory => drm && device.has_kms && has_video_memory(device),
            Role::TwoCrtcs => drm && device.has_kms && !has_one_crtc(&device.driver),
            Role::Any | Role::Exporter => device.kind != Kind::Module,
            Role::PageExporter => device.kind != Kind::Module && !keeps_its_buffers(&device.driver),
            Role::PageImporter => drm && !imports_nothing(&device.driver),
            Role::Allocator => matches!(device.kind, Kind::Udmabuf | Kind::DmaHeap),
            Role::I915Module => device.kind == Kind::Module && device.driver == "i915",
            Role::Submitter | Role::Userptr => drm && ["amdgpu", "i915"].contains(&device.driver.as_str()),
            Role::AmdgpuDevice => drm && device.driver == "amdgpu",
            Role::I915Device => drm && device.driver == "i915",
            Role::XeDevice => drm && device.driver == "xe",
        }
    }
}

impl Role {
    /// What it needs, in words that fit after "it needs".
    pub fn need(self) -> &'static str {
        match self {
            Role::Any | Role::Exporter => "something that makes dma-bufs",
            Role::Drm => "a DRM device",
            Role::Syncobj => "a DRM device with sync objects",
            Role::Render => "a DRM device with a render node",
            Role::Scanout => "a DRM device that drives a display",
            Role::VideoMemory => "a DRM device that drives a display out of video memory",
            Role::TwoCrtcs => "a DRM device with two CRTCs",
            Role::Importer => "a DRM device that may take another one's buffers",
            Role::PageExporter => "an exporter whose buffers others may map",
            Role::PageImporter => "a DRM device that takes other devices' pages",
            Role::Allocator => "udmabuf or a dma-heap (CONFIG_UDMABUF, CONFIG_DMABUF_HEAPS)",
            Role::Vgem => "the vgem device (CONFIG_DRM_VGEM, modprobe vgem)",
            Role::I915Module => {
                "the i915 module for its own selftests (CONFIG_DRM_I915_SELFTEST), which a guest has"
            }
            Role::Submitter => "a GPU whose jobs are known here (amdgpu, i915)",
            Role::Userptr => "a GPU that takes pages of a process as a buffer (amdgpu, i915)",
            Role::AmdgpuDevice => "a device of the driver amdgpu",
            Role::I915Device => "a device of the driver i915",
            Role::XeDevice => "a device of the driver xe (metal: it has no twin)",
        }
    }
}

/// Drivers without DRIVER_SYNCOBJ in 6.12. `syncobj/unsupported` says so where one has come to have it.
fn lacks_syncobjs(driver: &str) -> bool {
    matches!(driver, "vkms" | "vgem" | "bochs" | "cirrus" | "qxl")
}

/// Drivers that move buffers between video memory and the system's by TTM, in 6.12. The twins have no video memory.
fn has_video_memory(device: &Device) -> bool {
    const BY_TTM: &[&str] =
        &["amdgpu", "bochs", "hibmc", "loongson", "nouveau", "qxl", "radeon", "vboxvideo", "vmwgfx", "xe"];
    BY_TTM.contains(&device.driver.as_str()) && !device.is_twin()
}

/// Drivers that make a single CRTC: `vkms_output_init()` of 6.12, `drm_simple_display_pipe_init()` in bochs and cirrus.
fn has_one_crtc(driver: &str) -> bool {
    matches!(driver, "vkms" | "bochs" | "cirrus")
}

/// Drivers that export a dma-buf and refuse every attach: no `get_sg_table` (bochs), one that says no (qxl).
fn keeps_its_buffers(driver: &str) -> bool {
    matches!(driver, "bochs" | "qxl")
}

/// Drivers that refuse every foreign buffer: no `gem_prime_import_sg_table` (bochs), one that says no (qxl), one that
/// wants blob resources of its host, which fencelab's guest has not (virtio-gpu).
fn imports_nothing(driver: &str) -> bool {
    matches!(driver, "bochs" | "qxl" | "virtio-gpu")
}

/// Why a case stopped before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The case does not apply here; the text says what is missing and where that was seen.
    Skip(String),
    /// A check failed; the text says what was expected and what was found.
    Fail(String),
}

impl Stop {
    /// A failed check.
    pub fn fail(text: impl fmt::Display) -> Self {
        Stop::Fail(text.to_string())
    }

    /// A missing need.
    pub fn skip(text: impl fmt::Display) -> Self {
        Stop::Skip(text.to_string())
    }
}

/// What a case returns.
pub type Tested = Result<(), Stop>;

/// One behaviour under test.
#[derive(Clone, Copy)]
pub struct Case {
    /// The suite it belongs to, `dma-buf`.
    pub suite: &'static str,
    /// Its name in the suite, `import-fence`.
    pub name: &'static str,
    /// One sentence: what must hold.
    pub about: &'static str,
    /// The roles of its devices, in the order of [`Ctx::device`]. Empty: the case runs once, without a device.
    pub roles: &'static [Role],
    /// Ids of the contract rules that it tests or drives.
    pub rules: &'static [&'static str],
    /// How long it may take before the harness takes its stacks and kills it.
    pub budget: Duration,
    /// The case itself.
    pub run: fn(&mut Ctx) -> Tested,
}

/// The budget of a case that does not name one, generous because guests are often emulated.
pub const DEFAULT_BUDGET: Duration = Duration::from_secs(20);

impl Case {
    /// A case with the default budget and no rules.
    pub const fn new(
        suite: &'static str,
        name: &'static str,
        about: &'static str,
        roles: &'static [Role],
        run: fn(&mut Ctx) -> Tested,
    ) -> Self {
        Case { suite, name, about, roles, rules: &[], budget: DEFAULT_BUDGET, run }
    }

    /// The same case, with the contract rules that it tests or drives.
    pub const fn rules(mut self, rules: &'static [&'static str]) -> Self {
        self.rules = rules;
        self
    }

    /// The same case, with a time budget in seconds.
    pub const fn budget_s(mut self, seconds: u64) -> Self {
        self.budget = Duration::from_secs(seconds);
        self
    }

    /// The driver whose hardware alone can run it; none where a guest has a device for every role.
    pub fn metal(&self) -> Option<&'static str> {
        self.roles.contains(&Role::XeDevice).then_some("xe")
    }

    /// `suite/case`, without devices.
    pub fn id(&self) -> String {
        format!("{}/{}", self.suite, self.name)
    }
}

/// How many cases there are in all `parts`.
pub const fn count(parts: &[&[Case]]) -> usize {
    let (mut total, mut part) = (0, 0);
    while part < parts.len() {
        total += parts[part].len();
        part += 1;
    }
    total
}

/// The cases of all `parts` in one array, so that a suite may keep its cases in several files:
/// `pub const CASES: &[Case] = &join::<{ count(PARTS) }>(PARTS);`
pub const fn join<const N: usize>(parts: &[&[Case]]) -> [Case; N] {
    let mut cases = [parts[0][0]; N];
    let (mut next, mut part) = (0, 0);
    while part < parts.len() {
        let mut i = 0;
        while i < parts[part].len() {
            cases[next] = parts[part][i];
            next += 1;
            i += 1;
        }
        part += 1;
    }
    cases
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id())
    }
}

/// Returns [`Stop::Fail`] with the formatted text unless the condition holds.
#[macro_export]
macro_rules! check {
    ($cond:expr, $($text:tt)+) => {
        if !$cond {
            return Err($crate::Stop::Fail(format!("{} ({}:{})", format_args!($($text)+), file!(), line!())));
        }
    };
}

/// Returns [`Stop::Fail`] with both values unless they are equal; the text says what was compared.
#[macro_export]
macro_rules! check_eq {
    ($found:expr, $expected:expr, $($text:tt)+) => {{
        let (found, expected) = (&$found, &$expected);
        $crate::check!(found == expected, "{}: expected {:?}, found {:?}", format_args!($($text)+), expected, found);
    }};
}
