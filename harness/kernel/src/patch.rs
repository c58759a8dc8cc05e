//! Our patches: one per patch of the annotation series of May 2020.

/// One patch of `configs/kernel/patches`.
#[derive(Debug, PartialEq, Eq)]
pub struct Patch {
    number: u8,
    file: &'static str,
    text: &'static str,
}

/// Embeds the patches, each under the number that it has in the series.
macro_rules! series {
    ($($number:literal => $file:literal),* $(,)?) => {
        &[$(Patch {
            number: $number,
            file: $file,
            text: include_str!(concat!("../../../configs/kernel/patches/", $file)),
        }),*]
    };
}

/// In the order in which they apply; the later ones build on the earlier ones.
pub(crate) const SERIES: &[Patch] = series! {
    5 => "05-drm-vblank-signalling-section.patch",
    6 => "06-drm-atomic-commit-signalling-section.patch",
    8 => "08-drm-sched-work-signalling-section.patch",
    13 => "13-drm-sched-tdr-signalling-section.patch",
};

impl Patch {
    /// Its number in the series, by which reports name the annotation.
    pub fn number(&self) -> u8 {
        self.number
    }

    /// Its file name in `configs/kernel/patches`.
    pub fn file(&self) -> &'static str {
        self.file
    }

    /// What it does, in one line: the subject without its number.
    pub fn subject(&self) -> &'static str {
        let subject = self.text.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap_or(self.file);
        subject.split_once("] ").map_or(subject, |(_, rest)| rest)
    }

    /// Header and diff, as `patch -p1` takes it.
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// What it changes: the text without its header.
    pub(crate) fn diff(&self) -> &'static str {
        self.text.split_once("\n---\n").map_or(self.text, |(_, diff)| diff)
    }

    /// The files that it changes, relative to the top of the kernel tree.
    pub fn touched(&self) -> impl Iterator<Item = &'static str> {
        self.text.lines().filter_map(|line| line.strip_prefix("+++ b/"))
    }
}

/// Every file that some patch changes, once, sorted.
pub(crate) fn touched_files() -> Vec<&'static str> {
    let mut files: Vec<&str> = SERIES.iter().flat_map(Patch::touched).collect();
    files.sort_unstable();
    files.dedup();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_patch_of_the_checkout_is_embedded_in_order() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/kernel/patches");
        let mut on_disk: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".patch"))
            .collect();
        on_disk.sort();
        let embedded: Vec<&str> = SERIES.iter().map(Patch::file).collect();
        assert_eq!(embedded, on_disk);
    }

    #[test]
    fn headers_agree_with_the_table() {
        for patch in SERIES {
            let number = format!("{:02}", patch.number());
            assert!(patch.file().starts_with(&number), "{}", patch.file());
            assert!(patch.text().contains(&format!("Subject: [{number}] ")), "{}", patch.file());
            assert!(patch.text().contains(&format!("Stands for patch {number} of")), "{}", patch.file());
            assert!(patch.text().starts_with("SPDX-License-Identifier: GPL-2.0\n"), "{}", patch.file());
            assert!(patch.subject().starts_with("drm/"), "{}", patch.subject());
        }
    }

    #[test]
    fn headers_name_each_file_they_touch() {
        for patch in SERIES {
            let (header, _) = patch.text().split_once("\n---\n").unwrap();
            assert!(patch.touched().count() > 0, "{}", patch.file());
            for file in patch.touched() {
                assert!(header.contains(file), "{} does not mention {file}", patch.file());
            }
        }
    }

    #[test]
    fn every_section_that_begins_ends() {
        // Every begin has at least one end in its own patch: two returns need two.
        for patch in SERIES {
            let added =
                |what: &str| patch.text().lines().filter(|l| l.starts_with('+') && l.contains(what)).count();
            let (begins, ends) = (added("dma_fence_begin_signalling()"), added("dma_fence_end_signalling("));
            assert!(begins > 0 && ends >= begins, "{}: {begins} begin, {ends} end", patch.file());
        }
    }

    #[test]
    fn touched_files_are_listed_once() {
        assert_eq!(
            touched_files(),
            [
                "drivers/gpu/drm/drm_atomic_helper.c",
                "drivers/gpu/drm/drm_vblank.c",
                "drivers/gpu/drm/scheduler/sched_main.c",
                "drivers/gpu/drm/vkms/vkms_drv.c",
            ]
        );
    }
}
