//! Reads an x86 kernel image's header (`Documentation/arch/x86/boot.rst`, "The Real-Mode Kernel Header").

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::{Error, IoContext};

/// `boot_flag`, at 0x1fe: the boot sector's signature.
const BOOT_FLAG: std::ops::Range<usize> = 0x1fe..0x200;
/// `header`, at 0x202: the magic number "HdrS", from boot protocol 2.00 on.
const MAGIC: std::ops::Range<usize> = 0x202..0x206;
/// `kernel_version`, at 0x20e: where the version string is, less 0x200; 0 if there is none.
const KERNEL_VERSION: std::ops::Range<usize> = 0x20e..0x210;
/// The string lies in the setup code, which has at most 64 sectors of 512 bytes.
const SETUP_LIMIT: u64 = 65 * 512;

/// The release (`uname -r`) of the kernel in a bzImage.
///
/// # Errors
///
/// [`Error::Io`] if the file cannot be read, [`Error::Image`] if it is not a bzImage or names no version.
pub fn release(image: &Path) -> Result<String, Error> {
    let mut head = Vec::new();
    File::open(image).and_then(|file| file.take(SETUP_LIMIT).read_to_end(&mut head)).doing("read", image)?;
    parse(&head).map_err(|reason| Error::Image { path: image.to_owned(), reason })
}

fn parse(head: &[u8]) -> Result<String, &'static str> {
    if head.starts_with(b"\x7fELF") {
        return Err("it is an ELF file; give the bzImage, not vmlinux");
    }
    if head.get(BOOT_FLAG) != Some(&[0x55, 0xaa]) || head.get(MAGIC) != Some(b"HdrS") {
        return Err("it has no x86 boot header");
    }
    let offset = match head.get(KERNEL_VERSION) {
        Some(&[low, high]) => usize::from(u16::from_le_bytes([low, high])),
        _ => return Err("it ends within the boot header"),
    };
    if offset == 0 {
        return Err("its boot header names no kernel version");
    }
    let text = head.get(offset + 0x200..).ok_or("its kernel version lies outside of the setup code")?;
    let end =
        text.iter().position(|&byte| byte == 0 || byte == b' ').ok_or("its kernel version has no end")?;
    match std::str::from_utf8(&text[..end]) {
        Ok(release) if !release.is_empty() && !release.contains('/') => Ok(release.to_owned()),
        _ => Err("its kernel version is not text"),
    }
}

/// The smallest file that [`release`] accepts; with `release` as its version.
#[cfg(test)]
pub(crate) fn fake_image(release: &str) -> Vec<u8> {
    let mut image = vec![0; 0x400];
    image[BOOT_FLAG].copy_from_slice(&[0x55, 0xaa]);
    image[MAGIC].copy_from_slice(b"HdrS");
    image[KERNEL_VERSION].copy_from_slice(&0x200u16.to_le_bytes());
    image.extend_from_slice(format!("{release} (me@here) #1 SMP\0").as_bytes());
    image
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_ends_at_the_builder() {
        assert_eq!(parse(&fake_image("6.12.117-fencelab")), Ok("6.12.117-fencelab".to_owned()));
    }

    #[test]
    fn what_is_no_bzimage_says_why() {
        let with = |range: std::ops::Range<usize>, bytes: &[u8]| {
            let mut image = fake_image("6.12");
            image[range].copy_from_slice(bytes);
            parse(&image).unwrap_err()
        };
        assert!(parse(b"").unwrap_err().contains("no x86 boot header"));
        assert!(parse(b"\x7fELF\x02\x01").unwrap_err().contains("vmlinux"));
        assert!(with(MAGIC, b"HdrX").contains("no x86 boot header"));
        assert!(with(KERNEL_VERSION, &[0, 0]).contains("names no kernel version"));
        assert!(with(KERNEL_VERSION, &[0xff, 0xff]).contains("outside"));
        assert!(with(0x400..0x403, b"\xff\xfe\0").contains("not text"));
        assert!(parse(&fake_image("6.12")[..0x404]).unwrap_err().contains("no end"));
        assert!(parse(&fake_image("../../etc")).unwrap_err().contains("not text"));
        assert!(parse(&fake_image("6.12")[..0x207]).unwrap_err().contains("ends within"));
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = release(Path::new("/nowhere/bzImage")).unwrap_err();
        assert_eq!(error.to_string(), "read /nowhere/bzImage");
    }
}
