//! The table as the shim needs it: no names, no pointers to relocate, found in constant time.

use crate::ioctl::{Bits, Count, DRIVER_BASE, DRIVER_END, DRM, Ioctl, Request, Role, Shape, effect};
use crate::object::{Driver, FdClass};
use crate::table::TABLES;

/// Pointers of one ioctl at most.
pub const MAX_FOLLOW: usize = 5;
/// Pointers of one element at most.
pub const MAX_INNER: usize = 2;

/// A pointer to follow.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Offset of the pointer.
    pub pointer: u16,
    /// Elements.
    pub count: Count,
    /// How they lie.
    pub shape: Shape,
    /// Condition, with a mask of 0 if there is none.
    pub only_if: Bits,
    /// Whether the kernel writes there.
    pub output: bool,
}

/// An fd that an argument names or brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brings {
    /// None.
    Nothing,
    /// The i32 at that offset, of that class.
    At(u16, FdClass),
    /// The i32 at that offset: of a sync_file or a sync object, by bit 0 of the u32 at offset 4.
    SyncobjAt(u16),
    /// What the call returns.
    Result(FdClass),
}

/// What to do about an ioctl.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// [`effect`].
    pub effects: u8,
    /// The fd that it makes.
    pub brings: Brings,
    /// Pointers to follow.
    pub steps: [Option<Step>; MAX_FOLLOW],
    /// For each, pointers within its elements.
    pub inner: [[Option<Step>; MAX_INNER]; MAX_FOLLOW],
}

const fn step(follow: &crate::ioctl::Follow) -> Step {
    let only_if = match follow.only_if {
        Some(bits) => bits,
        None => Bits { offset: 0, wide: false, mask: 0, value: 0 },
    };
    Step { pointer: follow.pointer, count: follow.count, shape: follow.shape, only_if, output: follow.output }
}

const fn brings(ioctl: &Ioctl) -> Brings {
    if let Some(class) = ioctl.returns {
        return Brings::Result(class);
    }
    let mut i = 0;
    while i < ioctl.fields.len() {
        let field = ioctl.fields[i];
        match field.role {
            Role::MakesFd(class) => return Brings::At(field.offset, class),
            Role::MakesSyncobjFd => return Brings::SyncobjAt(field.offset),
            _ => i += 1,
        }
    }
    Brings::Nothing
}

const fn plan(ioctl: &Ioctl) -> Plan {
    let mut steps = [None; MAX_FOLLOW];
    let mut inner = [[None; MAX_INNER]; MAX_FOLLOW];
    let mut i = 0;
    while i < ioctl.follow.len() {
        steps[i] = Some(step(&ioctl.follow[i]));
        let mut j = 0;
        while j < ioctl.follow[i].inner.len() {
            inner[i][j] = Some(step(&ioctl.follow[i].inner[j]));
            j += 1;
        }
        i += 1;
    }
    Plan { effects: ioctl.effects, brings: brings(ioctl), steps, inner }
}

const COUNT: usize = {
    let (mut count, mut i) = (0, 0);
    while i < TABLES.len() {
        count += TABLES[i].len();
        i += 1;
    }
    count
};

/// What is done about an ioctl that no table has: it may block, and nothing in it is known.
const UNLISTED: Plan = Plan {
    effects: effect::BLOCKS,
    brings: Brings::Nothing,
    steps: [None; MAX_FOLLOW],
    inner: [[None; MAX_INNER]; MAX_FOLLOW],
};

static PLANS: [Plan; COUNT + 1] = {
    let mut plans = [UNLISTED; COUNT + 1];
    let (mut at, mut i) = (1, 0);
    while i < TABLES.len() {
        let mut j = 0;
        while j < TABLES[i].len() {
            plans[at] = plan(&TABLES[i][j]);
            at += 1;
            j += 1;
        }
        i += 1;
    }
    plans
};

/// Index into [`PLANS`] by number, for DRM's own ioctls and for the letters that are not DRM's.
struct Index {
    drm: [u8; 256],
    driver: [[u8; (DRIVER_END - DRIVER_BASE) as usize]; Driver::COUNT],
    other: [[u8; 8]; 6],
}

const fn letter(ty: u8) -> Option<usize> {
    match ty {
        b'b' => Some(0),
        b'>' => Some(1),
        b'W' => Some(2),
        b'H' => Some(3),
        b'u' => Some(4),
        _ => None,
    }
}

static INDEX: Index = {
    let mut index = Index {
        drm: [0; 256],
        driver: [[0; (DRIVER_END - DRIVER_BASE) as usize]; Driver::COUNT],
        other: [[0; 8]; 6],
    };
    assert!(COUNT < 256);
    let (mut at, mut i) = (1u8, 0);
    while i < TABLES.len() {
        let mut j = 0;
        while j < TABLES[i].len() {
            let ioctl = &TABLES[i][j];
            let (ty, nr) = ioctl.key;
            match (ioctl.driver, letter(ty)) {
                (Some(driver), _) => index.driver[driver as usize][(nr - DRIVER_BASE) as usize] = at,
                (None, Some(letter)) => {
                    // UDMABUF_CREATE is 'u' 0x42.
                    index.other[letter][(nr & 7) as usize] = at;
                }
                (None, None) => index.drm[nr as usize] = at,
            }
            at += 1;
            j += 1;
        }
        i += 1;
    }
    index
};

/// What to do about a request on an fd of that class; `None`: not ours, let it pass. The flag says whether a table has
/// it.
///
/// Letters other than DRM's are shared with other subsystems (`W` is also the watchdogs'), so those match by
/// letter, number and what the fd is known to be; an fd of which nothing is known passes for the right one.
#[inline]
pub fn find(request: Request, class: impl FnOnce() -> FdClass) -> Option<(&'static Plan, bool)> {
    let nr = request.nr();
    let at = match request.ty() {
        DRM if !(DRIVER_BASE..DRIVER_END).contains(&nr) => INDEX.drm[nr as usize],
        DRM => match class() {
            FdClass::Drm(driver) => INDEX.driver[driver as usize][(nr - DRIVER_BASE) as usize],
            _ => 0,
        },
        ty => {
            let at = INDEX.other[letter(ty)?][(nr & 7) as usize];
            if at == 0 || !is_exactly(ty, nr) {
                return None;
            }
            at
        }
    };
    Some((&PLANS[at as usize], at != 0))
}

/// Whether the letter and number are one of ours in full, as the index holds only the number's low bits.
const fn is_exactly(ty: u8, nr: u8) -> bool {
    match ty {
        b'b' => nr <= 3,
        b'>' => nr >= 3 && nr <= 5,
        b'W' => nr <= 2,
        b'H' => nr == 0,
        _ => nr == 0x42 || nr == 0x43,
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::table::all;

    #[test]
    fn every_table_entry_is_found() {
        for ioctl in all() {
            let (ty, nr) = ioctl.key;
            let request = Request(u32::from(ty) << 8 | u32::from(nr));
            let class = ioctl.driver.map_or(FdClass::Unknown, FdClass::Drm);
            let (plan, listed) = find(request, || class).expect(ioctl.name);
            assert!(listed, "{}", ioctl.name);
            assert_eq!(plan.effects, ioctl.effects, "{}", ioctl.name);
            assert_eq!(plan.steps.iter().flatten().count(), ioctl.follow.len(), "{}", ioctl.name);
        }
    }

    #[test]
    fn others_pass() {
        for (ty, nr) in [(b'T', 1), (b'f', 0x41), (b'W', 7), (b'>', 8), (b'u', 2)] {
            let request = Request(u32::from(ty) << 8 | nr);
            assert!(find(request, || FdClass::Unknown).is_none(), "{} {nr}", char::from(ty));
        }
    }
}
