//! LD_AUDIT (rtld-audit(7)): ld.so tells of every object and asks about every binding, so that RTLD_DEEPBIND, dlmopen and
//! dlsym on a handle, which go around a preloaded object, do not go around this one.

use core::ffi::{c_char, c_uint, c_ulong, c_void};
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::*};

use fencelab_abi::process::blind;

use crate::elf::{LinkMap, Object};
use crate::real::{self, NAMESPACES};
use crate::{exports, session};

/// ld.so's number of the link namespace whose libc has each of our numbers, plus 1; 0: free.
static LIBCS: [AtomicUsize; NAMESPACES] = [const { AtomicUsize::new(0) }; NAMESPACES];
static COUNT: AtomicU32 = AtomicU32::new(0);

/// Cookie of an object that is no libc of ours; a libc's is 1 + its number.
const NO_LIBC: usize = 0;

#[unsafe(no_mangle)]
extern "C" fn la_version(version: c_uint) -> c_uint {
    /// The oldest interface with what we use.
    const WANTED: c_uint = 1;
    if version < WANTED { 0 } else { version }
}

#[unsafe(no_mangle)]
extern "C" fn la_objopen(map: &LinkMap, namespace: c_ulong, cookie: &mut usize) -> c_uint {
    const LA_FLG_BINDTO: c_uint = 1;
    const LA_FLG_BINDFROM: c_uint = 2;
    *cookie = NO_LIBC;
    if is_libc(map.name) {
        // SAFETY: ld.so's map of an object that it has just mapped.
        if let Some(libc) = unsafe { Object::new(map) } {
            *cookie = adopt_libc(&libc, namespace as usize);
        }
    }
    LA_FLG_BINDTO | LA_FLG_BINDFROM
}

/// Learns a libc's functions. Gives its cookie.
fn adopt_libc(libc: &Object, namespace: usize) -> usize {
    let number = COUNT.fetch_add(1, Relaxed) as usize;
    let Some(entry) = LIBCS.get(number) else {
        session::blind(blind::NAMESPACES);
        return NO_LIBC;
    };
    entry.store(namespace + 1, Relaxed);
    for name in &real::NAMES {
        if let Some(address) = libc.find(name.text().to_bytes()) {
            real::set(number, name.function(), address);
        }
    }
    1 + number
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

/// Elf64_Sym's value is its address here (rtld-audit(7)).
#[unsafe(no_mangle)]
extern "C" fn la_symbind64(
    symbol: &[usize; 3],
    _index: c_uint,
    _from: *mut c_void,
    to: &usize,
    _flags: *mut c_uint,
    name: *const c_char,
) -> usize {
    let address = symbol[1];
    if *to == NO_LIBC || name.is_null() {
        return address;
    }
    // SAFETY: ld.so's string.
    let name = unsafe { core::ffi::CStr::from_ptr(name) }.to_bytes();
    exports::hook(name, *to - 1).unwrap_or(address)
}
