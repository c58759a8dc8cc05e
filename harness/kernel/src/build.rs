//! From a request to a kernel.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use crate::cache::{Cache, Lock};
use crate::config;
use crate::error::{Error, IoContext};
use crate::first_error::is_step;
use crate::fragment::{Asked, Fragment};
use crate::headers;
use crate::kernel::Kernel;
use crate::key::Inputs;
use crate::make::{Log, kernel_make};
use crate::progress::{Phase, Progress};
use crate::source::Source;
use crate::tools;
use crate::twins;
use crate::variant::Variant;
use crate::work::Work;

/// What kbuild prints for a cold build of 6.12.117 from our fragments: one line per object, archive or link.
const COLD_STEPS: u64 = 2376;

/// Which kernel to build, from what, and where to put it.
#[derive(Debug, Clone)]
pub struct Request {
    /// Which one.
    pub variant: Variant,
    /// The source; never written to.
    pub source: Source,
    /// The folder for finished kernels, the work tree and logs. Created if missing; see [`cached`](crate::cached).
    pub cache: PathBuf,
    /// Fragments on top of [`Fragment::base`]; where they disagree with it, they win.
    pub extra: Vec<Fragment>,
    /// How many compilers run at once.
    pub jobs: NonZeroUsize,
}

impl Request {
    /// A request with no extra fragments and a compiler for each CPU.
    pub fn new(variant: Variant, source: Source, cache: impl Into<PathBuf>) -> Request {
        let jobs = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Request { variant, source, cache: cache.into(), extra: Vec::new(), jobs }
    }
}

/// The kernel of this request, if the cache has it with the twins of this program. Builds nothing; the slow part is to look at each file of a tree, a
/// fraction of a second.
///
/// The key covers the variant and its patches, the options asked for (not their comments), the version lines of gcc and ld,
/// and the source: a package by name, size and time of its archive, a tree by path, size and time of every file outside of
/// `.git`.
///
/// # Errors
///
/// [`Error::Io`] and [`Error::NotATree`] if there is no such source, [`Error::TreeNotClean`], [`Error::BadFragment`],
/// [`Error::MissingTools`] if there is no compiler to key by.
pub fn find(request: &Request) -> Result<Option<Kernel>, Error> {
    let plan = Plan::new(request)?;
    Ok(Cache::new(&request.cache).find(&plan.key(request.variant)?).filter(twins::are_current))
}

/// The kernel of this request, from the cache or built now.
///
/// A build that fails or is killed leaves no kernel behind, and what it compiled is used by the next one. Builds into one
/// cache folder take turns. Where only the twins' sources have changed, only they are compiled.
///
/// # Errors
///
/// Those of [`find`], and: [`Error::MissingTools`] before anything is started, [`Error::Patch`] if a patch does not fit a
/// tree, [`Error::SourceChanged`] if somebody edited it meanwhile, [`Error::Options`] if Kconfig did not grant an option,
/// [`Error::Step`] with the first error of a build that failed and the path of its log, [`Error::Io`] for full disks and the
/// like.
pub fn build(request: &Request, progress: &mut dyn FnMut(Progress)) -> Result<Kernel, Error> {
    let plan = Plan::new(request)?;
    let cache = Cache::new(&request.cache);
    let key = plan.key(request.variant)?;
    if let Some(kernel) = cache.find(&key).filter(twins::are_current) {
        return Ok(kernel);
    }
    tools::check()?;
    let mut reporter = Reporter { variant: request.variant, progress };
    let lock = cache.lock(&mut || reporter.start(Phase::Wait, None))?;
    let mut log = Log::create(cache.log(&key), lock.share()?)?;
    // Whoever held the lock may have built the same kernel.
    let found = cache.find(&key);
    let kernel = match found {
        Some(kernel) if headers::are_there(&kernel) => kernel,
        found => {
            let work = Work::open(&cache.work(), &plan.source, &plan.fingerprint)?;
            let mut builder =
                Builder { request, plan: &plan, work: &work, log: &mut log, reporter: &mut reporter };
            let kernel = match found {
                Some(kernel) => builder.add_headers(&cache, kernel, &lock)?,
                None => builder.run(&cache, &key, &lock)?,
            };
            tidy(&plan, &cache, work)?;
            kernel
        }
    };
    if !twins::are_current(&kernel) {
        build_twins(&kernel, &cache, &lock, request.jobs.get(), &mut log, &mut reporter)?;
    }
    log.remove()?;
    Ok(kernel)
}

fn build_twins(
    kernel: &Kernel,
    cache: &Cache,
    lock: &Lock,
    jobs: usize,
    log: &mut Log,
    reporter: &mut Reporter<'_>,
) -> Result<(), Error> {
    let folder = cache.staging(lock)?;
    let mut done = 0;
    reporter.start(Phase::Twins, Some(twins::STEPS));
    twins::build(kernel, folder.path(), jobs, log, &mut |line| {
        if is_step(line) {
            done += 1;
            reporter.step(Phase::Twins, done, Some(twins::STEPS));
        }
    })
}

/// After a success: an unpacked source goes, and its objects too once no usual variant needs them. A tree keeps both, because its
/// owner is likely to build it again.
fn tidy(plan: &Plan, cache: &Cache, work: Work) -> Result<(), Error> {
    let mut complete = true;
    for variant in Variant::USUAL {
        complete &= cache.find(&plan.key(variant)?).is_some_and(|kernel| headers::are_there(&kernel));
    }
    match plan.source {
        Source::Tree(_) => Ok(()),
        Source::DebianPackage(_) if complete => work.remove(),
        Source::DebianPackage(_) => work.remove_source(),
    }
}

/// What the variants of a request have in common.
struct Plan {
    source: Source,
    fragments: Vec<Fragment>,
    fingerprint: String,
    toolchain: String,
    asked: Vec<Asked>,
}

impl Plan {
    fn new(request: &Request) -> Result<Plan, Error> {
        let mut fragments = Fragment::base();
        fragments.extend(request.extra.iter().cloned());
        let asked = asked(&fragments)?;
        let source = request.source.resolved()?;
        let fingerprint = source.fingerprint()?;
        Ok(Plan { source, fragments, fingerprint, toolchain: tools::toolchain()?, asked })
    }

    fn key(&self, variant: Variant) -> Result<String, Error> {
        let mut options = self.asked.clone();
        options.extend(asked(variant.own_fragment().as_slice())?);
        Ok(Inputs { variant, source: &self.fingerprint, options: &options, toolchain: &self.toolchain }.key())
    }
}

fn asked(fragments: &[Fragment]) -> Result<Vec<Asked>, Error> {
    let lists: Vec<Vec<Asked>> = fragments.iter().map(Fragment::asked).collect::<Result<_, _>>()?;
    Ok(lists.into_iter().flatten().collect())
}

struct Builder<'a, 'p> {
    request: &'a Request,
    plan: &'a Plan,
    work: &'a Work,
    log: &'a mut Log,
    reporter: &'a mut Reporter<'p>,
}

impl Builder<'_, '_> {
    fn run(&mut self, cache: &Cache, key: &str, lock: &Lock) -> Result<Kernel, Error> {
        self.prepare()?;
        let cold = !self.work.has_objects();
        self.make(Phase::Compile, &["bzImage", "modules"], cold.then_some(COLD_STEPS))?;
        let staging = cache.staging(lock)?;
        self.install(staging.path())?;
        if self.plan.source.fingerprint()? != self.plan.fingerprint {
            return Err(Error::SourceChanged(self.plan.source.path().to_owned()));
        }
        cache.publish(staging, key, lock)
    }

    fn prepare(&mut self) -> Result<(), Error> {
        self.reporter.start(Phase::Source, None);
        self.work.lay_out(&self.plan.source, self.log)?;
        self.reporter.start(Phase::Patch, None);
        self.work.apply(self.request.variant)?;
        self.configure()
    }

    /// For a kernel that was built before headers were kept: a minute, where the kernel takes twenty.
    fn add_headers(&mut self, cache: &Cache, kernel: Kernel, lock: &Lock) -> Result<Kernel, Error> {
        self.prepare()?;
        self.make(Phase::Headers, &["modules_prepare"], None)?;
        let staging = cache.staging(lock)?;
        self.keep_headers(&staging.path().join("build"))?;
        let place = headers::folder(&kernel);
        fs::rename(staging.path().join("build"), &place).doing("rename the headers to", &place)?;
        Ok(kernel)
    }

    fn keep_headers(&mut self, folder: &Path) -> Result<(), Error> {
        self.reporter.start(Phase::Headers, None);
        let make = headers::command(self.work, folder, self.request.jobs.get())?;
        self.log.run(Phase::Headers, "make", make, &mut |_| ())?;
        headers::resolve_links(folder)
    }

    fn configure(&mut self) -> Result<(), Error> {
        let mut fragments = self.plan.fragments.clone();
        fragments.extend(self.request.variant.own_fragment());
        fragments.push(self.request.variant.name_fragment());
        let wanted = self.work.object().join("fencelab.config");
        // A fragment need not end its last line.
        let text: String = fragments.iter().map(|fragment| format!("{}\n", fragment.text())).collect();
        fs::write(&wanted, text).doing("write", &wanted)?;
        let from = format!("KCONFIG_ALLCONFIG={}", wanted.display());
        self.make(Phase::Configure, &[&from, "allnoconfig"], None)?;
        let config = self.work.object().join(".config");
        let granted = fs::read_to_string(&config).doing("read", &config)?;
        let missing = config::missing(&asked(&fragments)?, &granted);
        if missing.is_empty() { Ok(()) } else { Err(Error::Options(missing)) }
    }

    fn install(&mut self, staging: &Path) -> Result<(), Error> {
        let place = format!("INSTALL_MOD_PATH={}", staging.display());
        self.make(Phase::Modules, &[&place, "INSTALL_MOD_STRIP=1", "modules_install"], None)?;
        for (from, to) in [("arch/x86/boot/bzImage", "bzImage"), (".config", "config")] {
            let to = staging.join(to);
            fs::copy(self.work.object().join(from), &to).doing("write", &to)?;
        }
        // Links into the work tree, which will be gone.
        let modules = Kernel::at(staging, None)?.modules;
        for link in [modules.join("build"), modules.join("source")] {
            if link.is_symlink() {
                fs::remove_file(&link).doing("remove", &link)?;
            }
        }
        self.keep_headers(&modules.join("build"))
    }

    fn make(&mut self, phase: Phase, targets: &[&str], total: Option<u64>) -> Result<(), Error> {
        let mut make = kernel_make(&self.work.source(), &self.work.object(), self.request.jobs.get());
        make.args(targets);
        self.reporter.start(phase, total);
        let mut done = 0;
        self.log.run(phase, "make", make, &mut |line| {
            if is_step(line) {
                done += 1;
                self.reporter.step(phase, done, total);
            }
        })
    }
}

/// Turns what happens into [`Progress`].
struct Reporter<'a> {
    variant: Variant,
    progress: &'a mut dyn FnMut(Progress),
}

impl Reporter<'_> {
    fn start(&mut self, phase: Phase, total: Option<u64>) {
        self.step(phase, 0, total);
    }

    fn step(&mut self, phase: Phase, done: u64, total: Option<u64>) {
        let total = total.map(|total| total.max(done));
        (self.progress)(Progress { variant: self.variant, phase, done, total });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_gives_way_to_what_happens() {
        let mut seen = Vec::new();
        let mut progress = |step: Progress| seen.push((step.done, step.total));
        let mut reporter = Reporter { variant: Variant::Stock, progress: &mut progress };
        reporter.start(Phase::Compile, Some(2));
        reporter.step(Phase::Compile, 3, Some(2));
        reporter.step(Phase::Compile, 4, None);
        assert_eq!(seen, [(0, Some(2)), (3, Some(3)), (4, None)]);
    }

    #[test]
    fn a_source_that_is_not_there_fails_before_anything_is_created() {
        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path().join("cache");
        let source = Source::DebianPackage(dir.path().join("linux-source-6.12.tar.xz"));
        let request = Request::new(Variant::Stock, source, &cache);
        for error in [find(&request).unwrap_err(), build(&request, &mut |_| ()).unwrap_err()] {
            assert!(error.to_string().starts_with("find source "), "{error}");
        }
        assert!(!cache.exists());
    }

    #[test]
    fn an_extra_fragment_makes_another_kernel() {
        let dir = tempfile::tempdir().unwrap();
        let archive = dir.path().join("linux-source-6.12.tar.xz");
        fs::write(&archive, "not unpacked here").unwrap();
        let mut request = Request::new(Variant::Stock, Source::DebianPackage(archive), dir.path());
        let plain = Plan::new(&request).unwrap().key(Variant::Stock).unwrap();
        request.extra.extend(Fragment::optional("kasan"));
        assert_ne!(Plan::new(&request).unwrap().key(Variant::Stock).unwrap(), plain);
    }
}
