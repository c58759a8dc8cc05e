//! Finding a symbol in a loaded object, as an auditor has no dlsym (System V gABI; the GNU hash table as ld.so reads it).

use core::ffi::c_char;

/// The part of struct link_map that <link.h> shows.
#[repr(C)]
pub(crate) struct LinkMap {
    base: usize,
    pub(crate) name: *const c_char,
    dynamic: *const [usize; 2],
}

const DT_NULL: usize = 0;
const DT_STRTAB: usize = 5;
const DT_SYMTAB: usize = 6;
const DT_GNU_HASH: usize = 0x6fff_fef5;
const DT_VERSYM: usize = 0x6fff_fff0;
/// Bit of a version's index: not the default version.
const HIDDEN: u16 = 0x8000;

/// Elf64_Sym.
#[repr(C)]
struct Symbol {
    name: u32,
    _info: u16,
    section: u16,
    value: usize,
    _size: usize,
}

/// The tables of an object.
pub(crate) struct Object {
    base: usize,
    strings: *const u8,
    symbols: *const Symbol,
    hash: *const u32,
    versions: *const u16,
}

impl Object {
    /// The object that a link map describes.
    ///
    /// # Safety
    ///
    /// The map is ld.so's, and the object is mapped.
    pub(crate) unsafe fn new(map: &LinkMap) -> Option<Self> {
        let mut object = Self {
            base: map.base,
            strings: core::ptr::null(),
            symbols: core::ptr::null(),
            hash: core::ptr::null(),
            versions: core::ptr::null(),
        };
        let mut entry = map.dynamic;
        // SAFETY: the dynamic section ends with DT_NULL.
        unsafe {
            while (*entry)[0] != DT_NULL {
                let [tag, value] = *entry;
                // ld.so adds the base in place where the section is writable.
                let address = if value < map.base { map.base + value } else { value };
                match tag {
                    DT_STRTAB => object.strings = address as *const u8,
                    DT_SYMTAB => object.symbols = address as *const Symbol,
                    DT_GNU_HASH => object.hash = address as *const u32,
                    DT_VERSYM => object.versions = address as *const u16,
                    _ => {}
                }
                entry = entry.add(1);
            }
        }
        (!object.strings.is_null() && !object.symbols.is_null() && !object.hash.is_null()).then_some(object)
    }

    /// The address of the symbol of that name in its default version.
    pub(crate) fn find(&self, name: &[u8]) -> Option<usize> {
        let hash =
            name.iter().fold(5381u32, |hash, &byte| hash.wrapping_mul(33).wrapping_add(u32::from(byte)));
        // SAFETY: the table's layout: four counts, the bloom filter, the buckets, the chains.
        unsafe {
            let [buckets, first, bloom] = [0, 1, 2].map(|at| *self.hash.add(at));
            let bucket_at = self.hash.add(4 + 2 * bloom as usize);
            let chain_at = bucket_at.add(buckets as usize);
            let mut index = *bucket_at.add((hash % buckets) as usize);
            if index < first {
                return None;
            }
            loop {
                let chain = *chain_at.add((index - first) as usize);
                if chain | 1 == hash | 1 && self.is_default(index, name) {
                    return Some(self.base + (*self.symbols.add(index as usize)).value);
                }
                if chain & 1 != 0 {
                    return None;
                }
                index += 1;
            }
        }
    }

    /// Whether the symbol of that index is defined, has the name, and is what an unversioned reference gets.
    ///
    /// # Safety
    ///
    /// The index is one of the hash table's.
    unsafe fn is_default(&self, index: u32, name: &[u8]) -> bool {
        // SAFETY: as promised; strings end with NUL.
        unsafe {
            let symbol = &*self.symbols.add(index as usize);
            let hidden = !self.versions.is_null() && *self.versions.add(index as usize) & HIDDEN != 0;
            let own = self.strings.add(symbol.name as usize);
            symbol.section != 0
                && !hidden
                && name.iter().enumerate().all(|(at, &byte)| *own.add(at) == byte)
                && *own.add(name.len()) == 0
        }
    }
}
