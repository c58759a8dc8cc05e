//! A lock graph as SVG, without any other program.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::color;

type Edges = BTreeSet<(String, String)>;

/// Height of a label, and of a row.
const LABEL: f64 = 22.0;
const ROW: f64 = 56.0;
/// Room at the sides, where arrows bend, and between the columns.
const SIDE: f64 = 90.0;
const BETWEEN: f64 = 150.0;
/// Width of a character of the font.
const CHARACTER: f64 = 7.4;

const ARROWS: &str = "<defs>\
<marker id=\"a\" viewBox=\"0 0 10 10\" refX=\"10\" refY=\"5\" markerWidth=\"8\" markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\">\
<path d=\"M0 0L10 5L0 10z\" fill=\"#555\"/></marker>\
<marker id=\"m\" viewBox=\"0 0 10 10\" refX=\"10\" refY=\"5\" markerWidth=\"12\" markerHeight=\"12\" markerUnits=\"userSpaceOnUse\" orient=\"auto\">\
<path d=\"M0 0L10 5L0 10z\" fill=\"#c00\"/></marker></defs>\n";

/// The place of a label: the middle, the half of its width, the row and whether it is in the left column.
#[derive(Clone, Copy, Debug)]
struct Place {
    x: f64,
    y: f64,
    half: f64,
    row: usize,
    left: bool,
}

/// Draws these classes, in this order, and these edges.
pub(super) fn svg(nodes: &[String], edges: &Edges, marked: &Edges) -> String {
    let places = places(nodes);
    let widest = places.values().map(|place| 2.0 * place.half).fold(0.0, f64::max);
    let rows = nodes.len().div_ceil(2);
    let (width, height) = (2.0 * SIDE + 2.0 * widest + BETWEEN, (rows as f64) * ROW + 2.0 * LABEL);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" \
         font-family=\"monospace\" font-size=\"12\">\n{ARROWS}"
    );
    for edge in edges {
        if let (Some(from), Some(to)) = (places.get(edge.0.as_str()), places.get(edge.1.as_str())) {
            out.push_str(&arrow(from, to, marked.contains(edge)));
        }
    }
    for node in nodes {
        out.push_str(&label(node, &places[node.as_str()]));
    }
    out.push_str("</svg>\n");
    out
}

/// Down the right column and up the left one, so that who follows another stands beside it.
fn places(nodes: &[String]) -> BTreeMap<&str, Place> {
    let half = |name: &str| (name.chars().count() as f64 * CHARACTER + 12.0) / 2.0;
    let widest = nodes.iter().map(|name| 2.0 * half(name)).fold(0.0, f64::max);
    let right = nodes.len().div_ceil(2);
    let place = |index: usize, name: &str| {
        let left = index >= right;
        let row = if left { nodes.len() - 1 - index } else { index };
        let x = SIDE + widest / 2.0 + if left { 0.0 } else { widest + BETWEEN };
        Place { x, y: LABEL + ROW / 2.0 + row as f64 * ROW, half: half(name), row, left }
    };
    nodes.iter().enumerate().map(|(index, name)| (name.as_str(), place(index, name))).collect()
}

fn arrow(from: &Place, to: &Place, marked: bool) -> String {
    if (from.row, from.left) == (to.row, to.left) {
        return own_loop(from, marked);
    }
    let bend = bend(from, to);
    let (start, end) = (at_edge(from, bend), at_edge(to, bend));
    let (color, width, head) = if marked { ("#c00", 2, 'm') } else { ("#555", 1, 'a') };
    format!(
        "<path d=\"M{:.0} {:.0}Q{:.0} {:.0} {:.0} {:.0}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"{width}\" marker-end=\"url(#{head})\"/>\n",
        start.0, start.1, bend.0, bend.1, end.0, end.1
    )
}

/// A lock that is taken under itself: out at the label's right side and in again.
fn own_loop(place: &Place, marked: bool) -> String {
    let (x, top, bottom) = (place.x + place.half, place.y - LABEL / 4.0, place.y + LABEL / 4.0);
    let (color, width, head) = if marked { ("#c00", 2, 'm') } else { ("#555", 1, 'a') };
    let out = x + SIDE / 2.0;
    format!(
        "<path d=\"M{x:.0} {top:.0}C{out:.0} {:.0} {out:.0} {:.0} {x:.0} {bottom:.0}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"{width}\" marker-end=\"url(#{head})\"/>\n",
        place.y - LABEL,
        place.y + LABEL
    )
}

/// The point towards which the arrow bends: a little aside, so that two opposite arrows do not lie on each other, and round what
/// stands between in the same column.
fn bend(from: &Place, to: &Place) -> (f64, f64) {
    let (dx, dy) = (to.x - from.x, to.y - from.y);
    let middle = ((from.x + to.x) / 2.0, (from.y + to.y) / 2.0);
    if from.left == to.left && from.row.abs_diff(to.row) > 1 {
        let aside = from.half.max(to.half) + SIDE;
        return (if from.left { middle.0 - aside } else { middle.0 + aside }, middle.1);
    }
    (middle.0 - dy * 0.2, middle.1 + dx * 0.08)
}

/// Where the line from a label's middle to a point leaves the label.
fn at_edge(place: &Place, towards: (f64, f64)) -> (f64, f64) {
    let (dx, dy) = (towards.0 - place.x, towards.1 - place.y);
    let part = (place.half / dx.abs().max(0.001)).min(LABEL / 2.0 / dy.abs().max(0.001)).min(1.0);
    (place.x + dx * part, place.y + dy * part)
}

fn label(name: &str, place: &Place) -> String {
    format!(
        "<rect x=\"{:.0}\" y=\"{:.0}\" width=\"{:.0}\" height=\"{LABEL:.0}\" rx=\"3\" fill=\"{}\" stroke=\"#555\"/>\
         <text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"middle\">{}</text>\n",
        place.x - place.half,
        place.y - LABEL / 2.0,
        2.0 * place.half,
        color(name),
        place.x,
        place.y + 4.0,
        escaped(name)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_under_itself_has_a_loop() {
        let own = ("a".to_owned(), "a".to_owned());
        let drawn = svg(&["a".to_owned()], &Edges::from([own.clone()]), &Edges::from([own]));
        assert!(drawn.contains("<path d=\"M279 44C324 28 324 72 279 56\""), "{drawn}");
    }

    #[test]
    fn no_label_lies_on_another() {
        for count in 1..60 {
            let nodes: Vec<String> =
                (0..count).map(|at| format!("{}#{at}", "x".repeat(1 + at * 7 % 50))).collect();
            let places = places(&nodes);
            let all: Vec<&Place> = places.values().collect();
            for (at, one) in all.iter().enumerate() {
                for other in &all[at + 1..] {
                    let apart =
                        (one.x - other.x).abs() > one.half + other.half || (one.y - other.y).abs() > LABEL;
                    assert!(apart, "{one:?} {other:?}");
                }
            }
        }
    }
}
