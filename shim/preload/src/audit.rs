//! LD_AUDIT (rtld-audit(7)): ld.so tells of every object that it maps, before anything is bound to it. The symbols of each
//! libc are diverted to ours there, so that RTLD_DEEPBIND, dlmopen, dlsym on a handle and functions taken by their address
//! (-fno-plt), which go around a preloaded object or an auditor's la_symbind, do not go around this one.

use core::ffi::{c_char, c_uint, c_ulong};
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use fencelab_abi::process::blind;

use crate::elf::{LinkMap, Object};
use crate::real::{self, NAMESPACES};
use crate::{exports, session};

/// The libcs that are loaded, one for each link namespace: their link maps. What a program frees, another may have.
static LIBCS: [AtomicUsize; NAMESPACES] = [const { AtomicUsize::new(0) }; NAMESPACES];

#[unsafe(no_mangle)]
extern "C" fn la_version(version: c_uint) -> c_uint {
    /// The oldest interface with what we use.
    const WANTED: c_uint = 1;
    if version < WANTED { 0 } else { version }
}

#[unsafe(no_mangle)]
extern "C" fn la_objopen(map: &LinkMap, _namespace: c_ulong, _cookie: &mut usize) -> c_uint {
    /// No binding needs to be told of.
    const FLAGS: c_uint = 0;
    if is_libc(map.name) {
        // SAFETY: ld.so's map of an object that it has just mapped.
        if let Some(libc) = unsafe { Object::new(map) } {
            adopt_libc(map as *const LinkMap as usize, &libc);
        }
    }
    FLAGS
}

/// Learns a libc's functions, and puts ours in their place.
fn adopt_libc(map: usize, libc: &Object) {
    let is_free = |place: &AtomicUsize| place.compare_exchange(0, map, Relaxed, Relaxed).is_ok();
    let Some(number) = LIBCS.iter().position(is_free) else {
        return session::blind(blind::NAMESPACES);
    };
    for name in &real::NAMES {
        if let Some(address) = libc.find(name.text().to_bytes()) {
            real::set(number, name.function(), address);
        }
    }
    if !libc.unlock() {
        return session::blind(blind::NAMESPACES);
    }
    for (name, address) in exports::hooks(number) {
        libc.divert(name, address);
    }
    libc.lock();
}

/// Called when an object is unloaded, with what ld.so has put in its cookie: where its link map is. The program's own libc
/// stays.
#[unsafe(no_mangle)]
extern "C" fn la_objclose(cookie: &mut usize) -> c_uint {
    for place in LIBCS.iter().skip(1) {
        let _ = place.compare_exchange(*cookie, 0, Relaxed, Relaxed);
    }
    0
}

/// Whether an object's path ends in libc.so.6, or is musl's, which is its ld.so too.
fn is_libc(name: *const c_char) -> bool {
    const NAME: &[u8] = b"/libc.so.6";
    if name.is_null() {
        return false;
    }
    // SAFETY: ld.so's string.
    let name = unsafe { core::ffi::CStr::from_ptr(name) }.to_bytes();
    name.ends_with(NAME)
}

/// Called when the program's objects are loaded and about to run.
#[unsafe(no_mangle)]
extern "C" fn la_preinit(_cookie: &mut usize) {
    session::start();
}
