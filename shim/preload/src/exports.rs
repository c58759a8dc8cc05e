//! The symbols. Without a number they are the preloaded object's own; with one, what an auditor binds instead of the libc of
//! that link namespace. `exports.map` lists what the object shows.

use core::ffi::{c_char, c_int, c_uint, c_ulong, c_void};

use crate::hooks;
use crate::real::NAMESPACES;
use crate::session;

type Strings = *const *const c_char;

macro_rules! exports {
    ($($symbol:ident($($argument:ident: $type:ty),*) -> $result:ty = $($path:ident)::+($($pass:expr),*);)*) => {
        #[allow(non_snake_case, reason = "the names are libc's")]
        mod preloaded {
            use super::*;
            $(
                #[unsafe(no_mangle)]
                pub(super) extern "C" fn $symbol($($argument: $type),*) -> $result { $($path)::+(0, $($pass),*) }
            )*
        }

        #[allow(non_snake_case, reason = "the names are libc's")]
        mod audited {
            use super::*;
            $( pub(super) extern "C" fn $symbol<const N: usize>($($argument: $type),*) -> $result {
                $($path)::+(N, $($pass),*)
            } )*
        }

        /// The names of the functions that are replaced, each ended by a NUL: a list of strings would need a relocation each.
        const NAMES: &str = concat!($(stringify!($symbol), "\0",)* "vfork\0syscall\0execl\0execle\0execlp\0");

        // What takes the place of each in each libc: how far from here; 0: nothing does.
        core::arch::global_asm!(
            concat!(
                ".pushsection .rodata.fencelab_hooks,\"a\",@progbits\n.p2align 2\n",
                ".globl fencelab_hooks\n.hidden fencelab_hooks\nfencelab_hooks:\n",
                $(".long {}-fencelab_hooks,{}-fencelab_hooks,{}-fencelab_hooks,{}-fencelab_hooks # ", stringify!($symbol), "\n",)*
                ".rept 4\n.long fencelab_vfork-fencelab_hooks\n.endr\n",
                ".long fencelab_syscall-fencelab_hooks,0,0,0\n",
                ".long fencelab_execl-fencelab_hooks,0,0,0\n",
                ".long fencelab_execle-fencelab_hooks,0,0,0\n",
                ".long fencelab_execlp-fencelab_hooks,0,0,0\n",
                ".popsection"
            ),
            $(
                sym preloaded::$symbol, sym audited::$symbol::<1>,
                sym audited::$symbol::<2>, sym audited::$symbol::<3>,
            )*
        );
    };
}

unsafe extern "C" {
    /// Made above.
    static fencelab_hooks: [[i32; NAMESPACES]; 0];
}

/// Each name with what takes its place in the libc of that number.
pub(crate) fn hooks(libc: usize) -> impl Iterator<Item = (&'static [u8], usize)> {
    let names = NAMES.as_bytes().split(|&byte| byte == 0).filter(|name| !name.is_empty());
    let table = (&raw const fencelab_hooks).cast::<[i32; NAMESPACES]>();
    names.enumerate().filter_map(move |(at, name)| {
        // SAFETY: the table has an entry for each name, in their order.
        let away = *unsafe { &*table.add(at) }.get(libc)?;
        (away != 0).then(|| (name, (table as usize).wrapping_add_signed(away as isize)))
    })
}

exports! {
    ioctl(fd: c_int, request: c_ulong, argument: *mut c_void) -> c_int = hooks::ioctl::ioctl(fd, request, argument);
    open(path: *const c_char, flags: c_int, mode: c_uint) -> c_int = hooks::open::open(path, flags, mode);
    open64(path: *const c_char, flags: c_int, mode: c_uint) -> c_int = hooks::open::open64(path, flags, mode);
    openat(folder: c_int, path: *const c_char, flags: c_int, mode: c_uint) -> c_int =
        hooks::open::openat(folder, path, flags, mode);
    openat64(folder: c_int, path: *const c_char, flags: c_int, mode: c_uint) -> c_int =
        hooks::open::openat64(folder, path, flags, mode);
    __open_2(path: *const c_char, flags: c_int) -> c_int = hooks::open::open_2(path, flags);
    __open64_2(path: *const c_char, flags: c_int) -> c_int = hooks::open::open64_2(path, flags);
    __openat_2(folder: c_int, path: *const c_char, flags: c_int) -> c_int = hooks::open::openat_2(folder, path, flags);
    __openat64_2(folder: c_int, path: *const c_char, flags: c_int) -> c_int = hooks::open::openat64_2(folder, path, flags);
    creat(path: *const c_char, mode: c_uint) -> c_int = hooks::open::creat(path, mode);
    creat64(path: *const c_char, mode: c_uint) -> c_int = hooks::open::creat64(path, mode);
    close(fd: c_int) -> c_int = hooks::close::close(fd);
    close_range(first: c_uint, last: c_uint, flags: c_int) -> c_int = hooks::close::close_range(first, last, flags);
    dup(fd: c_int) -> c_int = hooks::dup::dup(fd);
    dup2(fd: c_int, to: c_int) -> c_int = hooks::dup::dup2(fd, to);
    dup3(fd: c_int, to: c_int, flags: c_int) -> c_int = hooks::dup::dup3(fd, to, flags);
    fcntl(fd: c_int, command: c_int, argument: *mut c_void) -> c_int = hooks::dup::fcntl(fd, command, argument);
    fcntl64(fd: c_int, command: c_int, argument: *mut c_void) -> c_int = hooks::dup::fcntl64(fd, command, argument);
    sendmsg(socket: c_int, message: *const c_void, flags: c_int) -> isize = hooks::rights::sendmsg(socket, message, flags);
    recvmsg(socket: c_int, message: *mut c_void, flags: c_int) -> isize = hooks::rights::recvmsg(socket, message, flags);
    sendmmsg(socket: c_int, messages: *mut c_void, count: c_uint, flags: c_int) -> c_int =
        hooks::rights::sendmmsg(socket, messages, count, flags);
    recvmmsg(socket: c_int, messages: *mut c_void, count: c_uint, flags: c_int, timeout: *mut c_void) -> c_int =
        hooks::rights::recvmmsg(socket, messages, count, flags, timeout);
    pidfd_open(pid: c_int, flags: c_uint) -> c_int = hooks::rights::pidfd_open(pid, flags);
    pidfd_getfd(pidfd: c_int, fd: c_int, flags: c_uint) -> c_int = hooks::rights::pidfd_getfd(pidfd, fd, flags);
    socketpair(domain: c_int, kind: c_int, protocol: c_int, pair: *mut c_int) -> c_int =
        hooks::socket::socketpair(domain, kind, protocol, pair);
    connect(socket: c_int, address: *const c_void, len: c_uint) -> c_int = hooks::socket::connect(socket, address, len);
    bind(socket: c_int, address: *const c_void, len: c_uint) -> c_int = hooks::socket::bind(socket, address, len);
    accept(socket: c_int, address: *mut c_void, len: *mut c_uint) -> c_int = hooks::socket::accept(socket, address, len);
    accept4(socket: c_int, address: *mut c_void, len: *mut c_uint, flags: c_int) -> c_int =
        hooks::socket::accept4(socket, address, len, flags);
    poll(list: *mut c_void, count: c_ulong, timeout: c_int) -> c_int = hooks::poll::poll(list, count, timeout);
    __poll_chk(list: *mut c_void, count: c_ulong, timeout: c_int, size: usize) -> c_int =
        hooks::poll::poll_checked(list, count, timeout, size);
    ppoll(list: *mut c_void, count: c_ulong, timeout: *const c_void, mask: *const c_void) -> c_int =
        hooks::poll::ppoll(list, count, timeout, mask);
    __ppoll_chk(list: *mut c_void, count: c_ulong, timeout: *const c_void, mask: *const c_void, size: usize) -> c_int =
        hooks::poll::ppoll_checked(list, count, timeout, mask, size);
    select(count: c_int, a: *mut c_void, b: *mut c_void, c: *mut c_void, timeout: *mut c_void) -> c_int =
        hooks::select::select(count, [a, b, c], timeout);
    pselect(count: c_int, a: *mut c_void, b: *mut c_void, c: *mut c_void, timeout: *const c_void, mask: *const c_void) -> c_int =
        hooks::select::pselect(count, [a, b, c], timeout, mask);
    fork() -> c_int = hooks::fork::fork();
    _Fork() -> c_int = hooks::fork::fork_only();
    clone(start: *const c_void, stack: *mut c_void, flags: c_int, argument: *mut c_void, a: usize, b: usize, c: usize) -> c_int =
        hooks::fork::clone(start, stack, flags, argument, [a, b, c]);
    posix_spawn(pid: *mut c_int, path: *const c_char, a: *const c_void, b: *const c_void, c: *const c_void, environment: Strings) -> c_int =
        hooks::fork::posix_spawn(pid, path, [a, b, c], environment);
    posix_spawnp(pid: *mut c_int, path: *const c_char, a: *const c_void, b: *const c_void, c: *const c_void, environment: Strings) -> c_int =
        hooks::fork::posix_spawnp(pid, path, [a, b, c], environment);
    execve(path: *const c_char, arguments: Strings, environment: Strings) -> c_int =
        hooks::exec::execve(path, arguments, environment);
    execv(path: *const c_char, arguments: Strings) -> c_int = hooks::exec::execv(path, arguments);
    execvp(file: *const c_char, arguments: Strings) -> c_int = hooks::exec::execvp(file, arguments);
    execvpe(file: *const c_char, arguments: Strings, environment: Strings) -> c_int =
        hooks::exec::execvpe(file, arguments, environment);
    execveat(folder: c_int, path: *const c_char, arguments: Strings, environment: Strings, flags: c_int) -> c_int =
        hooks::exec::execveat(folder, path, arguments, environment, flags);
    fexecve(fd: c_int, arguments: Strings, environment: Strings) -> c_int = hooks::exec::fexecve(fd, arguments, environment);
    chroot(path: *const c_char) -> c_int = hooks::confine::chroot(path);
    setuid(user: c_uint) -> c_int = hooks::confine::setuid(user);
    setreuid(user: c_uint, effective: c_uint) -> c_int = hooks::confine::setreuid(user, effective);
    setresuid(user: c_uint, effective: c_uint, saved: c_uint) -> c_int = hooks::confine::setresuid(user, effective, saved);
    exit(status: c_int) -> ! = hooks::exit::exit(status);
    quick_exit(status: c_int) -> ! = hooks::exit::quick_exit(status);
    _exit(status: c_int) -> ! = hooks::exit::exit_at_once(status);
    _Exit(status: c_int) -> ! = hooks::exit::exit_at_once(status);
    prctl(operation: c_int, a: c_ulong, b: c_ulong, c: c_ulong, d: c_ulong) -> c_int =
        hooks::confine::prctl(operation, [a, b, c, d]);
}

core::arch::global_asm!(
    ".globl vfork",
    ".set vfork, fencelab_vfork",
    ".globl syscall",
    ".set syscall, fencelab_syscall",
    ".globl execl",
    ".set execl, fencelab_execl",
    ".globl execle",
    ".set execle, fencelab_execle",
    ".globl execlp",
    ".set execlp, fencelab_execlp",
);

/// Run when the object is loaded. An auditor is loaded before libc, and starts when la_preinit comes.
extern "C" fn constructor() {
    if !crate::real::is_audited() {
        session::start();
    }
}

#[used]
#[unsafe(link_section = ".init_array")]
static CONSTRUCTOR: extern "C" fn() = constructor;
