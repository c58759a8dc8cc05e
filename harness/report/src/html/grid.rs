//! A grid of two devices: for one case, every ordered pair.

use std::collections::HashMap;
use std::io::{self, Write};

use crate::view::View;

use super::escape::Esc;
use super::mark::cell;

/// One case's pairs.
pub(super) struct Grid<'v> {
    name: &'v str,
    rows: Vec<&'v str>,
    columns: Vec<&'v str>,
    cells: HashMap<(&'v str, &'v str), usize>,
}

impl<'v> Grid<'v> {
    /// The grid of these cases, which have one name.
    pub(super) fn of(view: &'v View<'_>, name: &'v str, cases: &[usize]) -> Grid<'v> {
        let pair = |i: &usize| {
            let devices = &view.cases[*i].record.plan.devices;
            ((devices[0].as_str(), devices[1].as_str()), *i)
        };
        Grid {
            name,
            rows: axis(view, cases, 0),
            columns: axis(view, cases, 1),
            cells: cases.iter().map(pair).collect(),
        }
    }

    /// Cases by name, in the order of the plan.
    pub(super) fn by_name(view: &'v View<'_>, cases: &[usize]) -> Vec<(&'v str, Vec<usize>)> {
        let mut rows: Vec<(&str, Vec<usize>)> = Vec::new();
        for index in cases {
            let name = view.cases[*index].record.plan.name.as_str();
            match rows.iter_mut().find(|row| row.0 == name) {
                Some(row) => row.1.push(*index),
                None => rows.push((name, vec![*index])),
            }
        }
        rows
    }

    pub(super) fn write(&self, view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
        write!(
            out,
            "<figure><figcaption>{}</figcaption><table class=\"grid\"><thead><tr><th></th>",
            Esc(self.name)
        )?;
        for column in &self.columns {
            write!(out, "<th scope=\"col\"><span>{}</span></th>", Esc(column))?;
        }
        write!(out, "</tr></thead><tbody>")?;
        for row in &self.rows {
            write!(out, "<tr><th scope=\"row\">{}</th>", Esc(row))?;
            for column in &self.columns {
                let cell = self.cells.get(&(*row, *column)).map(|i| cell(view, *i));
                write!(out, "<td>{}</td>", cell.unwrap_or_default())?;
            }
            write!(out, "</tr>")?;
        }
        writeln!(out, "</tbody></table></figure>")
    }
}

/// The devices that stand in this place of any of the cases, in the bench's order.
pub(super) fn axis<'v>(view: &'v View<'_>, cases: &[usize], place: usize) -> Vec<&'v str> {
    let mut names: Vec<&str> = Vec::new();
    for name in cases.iter().filter_map(|i| view.cases[*i].record.plan.devices.get(place)) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    in_bench_order(view, names)
}

/// These names in the order of the bench's devices; those that it does not have stay behind them.
pub(super) fn in_bench_order<'v>(view: &View<'_>, mut names: Vec<&'v str>) -> Vec<&'v str> {
    let known = |name: &&str| view.session.devices.iter().position(|device| device.name == **name);
    names.sort_by_key(|name| known(name).unwrap_or(usize::MAX));
    names
}
