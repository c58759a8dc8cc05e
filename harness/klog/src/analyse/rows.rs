//! The lines of a report with the pieces of one line put together.
//!
//! Lockdep prints the mention of a lock in up to seven pieces (`print_lock`, KERN_CONT). When somebody else's line
//! comes between, each piece stands on a line of its own. Mailers break lines too.

use crate::collector::Taken;
use crate::kind::Kind;
use crate::lock::Lock;
use crate::shape::{Shape, TRACE_STARTS, is_half_arm_frame, is_lock_piece, shape, without_kmemleak};

/// One line of a report.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) text: String,
    pub(super) shape: Shape,
    /// It is somebody else's.
    pub(super) foreign: bool,
    /// Nobody else printed a report at that time, as far as one can tell.
    pub(super) alone: bool,
}

/// How many pieces one line may have, and how long it may grow by them.
const MAX_PIECES: usize = 12;
const MAX_JOINED: usize = 2000;

/// The report's lines, put together, somebody else's marked.
pub(super) fn rows(kind: Kind, lines: &[Taken]) -> Vec<Row> {
    let mut rows: Vec<Row> = joined(lines).into_iter().flat_map(split).collect();
    if kind == Kind::Kmemleak {
        rows.iter_mut().for_each(|row| row.text = without_kmemleak(&row.text).to_owned());
    }
    mark_foreign(kind, &mut rows);
    rows
}

/// Takes the words above a backtrace apart from what shares their line: a mailer put them behind the task's line, and
/// m68k prints the first frame behind them.
fn split(row: Row) -> Vec<Row> {
    let text = row.text.trim();
    if let Some(at) =
        text.find("} state was registered at:").and_then(|end| text[..end].rfind('{')).filter(|at| *at > 0)
    {
        return [&text[..at], &text[at..]]
            .map(|text| Row {
                text: text.trim_end().to_owned(),
                shape: shape(text),
                foreign: false,
                alone: row.alone,
            })
            .into();
    }
    let words = TRACE_STARTS.iter().find(|words| text.starts_with(**words) || text.ends_with(**words));
    let Some(words) = words.filter(|words| row.shape == Shape::TraceStart && text.len() > words.len()) else {
        return vec![row];
    };
    let part =
        |text: &str| Row { text: text.to_owned(), shape: shape(text), foreign: false, alone: row.alone };
    match text.strip_suffix(words) {
        Some(before) => vec![part(before), part(words)],
        None => {
            let rest = part(&text[words.len()..]);
            if rest.shape == Shape::Frame { vec![part(words), rest] } else { vec![row] }
        }
    }
}

/// Marks what cannot be the report's: text between the frames of a chain or of the last backtrace, and any text in
/// reports that have none.
fn mark_foreign(kind: Kind, rows: &mut [Row]) {
    // These go on with text after a backtrace.
    if matches!(
        kind,
        Kind::RcuStall | Kind::Kasan | Kind::Kcsan | Kind::HungTask | Kind::SoftLockup | Kind::HardLockup
    ) {
        return;
    }
    let mut among_frames = kind == Kind::Sleeping;
    for row in rows.iter_mut().skip(1) {
        match row.shape {
            Shape::LastPart | Shape::TraceStart => among_frames = true,
            Shape::Lockdep if row.text.trim_start().starts_with("-> #") => among_frames = true,
            Shape::Lockdep if row.text.trim_start().starts_with("other info") => among_frames = false,
            Shape::Other => row.foreign = among_frames,
            _ => {}
        }
    }
}

/// Puts pieces together.
fn joined(lines: &[Taken]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::with_capacity(lines.len());
    let mut pieces = 1;
    for taken in lines {
        let text = &taken.line.text;
        match rows.last_mut() {
            Some(row)
                if pieces < MAX_PIECES
                    && row.text.len() < MAX_JOINED
                    && (continues(row, taken) || is_wrapped(row, taken)) =>
            {
                pieces += 1;
                let above = row.text.trim_end();
                row.text = format!("{above}{}{}", gap(above, text), text.trim_end());
                row.shape = shape(&row.text);
                row.alone &= taken.alone;
            }
            _ => {
                pieces = 1;
                rows.push(Row { text: text.clone(), shape: taken.shape, foreign: false, alone: taken.alone });
            }
        }
    }
    rows
}

/// What stands between two pieces: a mailer takes a blank away, `KERN_CONT` has none to take.
fn gap(above: &str, below: &str) -> &'static str {
    let attached = is_lock_piece(below) || below.starts_with(['#', '/', ' ']) || above.ends_with('(');
    if attached { "" } else { " " }
}

/// Did a mailer break the line above? The rest has no prefix in a log that has them, and is nothing by itself.
fn is_wrapped(row: &Row, taken: &Taken) -> bool {
    let meta = &taken.line.meta;
    let below = taken.line.text.trim();
    let place_alone =
        taken.shape == Shape::Frame && row.text.contains("WARNING: ") && !row.text.contains("+0x");
    // `CPU: 1 PID: 812 Comm: cat Not tainted 6.12.0 #1`: the number of the build looks like that of a held lock.
    let build_alone = row.text.trim_start().starts_with("CPU: ") && below.starts_with('#');
    meta.bare
        && (meta.time_us.is_some() || meta.wall.is_some())
        && (taken.shape == Shape::Other || place_alone || build_alone)
        && matches!(row.shape, Shape::Other | Shape::Detail)
        && !below.contains("-->")
}

/// Does this line continue the one above?
fn continues(row: &Row, taken: &Taken) -> bool {
    let (above, below) = (row.text.trim(), taken.line.text.trim());
    if below.is_empty() {
        return false;
    }
    if is_lock_piece(below) {
        return true;
    }
    // A whole line of its own never is a piece.
    if matches!(
        taken.shape,
        Shape::Blank | Shape::Rule | Shape::TraceStart | Shape::LastPart | Shape::HeldCount(_)
    ) {
        return false;
    }
    let open_usage = above.starts_with("inconsistent {") && !above.contains("usage");
    let open_call = above.ends_with("lock(")
        || above.ends_with("->")
        || above.ends_with("-->")
        || above.ends_with("lock (");
    let open_lock = matches!(row.shape, Shape::Lock | Shape::Lockdep)
        && Lock::is_cut(above)
        && !above.starts_with("lock(");
    // The place of "sleeping function called from invalid context at" is the longest word of its line.
    let open_place = above.ends_with(" invalid context at")
        || above.starts_with("BUG: using ") && above.ends_with(" in preemptible")
        || above.starts_with("in_atomic()") && above.ends_with([',', ':']);
    // `hardirqs last  enabled at (97): [<ffffffff81000001>] default_idle+0x1/0x2`, `RIP: 0010:foo+0x1/0x2`
    let places = ["hardirqs last", "softirqs last", "RIP:", "pc :"];
    let open_symbol = places.iter().any(|start| above.starts_with(start))
        && above.ends_with(':')
        && (taken.shape == Shape::Frame || above == "RIP:");
    // `BUG: KASAN: use-after-free in foo+0x1/0x2`
    let open_address = (above.ends_with(">]") || above.starts_with("BUG: K") && above.ends_with(" in"))
        && taken.shape == Shape::Frame
        && taken.line.meta.bare;
    let module_alone = row.shape == Shape::Frame
        && below.starts_with('[')
        && !below.starts_with("[<")
        && below.ends_with(']')
        && !below.contains(' ');
    open_call
        || open_usage
        || open_place
        || open_symbol
        || open_address
        || is_half_arm_frame(above) && below.starts_with('(')
        || open_lock && Lock::parse(below).is_none_or(|lock| lock.address.is_none())
        || below.starts_with("--> ")
        || module_alone
}
