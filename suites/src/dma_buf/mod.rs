//! The suite `dma-buf`: exporting, importing, CPU access, and the fences in a buffer's reservation.
//!
//! What runs on one exporter is true of any dma-buf; what runs on a pair shows that two drivers agree.

mod cpu;
mod export;
mod fences;
mod import;
mod lifetime;
mod module;
mod own;
mod pressure;
mod race;
mod refusal;
mod triple;
mod vgem;
mod wait;

pub(crate) use cpu::write_pattern;
pub(crate) use fences::{PATIENCE, settled};
pub(crate) use import::import_on;
pub(crate) use lifetime::open_fds;
pub(crate) use refusal::SANE;

use crate::Tested;
use crate::case::{Case, Role};
use crate::ctx::Ctx;

/// Its name.
pub const SUITE: &str = "dma-buf";
const ONE: &[Role] = &[Role::Exporter];
const DRM: &[Role] = &[Role::Importer];
const PAIR: &[Role] = &[Role::Exporter, Role::Importer];
const DRM_PAIR: &[Role] = &[Role::Importer, Role::Importer];
const PAGES: &[Role] = &[Role::PageExporter];
/// Devices that can share pages: of these every triple says something, of the others each says the same again.
const SHARING_PAIR: &[Role] = &[Role::PageExporter, Role::PageImporter];
const SHARING_TRIPLE: &[Role] = &[Role::PageExporter, Role::PageImporter, Role::PageImporter];
const TRIPLE: &[Role] = &[Role::Exporter, Role::Importer, Role::Importer];
const VIDEO_MEMORY: &[Role] = &[Role::VideoMemory];
const VGEM: &[Role] = &[Role::Vgem];
const VGEM_PAIR: &[Role] = &[Role::Vgem, Role::Importer];

const fn case(
    name: &'static str,
    about: &'static str,
    roles: &'static [Role],
    run: fn(&mut Ctx) -> Tested,
) -> Case {
    Case::new(SUITE, name, about, roles, run)
}

/// The suite's cases.
pub const CASES: &[Case] = &[
    case("identity", "every buffer has an inode of its own, every fd of it the same", ONE, export::identity),
    case(
        "make-refusals",
        "an exporter refuses sizes and flags that make no buffer",
        ONE,
        export::make_refusals,
    ),
    case("export-twice", "a handle has one dma-buf however often it is exported", DRM, export::export_twice),
    case("export-flags", "close-on-exec and access mode are those asked for", DRM, export::export_flags),
    case(
        "export-refusals",
        "bad flags and handles are refused with stable errnos",
        DRM,
        export::export_refusals,
    ),
    case(
        "import-refusals",
        "an fd that is no dma-buf is refused with a stable errno",
        DRM,
        export::import_refusals,
    )
    .rules(&["BUF-ERRNO"]),
    case("size", "seeking tells the size, and no map reaches beyond it", ONE, cpu::size),
    case("map-data", "what one map writes every other map reads", ONE, cpu::map_data),
    case("sync-flags", "CPU access takes its flags and no others", ONE, cpu::sync_flags)
        .rules(&["BUF-NOTHELD"]),
    case("name", "a name shows in fdinfo, and one too long changes nothing", ONE, cpu::name),
    case("fence-none", "a buffer without fences makes nobody wait", ONE, fences::none),
    case("fence-usage", "readers wait for writers, writers for everybody", ONE, fences::usage)
        .rules(&["BUF-SYNCFILE", "RESV-USAGE"]),
    case("fence-read-write", "a fence for both is a writer's", ONE, fences::read_write)
        .rules(&["BUF-SYNCFILE", "RESV-USAGE"]),
    case("fence-flags", "bad flags and files are refused and leave no fence", ONE, fences::flags)
        .rules(&["BUF-SYNCFILE"]),
    case("fence-snapshot", "exported fences are those of that moment", ONE, fences::snapshot)
        .rules(&["BUF-SYNCFILE"]),
    case("fence-many", "fences of several contexts are all waited for", ONE, fences::many)
        .rules(&["BUF-SYNCFILE", "FENCE-ONCE"]),
    case("fence-merged", "a merged sync file puts in each of its fences", ONE, fences::merged)
        .rules(&["BUF-SYNCFILE"]),
    case("fence-order", "of two fences of a context the later one counts", ONE, fences::order)
        .rules(&["BUF-SYNCFILE", "FENCE-ORDER"]),
    case("fence-signalled", "a signalled fence makes nobody wait", ONE, fences::signalled)
        .rules(&["BUF-SYNCFILE", "FENCE-ONCE"]),
    case("fence-dead-owner", "a dead owner's fence signals with an error", ONE, fences::dead_owner)
        .rules(&["FENCE-OWNER", "FENCE-TIME"]),
    case(
        "fence-outlives",
        "a fence outlives the buffer that was polled for it",
        ONE,
        fences::outlives_the_buffer,
    )
    .rules(&["FENCE-LEAK"]),
    case("wait-sync", "CPU access waits for the fences against it", ONE, wait::sync).rules(&[
        "BUF-WAIT",
        "RESV-USAGE",
        "FENCE-ATOMIC-WAIT",
    ]),
    case("wait-readers-pass", "a reader does not wait for a reader", ONE, wait::sync_passes_readers)
        .rules(&["BUF-WAIT", "RESV-USAGE"]),
    case("wait-interrupted", "a signal ends the wait with EINTR", ONE, wait::sync_interrupted)
        .rules(&["BUF-WAIT"]),
    case("wait-restarted", "a restarted wait still waits", ONE, wait::sync_restarted).rules(&["BUF-WAIT"]),
    case("poll-usage", "poll waits for the same fences as an access", ONE, wait::poll)
        .rules(&["RESV-USAGE", "BUF-WAIT"]),
    case("poll-wakes", "a signalled fence wakes everybody who polls", ONE, wait::poll_wakes)
        .rules(&["FENCE-TIME"]),
    case("close-orders", "maps keep the bytes whoever closes first", ONE, lifetime::close_orders),
    case("map-again", "a new map shows what an old one wrote", ONE, lifetime::unmap_last),
    case("no-fd-leaks", "buffers that went leave no descriptor", ONE, lifetime::no_fd_leaks),
    case("own-same-file", "the own buffer comes back as the same handle", DRM, own::same_file),
    case("own-other-file", "another file of the device maps the same bytes", DRM, own::other_file),
    case("race-export", "exports at the same time give one dma-buf", DRM, race::export_together),
    case(
        "race-export-close",
        "an export beside a close wins or finds no handle",
        DRM,
        race::export_and_close,
    ),
    case("vgem-fence-usage", "a vgem fence is a reader's or a writer's", VGEM, vgem::usage)
        .rules(&["RESV-USAGE"]),
    case("vgem-fence-errors", "bad and conflicting vgem fences are refused", VGEM, vgem::errors),
    case("vgem-fence-owner", "closing the file signals its fences", VGEM, vgem::dead_owner)
        .rules(&["FENCE-TIME"]),
    case("vgem-fence-expires", "a forgotten vgem fence signals by itself", VGEM, vgem::expires)
        .rules(&["FENCE-TIME"])
        .budget_s(40),
    case(
        "import",
        "an import works or is refused with a stable errno, and nothing leaks",
        PAIR,
        import::works_or_refuses,
    )
    .rules(&["BUF-ERRNO"]),
    case(
        "import-elsewhere",
        "after any answer the exporter's device takes its buffer back",
        DRM_PAIR,
        import::back_home,
    )
    .rules(&["BUF-ERRNO"]),
    case("import-twice", "a file has one handle for a buffer", PAIR, import::twice),
    case("import-two-files", "two files of the importer share the buffer", PAIR, import::two_files),
    case("import-data", "the importer's side shows the exporter's bytes", PAIR, import::data).rules(&[
        "BUF-HELD",
        "BUF-NOTHELD",
        "BUF-EXPORTER",
    ]),
    case("import-chain", "a buffer that goes A to B and back is still A's", PAIR, import::chain),
    case(
        "import-fence-before",
        "a fence put in before the import is still in the way",
        PAIR,
        import::fence_before,
    )
    .rules(&["BUF-SYNCFILE", "RESV-USAGE"]),
    case(
        "import-fence-after",
        "a fence put in by the importer's side is the exporter's too",
        PAIR,
        import::fence_after,
    )
    .rules(&["BUF-SYNCFILE", "RESV-USAGE"]),
    case(
        "import-close-orders",
        "the importer keeps the bytes whoever closes first",
        PAIR,
        import::close_orders,
    )
    .rules(&["BUF-HELD", "BUF-NOTHELD"]),
    case(
        "race-import",
        "imports, closes, writes and fences at the same time harm nothing",
        PAIR,
        race::import_and_close,
    )
    .rules(&["BUF-HELD", "BUF-NOTHELD"]),
    case(
        "race-close-write",
        "the importer closes while the exporter writes",
        PAIR,
        race::close_while_writing,
    )
    .rules(&["BUF-HELD", "BUF-NOTHELD"]),
    case("vgem-fence-seen", "the importer sees vgem's fences", VGEM_PAIR, vgem::seen_by_importer)
        .rules(&["RESV-USAGE"]),
    case("triple-data", "what any of three devices writes the other two read", SHARING_TRIPLE, triple::data)
        .rules(&["BUF-HELD", "BUF-NOTHELD"]),
    case(
        "triple-fences",
        "a fence that any of three devices puts in stands against all of them",
        SHARING_TRIPLE,
        triple::fences,
    )
    .rules(&["BUF-SYNCFILE", "RESV-USAGE"]),
    case(
        "triple-answers",
        "whether a device takes a buffer does not depend on who else has it",
        TRIPLE,
        triple::answers,
    )
    .rules(&["BUF-ERRNO"]),
    case("reclaim", "memory pressure leaves shared bytes and fences alone", SHARING_PAIR, pressure::reclaim)
        .rules(&["RECLAIM-RESV"]),
    case(
        "reclaim-unmapped",
        "bytes of a buffer that nobody maps outlive memory pressure",
        PAGES,
        pressure::unmapped,
    ),
    case(
        "squeezed",
        "buffers whose pages can only be had in place of others are made and written",
        PAGES,
        pressure::squeezed,
    )
    .rules(&["RECLAIM-RESV", "RECLAIM-TAINT"]),
    case("evict", "buffers that leave video memory keep their bytes", VIDEO_MEMORY, pressure::evict)
        .rules(&["RECLAIM-RESV", "RESV-CTX"])
        .budget_s(60),
    case(
        "module-busy",
        "a driver's module stays while a buffer of it is shared, and goes then",
        DRM,
        module::busy,
    ),
];
