//! Finding and diverting the symbols of a loaded object, as an auditor has no dlsym (System V gABI; the GNU hash table as
//! ld.so reads it).

use core::ffi::c_char;

use crate::sys;

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

/// Elf64_Ehdr, as far as it is used.
#[repr(C)]
struct ElfHeader {
    magic: [u8; 4],
    _ident: [u8; 12],
    _kind: [u32; 2],
    _entry: usize,
    program_headers: usize,
    _section_headers: usize,
    _flags: u32,
    _sizes: [u16; 2],
    program_header_count: u16,
}

/// Elf64_Phdr.
#[repr(C)]
struct ProgramHeader {
    kind: u32,
    flags: u32,
    _offset: usize,
    address: usize,
    _physical: usize,
    _file_len: usize,
    len: usize,
    _align: usize,
}

/// Whole pages, and their protection as mprotect takes it.
struct Segment {
    start: usize,
    len: usize,
    protection: usize,
}

impl ProgramHeader {
    fn pages(&self, base: usize) -> Segment {
        const PAGE: usize = 4096;
        let start = (base + self.address) & !(PAGE - 1);
        let end = (base + self.address + self.len).next_multiple_of(PAGE);
        // PF_X, PF_W and PF_R are 1, 2 and 4; PROT_READ, PROT_WRITE and PROT_EXEC are so.
        let bit = |flag: u32, protection: usize| if self.flags & flag == 0 { 0 } else { protection };
        Segment { start, len: end - start, protection: bit(4, 1) | bit(2, 2) | bit(1, 4) }
    }
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
        let mut found = None;
        self.each(name, |index| {
            if self.is_default(index) {
                // SAFETY: one of the object's symbols.
                found = Some(self.base + unsafe { (*self.symbols.add(index)).value });
            }
        });
        found
    }

    /// Gives the symbol another address in all its versions, for whoever is bound to it from now on in whatever way: by a
    /// call, by a function's address in data (a GLOB_DAT relocation, which no auditor is asked about) or by dlsym. Between
    /// [`Self::unlock`] and [`Self::lock`] only.
    pub(crate) fn divert(&self, name: &[u8], address: usize) {
        self.each(name, |index| {
            // SAFETY: one of the object's symbols, in memory that unlock() made this process's own and writable.
            unsafe { (*self.symbols.add(index).cast_mut()).value = address.wrapping_sub(self.base) };
        });
    }

    /// Makes the table of symbols writable. False: the kernel or a security module refused.
    pub(crate) fn unlock(&self) -> bool {
        const WRITABLE: usize = 2;
        self.segment()
            .is_some_and(|segment| sys::protect(segment.start, segment.len, segment.protection | WRITABLE))
    }

    /// Makes the table of symbols what it was before [`Self::unlock`].
    pub(crate) fn lock(&self) {
        if let Some(segment) = self.segment() {
            sys::protect(segment.start, segment.len, segment.protection);
        }
    }

    /// Calls with the index of each defined symbol of that name.
    fn each(&self, name: &[u8], mut visit: impl FnMut(usize)) {
        let hash =
            name.iter().fold(5381u32, |hash, &byte| hash.wrapping_mul(33).wrapping_add(u32::from(byte)));
        // SAFETY: the table's layout: four counts, the bloom filter, the buckets, the chains.
        unsafe {
            let [buckets, first, bloom] = [0, 1, 2].map(|at| *self.hash.add(at));
            let bucket_at = self.hash.add(4 + 2 * bloom as usize);
            let chain_at = bucket_at.add(buckets as usize);
            let mut index = *bucket_at.add((hash % buckets) as usize);
            if index < first {
                return;
            }
            loop {
                let chain = *chain_at.add((index - first) as usize);
                if chain | 1 == hash | 1 && self.is_named(index as usize, name) {
                    visit(index as usize);
                }
                if chain & 1 != 0 {
                    return;
                }
                index += 1;
            }
        }
    }

    /// Whether the symbol of that index is defined and has the name.
    ///
    /// # Safety
    ///
    /// The index is one of the hash table's.
    unsafe fn is_named(&self, index: usize, name: &[u8]) -> bool {
        // SAFETY: as promised; strings end with NUL.
        unsafe {
            let symbol = &*self.symbols.add(index);
            let own = self.strings.add(symbol.name as usize);
            symbol.section != 0
                && name.iter().enumerate().all(|(at, &byte)| *own.add(at) == byte)
                && *own.add(name.len()) == 0
        }
    }

    /// Whether the symbol of that index is what an unversioned reference gets.
    fn is_default(&self, index: usize) -> bool {
        // SAFETY: one of the object's symbols; the table of versions has an entry for each.
        self.versions.is_null() || unsafe { *self.versions.add(index) } & HIDDEN == 0
    }

    /// The segment that holds the table of symbols, in whole pages, from the program headers behind the ELF header, with
    /// which an object's memory begins.
    fn segment(&self) -> Option<Segment> {
        const MAGIC: [u8; 4] = *b"\x7fELF";
        const PT_LOAD: u32 = 1;
        let table = self.symbols as usize;
        // SAFETY: the first page of a mapped object, whose address is its base where the first segment's is 0, as the
        // magic shows; its headers lie in that page.
        unsafe {
            let header = &*(self.base as *const ElfHeader);
            if header.magic != MAGIC {
                return None;
            }
            let headers = (self.base + header.program_headers) as *const ProgramHeader;
            (0..usize::from(header.program_header_count))
                .map(|at| &*headers.add(at))
                .find(|load| {
                    load.kind == PT_LOAD
                        && (load.address..load.address + load.len).contains(&(table - self.base))
                })
                .map(|load| load.pages(self.base))
        }
    }
}
