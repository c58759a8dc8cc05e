//! Which line of a report says what happened: its first, as the kernel prints it. The lines below may be banners too.

use super::rows::Row;
use crate::banner;
use crate::die_line::{self, Above};
use crate::kind::Kind;

/// The line of an oops or a KASAN report that says what happened; none if it is lost and only lines are left that stand below
/// it. What a report is called and whether it is whole both follow from it.
pub(super) fn first_line(kind: Kind, rows: &[Row]) -> Option<&Row> {
    let says_what = |row: &&Row| match die_line::above(row.text.trim()) {
        _ if kind == Kind::Kasan => {
            ["BUG: KASAN: ", "BUG: KASan: "].iter().any(|start| row.text.contains(start))
        }
        Some(Above::Fault) => false,
        Some(Above::Bug) => row.text.contains("invalid opcode") && is_other_trap(rows),
        None => banner::find(&row.text) == Some(kind),
    };
    rows.iter().filter(|row| !row.foreign).find(says_what)
}

/// Was it no BUG() that trapped? That leaves the instruction `ud2` on x86. The first code is the kernel's, and what follows may
/// be the program's.
fn is_other_trap(rows: &[Row]) -> bool {
    let code = rows.iter().map(|row| row.text.trim()).find(|text| text.starts_with("Code: "));
    code.is_some_and(|code| !code.contains("<0f> 0b"))
}
