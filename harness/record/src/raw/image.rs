//! The shim as it lies in memory, without an ld.so that would load it: segments in place, relocations done.

use object::elf::{R_X86_64_64, R_X86_64_GLOB_DAT, R_X86_64_JUMP_SLOT, R_X86_64_RELATIVE, R_X86_64_TPOFF64};
use object::read::elf::ElfFile64;
use object::{
    Object, ObjectSegment, ObjectSymbol, ObjectSymbolTable, RelocationFlags, RelocationTarget, SegmentFlags,
};

/// Where the shim's own code begins in raw mode.
const START: &[u8] = b"fencelab_raw_start";
const PAGE: u64 = 4096;

/// What about the shim cannot be loaded. Tests keep it from happening.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the embedded recorder cannot be loaded: {0}")]
pub(crate) struct ImageError(String);

/// The shim's file, understood.
pub(crate) struct Image {
    file: ElfFile64<'static>,
    /// Bytes from the first to the last segment's end, in whole pages.
    pub(crate) len: u64,
    /// Pages with code, first and end.
    pub(crate) code: (u64, u64),
    /// Offset of the start function.
    pub(crate) start: u64,
}

impl Image {
    pub(crate) fn new(bytes: &'static [u8]) -> Result<Self, ImageError> {
        let wrong = |what: &dyn std::fmt::Display| ImageError(what.to_string());
        let file = ElfFile64::parse(bytes).map_err(|error| wrong(&error))?;
        let end = file.segments().map(|segment| segment.address() + segment.size()).max().unwrap_or_default();
        let code = file.segments().find(is_code).ok_or_else(|| wrong(&"no code"))?;
        let code = (code.address() / PAGE * PAGE, (code.address() + code.size()).next_multiple_of(PAGE));
        let mut symbols = file.dynamic_symbol_table().into_iter().flat_map(|table| table.symbols());
        let start = symbols.find(|symbol| symbol.name_bytes() == Ok(START)).map(|symbol| symbol.address());
        let start = start.ok_or_else(|| wrong(&"no start function"))?;
        let image = Self { file, len: end.next_multiple_of(PAGE), code, start };
        image.at(0)?;
        Ok(image)
    }

    /// Its bytes as they must be at that address.
    pub(crate) fn at(&self, base: u64) -> Result<Vec<u8>, ImageError> {
        let mut bytes = vec![0; self.len as usize];
        for segment in self.file.segments() {
            let data = segment.data().map_err(|error| ImageError(error.to_string()))?;
            let place =
                bytes.get_mut(segment.address() as usize..).and_then(|rest| rest.get_mut(..data.len()));
            place.ok_or_else(|| ImageError("a segment outside".into()))?.copy_from_slice(data);
        }
        for (at, relocation) in self.file.dynamic_relocations().into_iter().flatten() {
            let value = self.value(base, &relocation)?;
            let place = bytes.get_mut(at as usize..).and_then(<[u8]>::first_chunk_mut::<8>);
            *place.ok_or_else(|| ImageError("a relocation outside".into()))? = value.to_le_bytes();
        }
        Ok(bytes)
    }

    /// What a relocation stores (System V psABI for x86-64, "Relocation Types"). Weak symbols that nobody defines are 0, and
    /// so is the offset of thread-local memory, which raw mode has none of.
    fn value(&self, base: u64, relocation: &object::Relocation) -> Result<u64, ImageError> {
        let RelocationFlags::Elf { r_type } = relocation.flags() else {
            return Err(ImageError("a relocation that is not ELF's".into()));
        };
        let symbol = || match relocation.target() {
            RelocationTarget::Symbol(index) => {
                let table = self.file.dynamic_symbol_table()?;
                let symbol = table.symbol_by_index(index).ok()?;
                symbol.is_definition().then(|| base + symbol.address())
            }
            _ => None,
        };
        match r_type {
            R_X86_64_RELATIVE => Ok(base.wrapping_add_signed(relocation.addend())),
            R_X86_64_GLOB_DAT | R_X86_64_JUMP_SLOT => Ok(symbol().unwrap_or(0)),
            R_X86_64_64 => Ok(symbol().map_or(0, |value| value.wrapping_add_signed(relocation.addend()))),
            R_X86_64_TPOFF64 => Ok(0),
            other => Err(ImageError(format!("a relocation of type {other:?}"))),
        }
    }
}

fn is_code<'a>(segment: &impl ObjectSegment<'a>) -> bool {
    matches!(segment.flags(), SegmentFlags::Elf { p_flags, .. } if p_flags.0 & object::elf::PF_X.0 != 0)
}

#[cfg(test)]
#[cfg(target_arch = "x86_64")]
mod tests {
    use super::*;

    #[test]
    fn the_shim_can_be_loaded_anywhere() {
        let image = Image::new(crate::shim::OBJECT).unwrap();
        let base = 0x7000_0000_0000;
        let (low, high) = (image.at(0).unwrap(), image.at(base).unwrap());
        assert_eq!(low.len() as u64, image.len);
        let changed = low.chunks(8).zip(high.chunks(8)).filter(|(low, high)| low != high);
        let moved = |(low, high): (&[u8], &[u8])| {
            let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
            assert_eq!(word(high) - word(low), base);
        };
        assert!(changed.map(moved).count() > 10);
        assert!((image.code.0..image.code.1).contains(&image.start));
    }
}
