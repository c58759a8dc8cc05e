//! Which ioctls do more than the roles of their fields say.

use fencelab_abi::ioctl::{Role, effect};
use fencelab_abi::{Ioctl, Object};

/// What the model does about an ioctl, beside its fields' roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Nothing.
    Plain,
    /// A sync object is exported, or a sync_file of its fence.
    SyncobjExport,
    /// A sync object is imported, or a sync_file's fences.
    SyncobjImport,
    /// The fence of one point goes to another one.
    SyncobjTransfer,
    /// A wait for points.
    SyncobjWait,
    /// Points are signalled.
    SyncobjSignal,
    /// Sync objects are emptied.
    SyncobjReset,
    /// A point's fence will signal an eventfd.
    SyncobjEventfd,
    /// PRIME export.
    BufferExport,
    /// PRIME import.
    BufferImport,
    /// Two sync_files become a third.
    Merge,
    /// DMA_BUF_IOCTL_SYNC.
    CpuAccess,
    /// A buffer's fences become a sync_file.
    FencesOut,
    /// A sync_file's fences go into a buffer.
    FencesIn,
    /// A sw_sync fence.
    SwCreate,
    /// A sw_sync timeline moves on.
    SwInc,
    /// vgem puts a fence into a buffer.
    VgemAttach,
    /// vgem signals it.
    VgemSignal,
    /// A commit, a page flip, a mode set.
    Commit,
    /// Work for a device.
    Submit,
    /// The same in amdgpu's chunks.
    AmdgpuSubmit,
    /// amdgpu's contexts and buffer lists are made and ended by one ioctl.
    AmdgpuContext,
    /// As said.
    AmdgpuBoList,
    /// A submission's fence becomes a sync object or a sync_file.
    AmdgpuFence,
    /// A wait for sequence numbers.
    AmdgpuWaitFences,
    /// A wait for a buffer.
    BufferWait,
    /// A wait for a sequence number.
    SeqnoWait,
    /// A wait for what is not recorded.
    OtherWait,
}

impl Action {
    pub(crate) fn of(ioctl: &Ioctl) -> Self {
        let uses = |object| ioctl.fields.iter().any(|field| field.role == Role::Uses(object));
        let name = ioctl.name.strip_prefix("DRM_IOCTL_").unwrap_or(ioctl.name);
        match name {
            "SYNCOBJ_HANDLE_TO_FD" => Self::SyncobjExport,
            "SYNCOBJ_FD_TO_HANDLE" => Self::SyncobjImport,
            "SYNCOBJ_TRANSFER" => Self::SyncobjTransfer,
            "SYNCOBJ_WAIT" | "SYNCOBJ_TIMELINE_WAIT" => Self::SyncobjWait,
            "SYNCOBJ_SIGNAL" | "SYNCOBJ_TIMELINE_SIGNAL" => Self::SyncobjSignal,
            "SYNCOBJ_RESET" => Self::SyncobjReset,
            "SYNCOBJ_EVENTFD" => Self::SyncobjEventfd,
            "PRIME_HANDLE_TO_FD" => Self::BufferExport,
            "PRIME_FD_TO_HANDLE" => Self::BufferImport,
            "SYNC_IOC_MERGE" => Self::Merge,
            "DMA_BUF_IOCTL_SYNC" => Self::CpuAccess,
            "DMA_BUF_IOCTL_EXPORT_SYNC_FILE" => Self::FencesOut,
            "DMA_BUF_IOCTL_IMPORT_SYNC_FILE" => Self::FencesIn,
            "SW_SYNC_IOC_CREATE_FENCE" => Self::SwCreate,
            "SW_SYNC_IOC_INC" => Self::SwInc,
            "VGEM_FENCE_ATTACH" => Self::VgemAttach,
            "VGEM_FENCE_SIGNAL" => Self::VgemSignal,
            "MODE_ATOMIC" | "MODE_PAGE_FLIP" | "MODE_SETCRTC" => Self::Commit,
            "AMDGPU_CS" => Self::AmdgpuSubmit,
            "AMDGPU_CTX" => Self::AmdgpuContext,
            "AMDGPU_BO_LIST" => Self::AmdgpuBoList,
            "AMDGPU_FENCE_TO_HANDLE" => Self::AmdgpuFence,
            "AMDGPU_WAIT_FENCES" => Self::AmdgpuWaitFences,
            _ if ioctl.effects & effect::WAITS != 0 && uses(Object::Gem) => Self::BufferWait,
            _ if ioctl.effects & effect::WAITS != 0 && uses(Object::Seqno) => Self::SeqnoWait,
            _ if ioctl.effects & effect::WAITS != 0 => Self::OtherWait,
            _ if ioctl.driver.is_some() && ioctl.effects & effect::SUBMITS != 0 => Self::Submit,
            _ => Self::Plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fencelab_abi::table;

    fn of(name: &str) -> Action {
        Action::of(table::all().find(|ioctl| ioctl.name == name).unwrap())
    }

    #[test]
    fn submissions_and_waits_are_known_by_their_effects() {
        assert_eq!(of("DRM_IOCTL_XE_EXEC"), Action::Submit);
        assert_eq!(of("DRM_IOCTL_PANFROST_WAIT_BO"), Action::BufferWait);
        assert_eq!(of("DRM_IOCTL_AMDGPU_WAIT_CS"), Action::SeqnoWait);
        assert_eq!(of("DRM_IOCTL_I915_GEM_THROTTLE"), Action::OtherWait);
        assert_eq!(of("DRM_IOCTL_MODE_RMFB"), Action::Plain);
    }
}
