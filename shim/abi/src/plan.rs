//! The table as the shim needs it: no names, no pointers to relocate, found in constant time.

use crate::ioctl::{Bits, Count, DRIVER_BASE, DRIVER_END, DRM, Follow, Ioctl, Request, Role, Shape, effect};
use crate::object::{Driver, FdClass};
use crate::table::TABLES;

/// Pointers of one ioctl at most.
pub const MAX_FOLLOW: usize = 5;

/// A pointer to follow.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Offset of the pointer.
    pub pointer: u16,
    /// Elements.
    pub count: Count,
    /// How they lie.
    pub shape: Shape,
    /// Condition.
    pub only_if: Condition,
    /// Whether the kernel writes there.
    pub output: bool,
    inner: Steps,
}

impl Step {
    /// Pointers within each element.
    #[inline]
    pub fn inner(&self) -> &'static [Step] {
        self.inner.get()
    }
}

/// Bits of the u32 at an offset that must be so: of all that the tables ask for, the lower half says enough. A mask of 0: none.
#[derive(Clone, Copy, Debug)]
pub struct Condition {
    /// Offset of the field.
    pub offset: u16,
    /// Which bits.
    pub mask: u32,
    /// What they are.
    pub value: u32,
}

impl Condition {
    const NONE: Self = Self { offset: 0, mask: 0, value: 0 };

    const fn new(bits: &Bits) -> Self {
        assert!(bits.mask >> 32 == 0 && bits.value >> 32 == 0);
        Self { offset: bits.offset, mask: bits.mask as u32, value: bits.value as u32 }
    }
}

/// A range of [`STEPS`].
#[derive(Clone, Copy, Debug)]
struct Steps {
    start: u8,
    len: u8,
}

impl Steps {
    const NONE: Self = Self { start: 0, len: 0 };

    #[inline]
    fn get(self) -> &'static [Step] {
        let (start, len) = (self.start as usize, self.len as usize);
        STEPS.get(start..start + len).unwrap_or(&[])
    }
}

/// An fd that a call shows to be of a class: its argument names it, or the call makes it.
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
    /// Whether one of the steps leads to an output.
    pub has_output: bool,
    /// Whether one look at the argument after the call says everything.
    pub plain: bool,
    /// Whether all that its pointers lead to are arrays that are passed in and that its own fields count, and nothing that was
    /// passed in is to be kept beside what comes back.
    pub flat: bool,
    /// Whether a success says more than that: of an fd that it brings or is given, of work or fences that no record shows.
    pub tells: bool,
    /// Index into [`USES`].
    uses: u8,
    steps: Steps,
}

impl Plan {
    /// The fd that it is given.
    #[inline]
    pub fn uses(&self) -> Brings {
        USES.get(usize::from(self.uses)).copied().unwrap_or(Brings::Nothing)
    }

    /// Pointers to follow.
    #[inline]
    pub fn steps(&self) -> &'static [Step] {
        self.steps.get()
    }
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

/// The fd in an argument that a success shows to be of a class. Not of drivers' own ioctls, in which flags say whether the
/// field is an fd.
const fn uses(ioctl: &Ioctl) -> Brings {
    let mut i = 0;
    while i < ioctl.fields.len() && ioctl.driver.is_none() {
        let field = ioctl.fields[i];
        match field.role {
            // Of a sync_file or a sync object, in the same place and by the same bit as when it is made.
            Role::UsesFd(FdClass::Unknown) if matches!(ioctl.key, (DRM, 0xc2)) => {
                return Brings::SyncobjAt(field.offset);
            }
            Role::UsesFd(FdClass::Unknown) => i += 1,
            Role::UsesFd(class) => return Brings::At(field.offset, class),
            _ => i += 1,
        }
    }
    Brings::Nothing
}

const fn all_flat(follow: &[Follow]) -> bool {
    let mut i = 0;
    while i < follow.len() {
        let step = &follow[i];
        let plain = step.inner.is_empty() && step.only_if.is_none() && !step.output;
        let counted = !matches!(step.count, Count::SumOf(_)) && matches!(step.shape, Shape::Array(_));
        if !plain || !counted {
            return false;
        }
        i += 1;
    }
    true
}

/// What an ioctl that no table has is done about: it may block, and nothing in it is known.
const UNLISTED: Plan = Plan {
    effects: effect::BLOCKS,
    brings: Brings::Nothing,
    has_output: false,
    plain: false,
    flat: true,
    tells: false,
    uses: 0,
    steps: Steps::NONE,
};

const EMPTY: Step = Step {
    pointer: 0,
    count: Count::Fixed(0),
    shape: Shape::Array(0),
    only_if: Condition::NONE,
    output: false,
    inner: Steps::NONE,
};

/// Room for plans and steps: both counts must fit a byte.
const ROOM: usize = 256;

/// Tables turned into plans, as they are made at compile time.
struct Build {
    plans: [Plan; ROOM],
    plan_count: usize,
    steps: [Step; ROOM],
    step_count: usize,
    uses: [Brings; ROOM],
    uses_count: u8,
}

impl Build {
    const fn all() -> Self {
        let mut build = Self {
            plans: [UNLISTED; ROOM],
            plan_count: 1,
            steps: [EMPTY; ROOM],
            step_count: 0,
            uses: [Brings::Nothing; ROOM],
            uses_count: 0,
        };
        let mut i = 0;
        while i < TABLES.len() {
            let mut j = 0;
            while j < TABLES[i].len() {
                build = build.with(&TABLES[i][j]);
                j += 1;
            }
            i += 1;
        }
        build
    }

    const fn with(mut self, ioctl: &Ioctl) -> Self {
        assert!(ioctl.follow.len() <= MAX_FOLLOW);
        let steps = Steps { start: self.step_count as u8, len: ioctl.follow.len() as u8 };
        let mut has_output = false;
        let mut inner_at = self.step_count + ioctl.follow.len();
        let mut i = 0;
        while i < ioctl.follow.len() {
            let follow = &ioctl.follow[i];
            has_output |= follow.output;
            let inner = Steps { start: inner_at as u8, len: follow.inner.len() as u8 };
            self.steps[self.step_count + i] = step(follow, inner);
            let mut j = 0;
            while j < follow.inner.len() {
                self.steps[inner_at] = step(&follow.inner[j], Steps::NONE);
                inner_at += 1;
                j += 1;
            }
            i += 1;
        }
        self.step_count = inner_at;
        let (brings, uses) = (brings(ioctl), uses(ioctl));
        let tells = !matches!((brings, uses), (Brings::Nothing, Brings::Nothing))
            || ioctl.effects & (effect::USER_QUEUE | effect::MEMORY_FENCE) != 0;
        let overwrites = ioctl.effects & (effect::BLOCKS | effect::OVERWRITES) == effect::OVERWRITES;
        let flat = all_flat(ioctl.follow) && !overwrites;
        let plain = ioctl.effects & (effect::BLOCKS | effect::OVERWRITES) == 0 && ioctl.follow.is_empty();
        self.plans[self.plan_count] =
            Plan { effects: ioctl.effects, brings, has_output, plain, flat, tells, uses: 0, steps };
        if !matches!(uses, Brings::Nothing) {
            self.uses_count += 1;
            self.plans[self.plan_count].uses = self.uses_count;
            self.uses[self.uses_count as usize] = uses;
        }
        self.plan_count += 1;
        self
    }
}

const BUILD: Build = Build::all();

static PLANS: [Plan; BUILD.plan_count] = first(&BUILD.plans);
static STEPS: [Step; BUILD.step_count] = first(&BUILD.steps);
/// Few plans have any: the first is of those that have none.
static USES: [Brings; BUILD.uses_count as usize + 1] = first(&BUILD.uses);

const fn first<T: Copy, const N: usize>(from: &[T; ROOM]) -> [T; N] {
    let mut to = [from[0]; N];
    let mut i = 0;
    while i < N {
        to[i] = from[i];
        i += 1;
    }
    to
}

const fn step(follow: &Follow, inner: Steps) -> Step {
    let only_if = match &follow.only_if {
        Some(bits) => Condition::new(bits),
        None => Condition::NONE,
    };
    let (pointer, count, shape, output) = (follow.pointer, follow.count, follow.shape, follow.output);
    Step { pointer, count, shape, only_if, output, inner }
}

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

/// What to do about one of DRM's own ioctls, which are the same on every device, at the cost of one look; `None`: [`find`]
/// knows.
#[inline(always)]
pub fn find_core(request: Request) -> Option<&'static Plan> {
    let nr = request.nr();
    if request.ty() != DRM || (DRIVER_BASE..DRIVER_END).contains(&nr) {
        return None;
    }
    match INDEX.drm[nr as usize] {
        0 => None,
        at => PLANS.get(at as usize),
    }
}

/// What to do about a request on an fd of that class; `None`: not ours, let it pass. The flag says whether a table has
/// it.
///
/// Letters other than DRM's are shared with other subsystems (`W` is also the watchdogs'), so those match by
/// letter, number and what the fd is known to be; an fd of which nothing is known passes for the right one.
#[inline(always)]
pub fn find(request: Request, class: impl FnOnce() -> FdClass) -> Option<(&'static Plan, bool)> {
    let nr = request.nr();
    let at = match request.ty() {
        DRM if !(DRIVER_BASE..DRIVER_END).contains(&nr) => INDEX.drm[nr as usize],
        DRM => match class() {
            FdClass::Drm(driver) => INDEX.driver[driver as usize][(nr - DRIVER_BASE) as usize],
            _ => 0,
        },
        ty => other(ty, nr)?,
    };
    Some((&PLANS[at as usize], at != 0))
}

/// Whether a request has a letter that [`find`] may know.
#[inline(always)]
pub fn has_known_letter(request: Request) -> bool {
    const LETTERS: [u64; 4] = known_letters();
    let ty = usize::from(request.ty());
    LETTERS[ty / 64] >> (ty % 64) & 1 != 0
}

/// A bit for each letter.
const fn known_letters() -> [u64; 4] {
    let mut letters = [0; 4];
    let mut ty = 0;
    while ty < 256 {
        if ty as u8 == DRM || letter(ty as u8).is_some() {
            letters[ty / 64] |= 1 << (ty % 64);
        }
        ty += 1;
    }
    letters
}

/// A request of another letter than DRM's.
#[inline(never)]
fn other(ty: u8, nr: u8) -> Option<u8> {
    let at = INDEX.other[letter(ty)?][(nr & 7) as usize];
    (at != 0 && is_exactly(ty, nr)).then_some(at)
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
            assert!(has_known_letter(request), "{}", ioctl.name);
            let core = find_core(request);
            assert_eq!(core.is_some(), ty == DRM && ioctl.driver.is_none(), "{}", ioctl.name);
            assert!(core.is_none_or(|core| core::ptr::eq(core, plan)), "{}", ioctl.name);
            assert_eq!(plan.steps().len(), ioctl.follow.len(), "{}", ioctl.name);
        }
    }

    #[test]
    fn an_fd_that_a_call_is_given_is_known_by_its_success() {
        let uses =
            |ty, nr| find(Request(u32::from(ty) << 8 | nr), || FdClass::Unknown).map(|found| found.0.uses());
        assert_eq!(uses(DRM, 0x2e), Some(Brings::At(8, FdClass::DmaBuf)), "PRIME_FD_TO_HANDLE");
        assert_eq!(uses(DRM, 0xc2), Some(Brings::SyncobjAt(8)), "SYNCOBJ_FD_TO_HANDLE");
        assert_eq!(uses(DRM, 0xcf), Some(Brings::At(16, FdClass::Eventfd)), "SYNCOBJ_EVENTFD");
        assert_eq!(uses(b'>', 3), Some(Brings::At(32, FdClass::SyncFile)), "SYNC_IOC_MERGE");
        assert_eq!(uses(b'b', 3), Some(Brings::At(4, FdClass::SyncFile)), "DMA_BUF_IOCTL_IMPORT_SYNC_FILE");
        assert_eq!(uses(DRM, 0xc0), Some(Brings::Nothing), "SYNCOBJ_DESTROY");
    }

    #[test]
    fn others_pass() {
        for (ty, nr) in [(b'T', 1), (b'f', 0x41), (b'W', 7), (b'>', 8), (b'u', 2)] {
            let request = Request(u32::from(ty) << 8 | nr);
            assert!(find(request, || FdClass::Unknown).is_none(), "{} {nr}", char::from(ty));
        }
    }
}
