//! Until when an ioctl waits, as each driver reads what it is given.

use fencelab_abi::Ioctl;
use fencelab_abi::ioctl::{Bits, Field, Role};

use super::effect::Until;
use super::scene::Scene;
use crate::payload::number;

/// A wait whose end not only a field says.
#[derive(Debug)]
struct Own {
    ioctl: &'static str,
    /// If a flag is set it does not wait: its field and its bit.
    at_once: (&'static str, u64),
    /// How long it waits if no field says so, in nanoseconds.
    limit: Option<u64>,
}

const SECOND: u64 = 1_000_000_000;

/// drivers/gpu/drm of Linux 6.12: etnaviv/etnaviv_drv.c, etnaviv/etnaviv_gem.c, msm/msm_gem.c, nouveau/nouveau_gem.c,
/// virtio/virtgpu_ioctl.c.
static OWN: [Own; 6] = [
    Own { ioctl: "DRM_IOCTL_ETNAVIV_GEM_CPU_PREP", at_once: ("op", 4), limit: None },
    Own { ioctl: "DRM_IOCTL_ETNAVIV_WAIT_FENCE", at_once: ("flags", 1), limit: None },
    Own { ioctl: "DRM_IOCTL_ETNAVIV_GEM_WAIT", at_once: ("flags", 1), limit: None },
    Own { ioctl: "DRM_IOCTL_MSM_GEM_CPU_PREP", at_once: ("op", 4), limit: None },
    Own { ioctl: "DRM_IOCTL_NOUVEAU_GEM_CPU_PREP", at_once: ("flags", 1), limit: Some(30 * SECOND) },
    Own { ioctl: "DRM_IOCTL_VIRTGPU_WAIT", at_once: ("flags", 1), limit: Some(15 * SECOND) },
];

/// What says until when an ioctl waits: its first field that is a deadline or a timeout, else its driver.
#[derive(Debug)]
pub(crate) struct End {
    own: Option<&'static Own>,
    field: Option<&'static Field>,
}

impl End {
    pub(crate) fn of(ioctl: &'static Ioctl) -> Self {
        Self {
            own: OWN.iter().find(|own| own.ioctl == ioctl.name),
            field: ioctl.fields.iter().find(|field| says_when(field.role)),
        }
    }
}

/// Until when an ioctl waits.
pub(super) fn until(scene: &Scene<'_, '_>) -> Until {
    let End { own, field } = scene.known.end;
    if own.is_some_and(|own| scene.input(own.at_once.0) & own.at_once.1 != 0) {
        return Until::At(scene.ns);
    }
    if let Some(limit) = own.and_then(|own| own.limit) {
        return Until::At(scene.ns.saturating_add(limit));
    }
    let Some(field) = field else { return Until::Forever };
    by_field(field, scene.call.argument_in(), scene.ns).unwrap_or(Until::Unknown)
}

fn says_when(role: Role) -> bool {
    matches!(
        role,
        Role::Deadline
            | Role::OpenDeadline
            | Role::DeadlineSeconds
            | Role::Timeout
            | Role::TimeoutOrDeadline(_)
    )
}

/// What a field of an argument says; `None`: it is not there.
fn by_field(field: &Field, argument: &[u8], now: u64) -> Option<Until> {
    let value = number(argument, field.offset, field.size)? as i64;
    let at = |ns: i64| if ns == i64::MAX { Until::Forever } else { Until::At(ns.max(0) as u64) };
    Some(match field.role {
        Role::Deadline => at(value),
        Role::OpenDeadline if value < 0 => Until::Forever,
        Role::OpenDeadline => at(value),
        Role::DeadlineSeconds => {
            let nanos = number(argument, field.offset + 8, 8)? as i64;
            at(value.saturating_mul(SECOND as i64).saturating_add(nanos))
        }
        Role::TimeoutOrDeadline(bits) if value >= 0 && are_so(bits, argument)? => at(value),
        _ if value < 0 => Until::Forever,
        _ => Until::At(now.saturating_add(value as u64)),
    })
}

/// Whether bits of an argument are so; `None`: they are not there.
pub(crate) fn are_so(bits: Bits, argument: &[u8]) -> Option<bool> {
    Some(number(argument, bits.offset, if bits.wide { 8 } else { 4 })? & bits.mask == bits.value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fencelab_abi::table;

    const NOW: u64 = 7 * SECOND;

    /// What an ioctl's argument of 8-byte words says.
    fn says(ioctl: &str, words: &[i64]) -> Option<Until> {
        let ioctl = table::all().find(|one| one.name == ioctl).unwrap();
        let field = ioctl.fields.iter().find(|field| says_when(field.role)).unwrap();
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        by_field(field, &bytes, NOW)
    }

    #[test]
    fn below_zero_is_the_past_for_some_and_for_ever_for_others() {
        assert_eq!(says("DRM_IOCTL_SYNCOBJ_WAIT", &[0, -1]), Some(Until::At(0)));
        assert_eq!(says("DRM_IOCTL_PANFROST_WAIT_BO", &[0, -1]), Some(Until::At(0)));
        assert_eq!(says("DRM_IOCTL_LIMA_GEM_WAIT", &[0, -1]), Some(Until::At(0)));
        for (ioctl, words) in [
            ("DRM_IOCTL_AMDGPU_GEM_WAIT_IDLE", &[0, -1][..]),
            ("DRM_IOCTL_AMDGPU_WAIT_CS", &[0, -1]),
            ("DRM_IOCTL_AMDGPU_WAIT_FENCES", &[0, 0, -1]),
            ("DRM_IOCTL_I915_GEM_WAIT", &[0, -1]),
            ("DRM_IOCTL_XE_WAIT_USER_FENCE", &[0, 0, 1 << 16, 0, 0, -1]),
        ] {
            assert_eq!(says(ioctl, words), Some(Until::Forever), "{ioctl}");
        }
        assert_eq!(says("DRM_IOCTL_AMDGPU_WAIT_CS", &[0, 9]), Some(Until::At(9)));
        assert_eq!(says("DRM_IOCTL_AMDGPU_WAIT_CS", &[0]), None);
    }

    #[test]
    fn xes_flag_says_whether_the_time_is_absolute() {
        let wait = |flags: i64| says("DRM_IOCTL_XE_WAIT_USER_FENCE", &[0, 0, flags << 16, 0, 0, 5]);
        assert_eq!(wait(0), Some(Until::At(NOW + 5)));
        assert_eq!(wait(1), Some(Until::At(5)));
    }

    #[test]
    fn seconds_have_nanoseconds_behind_them() {
        let (seconds, nanos) = (3, 4);
        let at = Some(Until::At(3 * SECOND + 4));
        assert_eq!(says("DRM_IOCTL_MSM_WAIT_FENCE", &[0, seconds, nanos]), at);
        assert_eq!(says("DRM_IOCTL_ETNAVIV_WAIT_FENCE", &[0, 0, seconds, nanos]), at);
        assert_eq!(says("DRM_IOCTL_ETNAVIV_GEM_WAIT", &[0, 0, i64::MAX, nanos]), Some(Until::Forever));
    }

    #[test]
    fn waits_of_drivers_own_are_in_the_table() {
        for own in &OWN {
            let ioctl = table::all().find(|ioctl| ioctl.name == own.ioctl).unwrap();
            assert!(ioctl.fields.iter().any(|field| field.name == own.at_once.0), "{}", own.ioctl);
            let told = ioctl.fields.iter().any(|field| says_when(field.role));
            assert_eq!(told, own.limit.is_none(), "{}", own.ioctl);
        }
    }
}
