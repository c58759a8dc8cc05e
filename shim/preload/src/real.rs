//! The functions whose places the hooks take, once per link namespace.
//!
//! Preloaded, there is one libc, and the next definition behind ours is asked of dlsym, so that other preloads stay in
//! the chain. As an auditor we are told of every libc that is loaded, each with its own errno.

use core::arch::{asm, global_asm};
use core::ffi::{CStr, c_int, c_ulong, c_void};
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::tls;

/// The namespace of no libc: raw mode's system calls, which return negated errnos.
pub const RAW: usize = NAMESPACES;

/// libcs that there is room for: the program's, and those that dlmopen loads.
pub const NAMESPACES: usize = 4;

macro_rules! functions {
    ($($function:ident = $name:literal,)*) => {
        /// A function or variable of libc.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "each is libc's of that name")]
        pub enum Function { $($function,)* }

        /// How many there are.
        const COUNT: usize = [$(Function::$function),*].len();

        /// Their names.
        pub static NAMES: [Name; COUNT] = [$(Name::new(Function::$function, $name),)*];
    };
}

/// A function's name, in place: a pointer to it would want a relocation when the object is loaded.
#[derive(Clone, Copy, Debug)]
pub struct Name {
    function: Function,
    text: [u8; LONGEST],
}

/// Bytes of the longest name, with its NUL.
const LONGEST: usize = 19;

impl Name {
    const fn new(function: Function, name: &CStr) -> Self {
        let bytes = name.to_bytes();
        assert!(bytes.len() < LONGEST);
        let mut text = [0; LONGEST];
        let mut i = 0;
        while i < bytes.len() {
            text[i] = bytes[i];
            i += 1;
        }
        Self { function, text }
    }

    /// Whose it is.
    pub fn function(&self) -> Function {
        self.function
    }

    /// The name.
    pub fn text(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.text).unwrap_or_default()
    }
}

functions! {
    Accept = c"accept", Accept4 = c"accept4", Bind = c"bind", Chroot = c"chroot", Clone = c"clone", Close = c"close",
    CloseRange = c"close_range", Connect = c"connect", Dup = c"dup", Dup2 = c"dup2", Dup3 = c"dup3",
    Execv = c"execv", Execve = c"execve", Execveat = c"execveat", Execvp = c"execvp", Execvpe = c"execvpe",
    Fcntl = c"fcntl", Fcntl64 = c"fcntl64", Fexecve = c"fexecve", Fork = c"fork", ForkOnly = c"_Fork",
    Ioctl = c"ioctl", Open = c"open", Open2 = c"__open_2", Open64 = c"open64", Open64Checked = c"__open64_2",
    Openat = c"openat", Openat2 = c"__openat_2", Openat64 = c"openat64", Openat64Checked = c"__openat64_2",
    PidfdGetfd = c"pidfd_getfd", PidfdOpen = c"pidfd_open", Poll = c"poll", PollChecked = c"__poll_chk",
    PosixSpawn = c"posix_spawn", PosixSpawnp = c"posix_spawnp", Ppoll = c"ppoll", Prctl = c"prctl",
    PpollChecked = c"__ppoll_chk", Pselect = c"pselect", Select = c"select", Creat = c"creat", Creat64 = c"creat64",
    Recvmmsg = c"recvmmsg", Recvmsg = c"recvmsg", Sendmmsg = c"sendmmsg", Sendmsg = c"sendmsg", Setresuid = c"setresuid", Setreuid = c"setreuid", Setuid = c"setuid",
    Socketpair = c"socketpair", Syscall = c"syscall", Vfork = c"vfork",
    ErrnoLocation = c"__errno_location", ClockGettime = c"clock_gettime", CurrentBreak = c"__curbrk",
    Environment = c"environ", Exit = c"exit", ExitAtOnce = c"_exit", OnExit = c"on_exit", QuickExit = c"quick_exit",
}

static REAL: [[AtomicUsize; COUNT]; NAMESPACES + 1] =
    [const { [const { AtomicUsize::new(0) }; COUNT] }; NAMESPACES + 1];

/// The address of a function in a namespace; 0: it has none.
#[inline]
pub fn address(namespace: usize, function: Function) -> usize {
    let address = REAL[namespace][function as usize].load(Relaxed);
    if address == 0 && namespace == 0 { next(function) } else { address }
}

/// libc's ioctl, as three registers hold its arguments.
pub(crate) type Ioctl = unsafe extern "C" fn(c_int, c_ulong, *mut c_void) -> c_int;

/// A namespace's ioctl, if it was looked for already and is there.
#[inline(always)]
pub(crate) fn ioctl(namespace: usize) -> Option<Ioctl> {
    let address = REAL.get(namespace)?[Function::Ioctl as usize].load(Relaxed);
    // SAFETY: it is libc's ioctl, or 0, which is None.
    unsafe { core::mem::transmute(address) }
}

/// Sets it, as the auditor learns it.
pub fn set(namespace: usize, function: Function, address: usize) {
    REAL[namespace][function as usize].store(address, Relaxed);
}

/// Resolves all of the first namespace's, so that no later call has to.
#[cold]
pub fn resolve() {
    for name in &NAMES {
        address(0, name.function());
    }
}

global_asm!(".weak dlsym");

/// dlsym; 0 where nobody defines it.
fn dlsym() -> usize {
    let dlsym: usize;
    // SAFETY: reads the GOT's entry of a weak symbol.
    unsafe {
        asm!("mov {0}, qword ptr [rip + dlsym@GOTPCREL]", out(reg) dlsym, options(nostack, pure, readonly))
    };
    dlsym
}

/// Whether we are an auditor: alone in a link namespace, without a libc that has dlsym.
pub fn is_audited() -> bool {
    dlsym() == 0
}

/// Asks dlsym, if there is one, for the definition behind ours.
#[cold]
#[inline(never)]
fn next(function: Function) -> usize {
    const RTLD_NEXT: usize = usize::MAX;
    let dlsym = dlsym();
    let Some(name) = NAMES.get(function as usize).filter(|_| dlsym != 0) else { return 0 };
    // SAFETY: it is dlsym.
    let address = unsafe {
        let dlsym: extern "C" fn(usize, *const core::ffi::c_char) -> usize = core::mem::transmute(dlsym);
        dlsym(RTLD_NEXT, name.text().as_ptr())
    };
    set(0, function, address);
    address
}

/// Calls the function of that name, or fails with ENOSYS where this libc has none.
#[macro_export]
macro_rules! real {
    ($namespace:expr, $function:ident, fn($($type:ty),* $(,)?) -> $result:ty, $($argument:expr),* $(,)?) => {{
        let address = $crate::real::address($namespace, $crate::real::Function::$function);
        if address == 0 {
            $crate::real::missing($namespace)
        } else {
            #[allow(clippy::macro_metavars_in_unsafe, reason = "the arguments are plain names and fields")]
            // SAFETY: the address is that of libc's function, whose type this is.
            unsafe {
                let function: unsafe extern "C" fn($($type),*) -> $result = core::mem::transmute(address);
                function($($argument),*)
            }
        }
    }};
}

/// The function does not exist.
pub const ENOSYS: c_int = 38;

fn errno_at(namespace: usize) -> Option<*mut c_int> {
    let address = address(namespace, Function::ErrnoLocation);
    if address == 0 {
        return None;
    }
    // SAFETY: it is __errno_location.
    let location: extern "C" fn() -> *mut c_int = unsafe { core::mem::transmute(address) };
    Some(location())
}

/// Where the first namespace's libc has errno, from the thread pointer on; 0: not known. It is the same for every thread, as libc
/// is loaded with the program and its thread-local variables lie at a fixed distance (ELF Handling For Thread-Local Storage,
/// 3.4.6: variant II, static).
static ERRNO_OFFSET: AtomicUsize = AtomicUsize::new(0);

/// Learns it. At the process's start.
pub fn learn_errno() {
    if let Some(errno) = errno_at(0) {
        ERRNO_OFFSET.store((errno as usize).wrapping_sub(tls::thread_pointer()), Relaxed);
    }
}

/// The calling thread's errno.
#[inline]
pub fn errno(namespace: usize) -> c_int {
    /// A system call that returned -1.
    const EPERM: c_int = 1;
    if namespace == RAW {
        return EPERM;
    }
    let offset = ERRNO_OFFSET.load(Relaxed);
    if namespace == 0 && offset != 0 {
        // SAFETY: `learn_errno` found it there.
        return unsafe { *(tls::thread_pointer().wrapping_add(offset) as *const c_int) };
    }
    // SAFETY: libc's, of this thread.
    errno_at(namespace).map_or(0, |errno| unsafe { *errno })
}

/// What a call to a function that there is not returns.
#[cold]
pub fn missing<T: From<i8>>(namespace: usize) -> T {
    fail(namespace, ENOSYS);
    T::from(-1)
}

/// What a call that fails with that errno returns; libc's errno is set.
#[cold]
#[inline(never)]
pub fn fail(namespace: usize, errno: c_int) -> c_int {
    if namespace == RAW {
        return -errno;
    }
    set_errno(namespace, errno);
    -1
}

/// Sets it.
pub fn set_errno(namespace: usize, value: c_int) {
    if let Some(errno) = errno_at(namespace) {
        // SAFETY: libc's, of this thread.
        unsafe { *errno = value };
    }
}

/// A call's result as a record holds it.
#[inline]
pub fn outcome(namespace: usize, result: c_int) -> i32 {
    if result == -1 { -errno(namespace) } else { result }
}

/// libc's clock_gettime; 0: unknown.
pub fn clock_gettime() -> usize {
    address(0, Function::ClockGettime)
}

/// Where libc keeps the heap's end; 0: unknown.
pub fn heap_end_variable() -> usize {
    address(0, Function::CurrentBreak)
}
