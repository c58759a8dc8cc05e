//! The guest's kernel that the command line names.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use fencelab_bench::vm;
use fencelab_kernel::{Kernel, Request, Source, Variant};

use crate::paths;

/// Where Debian's linux-source packages put their archives.
const PACKAGED_SOURCES: &str = "/usr/src";

/// `stock`, `annotated` and `kasan` from the cache, or a kernel of the user's own.
pub(crate) fn resolve(word: &str) -> Result<vm::Kernel> {
    let kernel = match word.parse::<Variant>() {
        Ok(variant) => built(variant)?,
        Err(_) if Path::new(word).exists() => Kernel::at(Path::new(word), None).context("use the kernel")?,
        Err(_) => bail!(
            "find the kernel `{word}`: there are `stock`, `annotated`, `kasan`, and folders with a bzImage and lib/modules"
        ),
    };
    Ok(vm::Kernel { image: kernel.image, modules: kernel.modules, release: kernel.release })
}

/// Whether this release carries the annotations of the 2020 series.
pub(crate) fn is_annotated(release: &str) -> bool {
    Variant::of_release(release) == Some(Variant::Annotated)
}

/// Where built kernels are kept.
pub(crate) fn cache() -> Result<PathBuf> {
    Ok(paths::cache()?.join("kernels"))
}

/// What `fencelab kernel build` would build.
pub(crate) fn request(variant: Variant, tree: Option<&Path>) -> Result<Request> {
    let source = match tree {
        Some(tree) => Source::Tree(tree.to_owned()),
        None => Source::newest_in(Path::new(PACKAGED_SOURCES)).context("find a kernel source")?,
    };
    Ok(Request::new(variant, source, cache()?))
}

/// The cached kernel. Where source or compiler are gone, so that nothing could be built anew, the newest will do.
fn built(variant: Variant) -> Result<Kernel> {
    let found = request(variant, None).and_then(|request| Ok(fencelab_kernel::find(&request)?));
    let kernel = match found {
        Ok(kernel) => kernel,
        Err(_) => fencelab_kernel::cached(&cache()?)?.into_iter().find(|k| k.variant == Some(variant)),
    };
    kernel.with_context(|| {
        format!(
            "find the {} kernel: it is not built yet (`fencelab kernel build --variant {0}`)",
            variant.name()
        )
    })
}
