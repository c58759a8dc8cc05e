//! An ioctl in the place where it was made.

use fencelab_abi::ioctl::Field;

use super::action::Action;
use super::object::ObjectId;
use super::space::SpaceId;
use crate::Call;
use crate::decode::elements;
use crate::ioctls::Known;
use crate::payload::number;

/// An ioctl, its process and its file.
pub(super) struct Scene<'a, 'r> {
    pub(super) call: &'a Call<'r>,
    pub(super) known: &'static Known,
    pub(super) space: SpaceId,
    /// What it was made on.
    pub(super) file: ObjectId,
    /// CLOCK_MONOTONIC when it was made.
    pub(super) ns: u64,
}

impl<'r> Scene<'_, 'r> {
    /// A field's number; `None`: the caller's argument is too short, or it is no number.
    pub(super) fn number(&self, field: &Field, bytes: &[u8]) -> Option<u64> {
        number(bytes, field.offset, field.size)
    }

    /// The field of that name, as it was passed in; 0 where there is none.
    pub(super) fn input(&self, name: &str) -> u64 {
        let field = self.known.ioctl.fields.iter().find(|field| field.name == name);
        field.and_then(|field| self.number(field, self.call.argument_in())).unwrap_or(0)
    }

    /// The field of that name as it came back.
    pub(super) fn output(&self, name: &str) -> Option<u64> {
        let field = self.known.ioctl.fields.iter().find(|field| field.name == name)?;
        self.number(field, self.call.argument_out())
    }

    /// What the pointer of that index led to, each with its place in the list.
    pub(super) fn indexed_elements(
        &self,
        follow: usize,
    ) -> impl Iterator<Item = (usize, &'r [u8])> + use<'r> {
        let found =
            self.known.ioctl.follow.get(follow).and_then(|step| {
                elements(&self.call.before, step, follow as u8 + 1, 0, self.call.argument_in())
            });
        let list = found.clone();
        let whole = move |bytes: &[u8]| list.as_ref().is_some_and(|list| list.is_whole(bytes));
        found.into_iter().flatten().enumerate().filter(move |(_, bytes)| whole(bytes))
    }

    /// What the pointer of that index led to.
    pub(super) fn elements(&self, follow: usize) -> impl Iterator<Item = &'r [u8]> + use<'r> {
        self.indexed_elements(follow).map(|(_, bytes)| bytes)
    }

    /// What the pointer of that name led to.
    pub(super) fn named_elements(&self, name: &str) -> impl Iterator<Item = &'r [u8]> + use<'r> {
        let index = self.known.ioctl.follow.iter().position(|follow| follow.name == name);
        self.elements(index.unwrap_or(usize::MAX))
    }

    /// Whether it succeeded, or has not returned and may.
    pub(super) fn may_succeed(&self) -> bool {
        self.call.result.is_none_or(|result| result >= 0)
    }

    fn driver_flags(&self) -> (u64, u64) {
        match self.known.ioctl.name {
            // I915_EXEC_FENCE_IN and _SUBMIT, _OUT.
            "DRM_IOCTL_I915_GEM_EXECBUFFER2_WR" => (1 << 16 | 1 << 20, 1 << 17),
            // VIRTGPU_EXECBUF_FENCE_FD_IN, _OUT.
            "DRM_IOCTL_VIRTGPU_EXECBUFFER" => (1, 2),
            // MSM_SUBMIT_FENCE_FD_IN, _OUT.
            "DRM_IOCTL_MSM_GEM_SUBMIT" => (0x4000_0000, 0x2000_0000),
            // ETNA_SUBMIT_FENCE_FD_IN, _OUT.
            "DRM_IOCTL_ETNAVIV_GEM_SUBMIT" => (2, 4),
            _ => (0, 0),
        }
    }

    /// Whether a submission's in-fence fd is one.
    pub(super) fn takes_fence_fd(&self) -> bool {
        self.input("flags") & self.driver_flags().0 != 0
    }

    /// Whether the fd that it may bring is one.
    pub(super) fn brings_fence_fd(&self) -> bool {
        match self.driver_flags().1 {
            0 => true,
            bit => self.input("flags") & bit != 0,
        }
    }

    /// Whether an exec closes the fd that it brings (include/uapi/linux/dma-buf.h, dma-heap.h, udmabuf.h; sync_files and
    /// sync objects' fds always are so).
    pub(super) fn is_cloexec(&self) -> bool {
        const O_CLOEXEC: u64 = 0x8_0000;
        match (self.known.action, self.known.ioctl.key.0) {
            (Action::BufferExport, _) => self.input("flags") & O_CLOEXEC != 0,
            (_, b'H') => self.input("fd_flags") & O_CLOEXEC != 0,
            (_, b'u') => self.input("flags") & 1 != 0,
            _ => true,
        }
    }

    /// Whether amdgpu's one ioctl for making and ending makes.
    pub(super) fn is_creation(&self) -> bool {
        match self.known.action {
            Action::AmdgpuContext => self.input("in.op") == 1,
            _ => self.input("in.operation") == 0,
        }
    }

    /// Whether a field is not what its union holds: xe's fence in memory lies where a handle would.
    pub(super) fn is_other_member(&self, field: &Field, bytes: &[u8]) -> bool {
        const USER_FENCE: u64 = 2;
        let xe = matches!(self.known.ioctl.name, "DRM_IOCTL_XE_EXEC" | "DRM_IOCTL_XE_VM_BIND");
        xe && field.name == "handle" && number(bytes, 8, 4) == Some(USER_FENCE)
            || field.name == "in.ctx_id"
                && self.known.action == Action::AmdgpuContext
                && self.input("in.op") == 1
            || field.name == "in.list_handle"
                && self.known.action == Action::AmdgpuBoList
                && self.is_creation()
            || self.known.ioctl.name == "DRM_IOCTL_LIMA_GEM_SUBMIT" && field.name == "in_sync"
    }
}
