//! ioctl: the one that this is about.

use core::ffi::{c_int, c_ulong, c_void};
use core::mem::MaybeUninit;

use fencelab_abi::ioctl::{DRM, effect};
use fencelab_abi::plan::{self, Brings, MAX_FOLLOW, Plan};
use fencelab_abi::record::slots_for;
use fencelab_abi::section::{ARG_BEFORE, Section};
use fencelab_abi::{Driver, FdClass, Kind, Request, flags, process::blind};

use super::{Timed, out_fence, short};
use crate::fault::{self, Fault};
use crate::payload::{Argument, Phase, Sink};
use crate::readable::{Trust, load};
use crate::ring::{self, Head};
use crate::tls::Thread;
use crate::{clock, fds, real, session};

/// DRM_IOCTL_VERSION's number.
const VERSION: u8 = 0x00;
/// Longest argument whose bytes from before the call are kept.
const KEPT: usize = 128;

/// `int ioctl(int fd, unsigned long request, ...)`.
#[inline(always)]
pub fn ioctl(namespace: usize, fd: c_int, request: c_ulong, argument: *mut c_void) -> c_int {
    match plan::find_core(Request(request as u32)) {
        Some(plan) => short::make(fd, request, argument, plan, 0, namespace),
        None if plan::has_known_letter(Request(request as u32)) => other(fd, request, argument, namespace),
        None => forward(namespace, fd, request, argument),
    }
}

/// A driver's, or another letter's, if it is ours. By itself, so that what goes the short way needs no registers saved
/// for it.
#[inline(never)]
fn other(fd: c_int, request: c_ulong, argument: *mut c_void, namespace: usize) -> c_int {
    match plan::find(Request(request as u32), || fds::class(fd)) {
        None => forward(namespace, fd, request, argument),
        Some((plan, listed)) => {
            let noted = if listed { 0 } else { flags::UNLISTED };
            short::make(fd, request, argument, plan, noted, namespace)
        }
    }
}

#[inline]
pub(crate) fn forward(namespace: usize, fd: c_int, request: c_ulong, argument: *mut c_void) -> c_int {
    real!(namespace, Ioctl, fn(c_int, c_ulong, *mut c_void) -> c_int, fd, request, argument)
}

/// One of ours.
pub(crate) struct Call {
    /// Link namespace of the caller's libc.
    pub(crate) namespace: usize,
    pub(crate) fd: c_int,
    pub(crate) request: c_ulong,
    pub(crate) argument: *mut c_void,
    pub(crate) plan: &'static Plan,
    /// [`flags::UNLISTED`], [`flags::BY_NUMBER`].
    pub(crate) noted: u8,
}

impl Call {
    /// Makes it and records it, whatever it takes.
    #[inline(never)]
    pub(crate) fn make(&self) -> c_int {
        let Some(thread) = ring::thread() else {
            return forward(self.namespace, self.fd, self.request, self.argument);
        };
        if fault::any() {
            return self.with_faults(thread);
        }
        self.record(thread, 0, &mut || self.forward())
    }

    fn forward(&self) -> c_int {
        forward(self.namespace, self.fd, self.request, self.argument)
    }

    /// Bytes of the argument that the kernel looks at.
    #[inline]
    pub(crate) fn size(&self) -> usize {
        short::argument_size(self.request)
    }

    /// Remembers what the call showed, which had nothing to be followed.
    #[cold]
    pub(crate) fn learn_short(&self, result: c_int, class: u8) {
        let (address, size) = (self.argument as usize, self.size());
        self.learn(&Argument { address, size, trust: Trust::Proven, room: [0; MAX_FOLLOW] }, result, class);
    }

    #[cold]
    fn with_faults(&self, thread: *mut Thread) -> c_int {
        match fault::choose(thread, self.plan.effects) {
            Fault::None => self.record(thread, 0, &mut || self.forward()),
            Fault::Delay(nanos) => self.record(thread, flags::DELAYED, &mut || {
                crate::sys::sleep(nanos);
                self.forward()
            }),
            Fault::Fail(errno) => {
                self.record(thread, flags::FAULT, &mut || real::fail(self.namespace, errno))
            }
            Fault::Drop => self.record(thread, flags::FAULT, &mut || 0),
        }
    }

    pub(crate) fn request(&self) -> Request {
        Request(self.request as u32)
    }

    #[inline(never)]
    fn record(&self, thread: *mut Thread, extra: u8, make: &mut dyn FnMut() -> c_int) -> c_int {
        let class = fds::byte(self.fd);
        let (flags, request, size) = (extra | self.noted, self.request(), self.size());
        let mut argument = Argument {
            address: self.argument as usize,
            size,
            trust: Trust::Look,
            room: [u32::MAX; MAX_FOLLOW],
        };
        let simple = self.plan.effects & (effect::BLOCKS | effect::OVERWRITES) == 0 && !self.plan.has_output;
        let mut before = Before::default();
        if !simple {
            self.before(thread, &mut argument, &mut before, flags, class);
        }
        let enter = if before.enter != 0 { before.enter } else { clock::now() };
        let result = make();
        let call = Timed { result, enter, exit: clock::now() };
        let outcome = real::outcome(self.namespace, result);
        if outcome >= 0 {
            argument.trust = Trust::Proven;
        }
        let kind = if before.enter != 0 { Kind::IoctlExit } else { Kind::Ioctl };
        let head = Head {
            kind,
            enter,
            exit: call.exit,
            request: request.0,
            fd: self.fd,
            result: outcome,
            flags: flags | before.flags,
            class,
        };
        self.after(thread, &argument, &before, head);
        if outcome >= 0 {
            self.learn(&argument, result, class);
        }
        result
    }

    /// What must be seen before the call: inputs that it may overwrite, and everything if it may not come back.
    #[inline(never)]
    fn before(
        &self,
        thread: *mut Thread,
        argument: &mut Argument,
        before: &mut Before,
        flags: u8,
        class: u8,
    ) {
        let blocks = self.plan.effects & effect::BLOCKS != 0;
        let asked = Argument { trust: if blocks { Trust::Ask } else { Trust::Look }, ..*argument };
        let there = asked.is_there();
        if self.plan.has_output {
            argument.room = [0; MAX_FOLLOW];
            if there {
                argument.measure(self.plan);
            }
        }
        if there && self.plan.effects & effect::OVERWRITES != 0 && !blocks {
            before.keep(argument);
        }
        if blocks {
            before.enter = clock::now();
            let unread = if there || argument.size == 0 { 0 } else { flags::UNREAD };
            let head = Head {
                kind: Kind::IoctlEnter,
                enter: before.enter,
                exit: 0,
                request: self.request().0,
                fd: self.fd,
                result: 0,
                flags: flags | unread,
                class,
            };
            self.write(thread, &asked, &Before::default(), Phase::Before, there, head);
        }
    }

    fn after(&self, thread: *mut Thread, argument: &Argument, before: &Before, head: Head) {
        let there = argument.is_there();
        let unread = if there || argument.size == 0 { 0 } else { flags::UNREAD };
        let phase = if head.kind == Kind::IoctlExit { Phase::After } else { Phase::Whole };
        self.write(thread, argument, before, phase, there, Head { flags: head.flags | unread, ..head });
    }

    /// Writes one record: the argument if it can be read, and what of it the phase wants.
    #[inline(never)]
    fn write(
        &self,
        thread: *mut Thread,
        argument: &Argument,
        before: &Before,
        phase: Phase,
        there: bool,
        mut head: Head,
    ) {
        let parts = |sink: &mut Sink<'_>| {
            if there {
                argument.copy(sink);
            }
            before.copy(sink);
            if there && !self.plan.steps().is_empty() {
                argument.follow(self.plan, phase, sink);
            }
            if there && head.result >= 0 && head.kind != Kind::IoctlEnter {
                out_fence::follow(self.request(), argument, head.class, sink);
            }
        };
        let need = match self.simple_len(argument, before, phase, there, &head) {
            Some(len) => len,
            None => {
                let mut size = Sink::Size(0);
                parts(&mut size);
                let Sink::Size(len) = size else { return };
                len
            }
        };
        let Some(mut draft) = ring::reserve(thread, slots_for(need)) else { return };
        parts(&mut Sink::Write(&mut draft));
        if there {
            head.flags |= flags::ARG;
        }
        draft.commit(&head);
    }

    /// Bytes of payload, if that is easily told: it may be more than is needed.
    #[inline]
    fn simple_len(
        &self,
        argument: &Argument,
        before: &Before,
        phase: Phase,
        there: bool,
        head: &Head,
    ) -> Option<usize> {
        let finds_more = head.result >= 0 && head.kind != Kind::IoctlEnter && out_fence::has(self.request());
        if before.len > 0 || finds_more {
            return None;
        }
        if !there {
            return Some(0);
        }
        Some(argument.size.next_multiple_of(8) + argument.simple_len(self.plan, phase)?)
    }

    /// Remembers what a call that succeeded shows of fds.
    #[inline(never)]
    fn learn(&self, argument: &Argument, result: c_int, class: u8) {
        let request = self.request();
        if FdClass::is_open(class) && request.ty() != DRM {
            fds::set(self.fd, FdClass::of_letter(request.ty()));
        }
        if request.ty() == DRM && (FdClass::is_open(class) || request.nr() == VERSION) {
            self.learn_driver(argument, class);
        }
        for shown in [self.plan.uses(), self.plan.brings] {
            show(shown, argument, result);
        }
        if self.plan.effects & (effect::USER_QUEUE | effect::MEMORY_FENCE) != 0 {
            self.learn_blindness();
        }
        out_fence::learn(request, argument, class);
    }

    #[cold]
    fn learn_driver(&self, argument: &Argument, class: u8) {
        let driver = match self.request().nr() {
            VERSION => super::open::driver_of_version(argument),
            _ => Driver::Other,
        };
        if driver != Driver::Other || FdClass::is_open(class) {
            fds::set(self.fd, FdClass::Drm(driver));
        }
    }

    #[cold]
    fn learn_blindness(&self) {
        if self.plan.effects & effect::USER_QUEUE != 0 {
            session::blind(blind::USER_QUEUES);
        }
        if self.plan.effects & effect::MEMORY_FENCE != 0 {
            session::blind(blind::MEMORY_FENCES);
        }
    }
}

/// Remembers an fd of which a call that succeeded has shown the class.
fn show(shown: Brings, argument: &Argument, result: c_int) {
    // SAFETY: the call succeeded: the argument is there.
    let number = |at: u16| unsafe { load(argument.address + usize::from(at), 4) as i32 };
    let inside = |at: u16| usize::from(at) + 4 <= argument.size;
    match shown {
        Brings::Nothing => {}
        Brings::At(at, class) if inside(at) => note(number(at), class),
        Brings::SyncobjAt(at) if inside(at) => {
            note(number(at), if number(4) & 1 != 0 { FdClass::SyncFile } else { FdClass::Syncobj });
        }
        Brings::Result(class) => note(result, class),
        Brings::At(..) | Brings::SyncobjAt(_) => {}
    }
}

/// 0 to 2 are no driver's to give, but what an unused field holds.
#[inline]
fn note(fd: c_int, class: FdClass) {
    const FIRST: c_int = 3;
    if fd >= FIRST {
        fds::set(fd, class);
    }
}

/// What was kept from before a call.
struct Before {
    /// Ticks of the enter record; 0: none was written.
    enter: u64,
    flags: u8,
    kept: [MaybeUninit<u8>; KEPT],
    len: usize,
}

impl Default for Before {
    #[inline]
    fn default() -> Self {
        Self { enter: 0, flags: 0, kept: [const { MaybeUninit::uninit() }; KEPT], len: 0 }
    }
}

impl Before {
    fn keep(&mut self, argument: &Argument) {
        if argument.size > KEPT {
            self.flags |= flags::UNREAD;
            return;
        }
        self.len = argument.size;
        for (at, byte) in self.kept[..argument.size].iter_mut().enumerate() {
            // SAFETY: the caller has checked that it is there.
            byte.write(unsafe { load(argument.address + at, 1) as u8 });
        }
    }

    #[inline]
    fn copy(&self, sink: &mut Sink<'_>) {
        const _: () = assert!(KEPT + Section::SIZE < 0xffff);
        if self.len > 0 {
            // SAFETY: our own bytes, so many of them written.
            unsafe { sink.section(ARG_BEFORE, self.kept.as_ptr() as usize, self.len, self.len) };
        }
    }
}
