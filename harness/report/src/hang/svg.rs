//! Findings as a drawing. Its colours are the page's, by class; alone it brings its own.

use std::fmt::Write;

use fencelab_fences::finding::{Edge, Finding, Node, NodeKind};

use super::layout::{Place, layout};
use crate::html::Esc;

const BOX: (f64, f64) = (300.0, 50.0);
const GAP: (f64, f64) = (150.0, 38.0);
const MARGIN: (f64, f64) = (70.0, 14.0);
/// Characters of a box's line.
const FITS: usize = 46;

/// Colours of a drawing that stands alone.
const STYLE: &str = include_str!("svg.css");

/// A drawing that stands alone.
pub fn svg(finding: &Finding) -> String {
    drawing(finding, &format!("<style>{STYLE}</style>"))
}

/// A drawing with that within it.
pub(super) fn drawing(finding: &Finding, within: &str) -> String {
    let places = layout(finding);
    let columns = used_columns(&places);
    let rows = places.iter().map(|place| place.row + 1).max().unwrap_or(1) as f64;
    // A finding that nobody waits in has no boxes, and its picture still a size.
    let width = MARGIN.0 * 2.0 + (columns.len() as f64 * (BOX.0 + GAP.0) - GAP.0).max(0.0);
    let height = MARGIN.1 * 2.0 + (rows * (BOX.1 + GAP.1) - GAP.1).max(0.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"graph\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\" aria-label=\"{}\">{within}\n",
        Esc(&finding.sentence)
    );
    out += MARKERS;
    let corner = |node: usize| {
        let place = places[node];
        let column = columns.iter().position(|column| *column == place.column).unwrap_or(0) as f64;
        (MARGIN.0 + column * (BOX.0 + GAP.0), MARGIN.1 + place.row as f64 * (BOX.1 + GAP.1))
    };
    for edge in &finding.edges {
        draw_edge(&mut out, edge, corner(edge.from), corner(edge.to));
    }
    for (index, node) in finding.nodes.iter().enumerate() {
        draw_node(&mut out, node, corner(index));
    }
    out + "</svg>\n"
}

const MARKERS: &str = "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" \
    orient=\"auto\" markerUnits=\"userSpaceOnUse\"><path d=\"M0 0L8 4L0 8z\"/></marker><marker id=\"tipw\" viewBox=\"0 0 8 8\" \
    refX=\"7\" refY=\"4\" markerWidth=\"11\" markerHeight=\"11\" orient=\"auto\" markerUnits=\"userSpaceOnUse\"><path class=\"tipw\" \
    d=\"M0 0L8 4L0 8z\"/></marker></defs>\n";

fn used_columns(places: &[Place]) -> Vec<usize> {
    (0..3).filter(|column| places.iter().any(|place| place.column == *column)).collect()
}

fn draw_node(out: &mut String, node: &Node, (x, y): (f64, f64)) {
    let kind = match node.kind {
        NodeKind::Thread => "thread",
        NodeKind::Fence => "fence",
        NodeKind::Point => "point",
        NodeKind::Job => "job",
        NodeKind::Process => "process",
        NodeKind::Leaf => "leaf",
    };
    let witness = if node.witness { " witness" } else { "" };
    let radius = if matches!(node.kind, NodeKind::Fence | NodeKind::Point) { BOX.1 / 2.0 } else { 6.0 };
    let _ = write!(
        out,
        "<g class=\"node {kind}{witness}\"><title>{}\n{}</title>",
        Esc(&node.label),
        Esc(&node.detail)
    );
    let _ =
        write!(out, "<rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"{radius}\"/>", BOX.0, BOX.1);
    let middle = x + BOX.0 / 2.0;
    let lines = if node.detail.is_empty() { 1 } else { 2 };
    let first = y + if lines == 1 { 30.0 } else { 21.0 };
    let _ = write!(out, "<text x=\"{middle}\" y=\"{first}\">{}</text>", Esc(cut(&node.label)));
    if lines == 2 {
        let _ = write!(
            out,
            "<text class=\"detail\" x=\"{middle}\" y=\"{}\">{}</text>",
            y + 38.0,
            Esc(cut(&node.detail))
        );
    }
    out.push_str("</g>\n");
}

fn cut(text: &str) -> String {
    if text.chars().count() <= FITS {
        return text.to_owned();
    }
    text.chars().take(FITS - 1).chain(['…']).collect()
}

/// An edge: straight down to the next, out on the left and back for one that closes a circle, across between columns.
fn draw_edge(out: &mut String, edge: &Edge, from: (f64, f64), to: (f64, f64)) {
    let class = if edge.witness { "edge witness" } else { "edge" };
    let tip = if edge.witness { "tipw" } else { "tip" };
    let centre = |(x, y): (f64, f64)| (x + BOX.0 / 2.0, y + BOX.1 / 2.0);
    let (a, b) = (centre(from), centre(to));
    let same = (from.0 - to.0).abs() < 1.0;
    let next = to.1 - from.1;
    let (path, label) = if same && next > 0.0 && next < (BOX.1 + GAP.1) * 1.5 {
        let (start, end) = (from.1 + BOX.1, to.1);
        (format!("M{} {start}L{} {end}", a.0, b.0), (a.0 + 8.0, (start + end) / 2.0 + 4.0, "start"))
    } else if same {
        // The middle's circles close on the left; on its right is what others do.
        let (side, out_by) = if edge.witness { (from.0, -52.0) } else { (from.0 + BOX.0, 52.0) };
        let bend = side + out_by;
        let label = (side + out_by * 0.85, (a.1 + b.1) / 2.0, "turned");
        (format!("M{side} {}C{bend} {} {bend} {} {side} {}", a.1, a.1, b.1, b.1), label)
    } else {
        let right = to.0 > from.0;
        let (start, end) = if right { (from.0 + BOX.0, to.0) } else { (from.0, to.0 + BOX.0) };
        let bend = (start + end) / 2.0;
        let label = (bend, (a.1 + b.1) / 2.0 - 5.0, "middle");
        (format!("M{start} {}C{bend} {} {bend} {} {end} {}", a.1, a.1, b.1, b.1), label)
    };
    let _ = write!(out, "<path class=\"{class}\" d=\"{path}\" marker-end=\"url(#{tip})\"/>");
    let (x, y, anchor) = label;
    let text = Esc(&edge.why);
    let _ = match anchor {
        "turned" => write!(
            out,
            "<text class=\"why\" text-anchor=\"middle\" transform=\"translate({x} {y}) rotate(-90)\" dy=\"-6\">{text}</text>"
        ),
        _ => write!(out, "<text class=\"why\" x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{text}</text>"),
    };
    out.push('\n');
}
