//! Unix sockets: the ways that fds travel on.

use core::ffi::{c_int, c_uint, c_void};

use fencelab_abi::section::ADDRESS;
use fencelab_abi::{FdClass, Kind};

use super::{Part, Timed, brought, head, timed, write};
use crate::readable::{self, Trust, load};
use crate::{fds, real};

const AF_UNIX: u64 = 1;

/// `int socketpair(int domain, int type, int protocol, int fds[2])`.
pub fn socketpair(namespace: usize, domain: c_int, kind: c_int, protocol: c_int, pair: *mut c_int) -> c_int {
    let call = timed(|| {
        real!(
            namespace,
            Socketpair,
            fn(c_int, c_int, c_int, *mut c_int) -> c_int,
            domain,
            kind,
            protocol,
            pair
        )
    });
    if call.result == 0 {
        // SAFETY: the kernel has written both.
        let both = unsafe { [*pair, *pair.add(1)] };
        both.into_iter().for_each(|fd| brought(fd, FdClass::Socket));
        write(&head(namespace, Kind::SocketPair, both[0], 0, &call), &[Part::fds(&both)]);
    }
    call.result
}

/// `int connect(int socket, const struct sockaddr *address, socklen_t len)`.
pub fn connect(namespace: usize, socket: c_int, address: *const c_void, len: c_uint) -> c_int {
    let call =
        timed(|| real!(namespace, Connect, fn(c_int, *const c_void, c_uint) -> c_int, socket, address, len));
    named(namespace, Kind::Connect, socket, address as usize, len, &call);
    call.result
}

/// `int bind(int socket, const struct sockaddr *address, socklen_t len)`.
pub fn bind(namespace: usize, socket: c_int, address: *const c_void, len: c_uint) -> c_int {
    let call =
        timed(|| real!(namespace, Bind, fn(c_int, *const c_void, c_uint) -> c_int, socket, address, len));
    named(namespace, Kind::Bind, socket, address as usize, len, &call);
    call.result
}

/// Records a unix socket's address (struct sockaddr_un: family, then the path).
fn named(namespace: usize, kind: Kind, socket: c_int, address: usize, len: c_uint, call: &Timed) {
    const LONGEST: usize = 110;
    let len = (len as usize).min(LONGEST);
    let trust = if call.result == 0 { Trust::Proven } else { Trust::Look };
    if len <= 2 || !readable::check(address, len, trust) {
        return;
    }
    // SAFETY: checked.
    if unsafe { load(address, 2) } == AF_UNIX {
        fds::set(socket, FdClass::Socket);
        let part = Part { id: ADDRESS, address: address + 2, len: len - 2, total: len - 2 };
        write(&head(namespace, kind, socket, 0, call), &[part]);
    }
}

/// `int accept(int socket, struct sockaddr *address, socklen_t *len)`.
pub fn accept(namespace: usize, socket: c_int, address: *mut c_void, len: *mut c_uint) -> c_int {
    accepted(namespace, socket, &mut || {
        real!(namespace, Accept, fn(c_int, *mut c_void, *mut c_uint) -> c_int, socket, address, len)
    })
}

/// `int accept4(int socket, struct sockaddr *address, socklen_t *len, int flags)`.
pub fn accept4(
    namespace: usize,
    socket: c_int,
    address: *mut c_void,
    len: *mut c_uint,
    flags: c_int,
) -> c_int {
    accepted(namespace, socket, &mut || {
        real!(
            namespace,
            Accept4,
            fn(c_int, *mut c_void, *mut c_uint, c_int) -> c_int,
            socket,
            address,
            len,
            flags
        )
    })
}

/// Only of sockets that were bound to a unix address.
fn accepted(namespace: usize, socket: c_int, make: &mut dyn FnMut() -> c_int) -> c_int {
    if fds::class(socket) != FdClass::Socket {
        return make();
    }
    let call = timed(make);
    brought(call.result, FdClass::Socket);
    write(&head(namespace, Kind::Accept, socket, 0, &call), &[]);
    call.result
}
