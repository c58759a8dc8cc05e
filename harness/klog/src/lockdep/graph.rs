//! The lock graph as a picture: Graphviz DOT, and SVG without any other program.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::classes::Classes;
use crate::kind::Kind;
use crate::lock::LockClass;
use crate::report::Report;
use crate::rules::Role;

/// A graph of lock classes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockGraph {
    edges: BTreeSet<(String, String)>,
    /// Edges to be seen at once: of a cycle, the closing one; of a run, the new ones.
    marked: BTreeSet<(String, String)>,
}

impl LockGraph {
    /// The cycle of a report, its closing edge marked. Reports of other kinds give the one edge they are about.
    pub fn of_report(report: &Report) -> LockGraph {
        let mut graph = LockGraph::default();
        let names: Vec<String> = report.chain.iter().map(LockClass::stable_name).collect();
        if report.kind == Kind::Circular && names.len() >= 2 {
            graph.edges.extend(names.windows(2).map(|pair| (pair[0].clone(), pair[1].clone())));
            graph.mark((names[names.len() - 1].clone(), names[0].clone()));
        } else if let (Some(holding), Some(acquiring)) = (&report.details.holding, &report.acquiring) {
            graph.mark((holding.class.stable_name(), acquiring.stable_name()));
        }
        graph
    }

    /// The edges within `distance` of a class, those marked that the reading before did not have.
    pub fn around(class: &str, now: &Classes, before: &Classes, distance: usize) -> LockGraph {
        let (old, new) = (before.edges(), now.edges());
        let near = near(class, &new, distance);
        let edges: BTreeSet<_> =
            new.into_iter().filter(|(from, to)| near.contains(from) && near.contains(to)).collect();
        let marked = edges.difference(&old).cloned().collect();
        LockGraph { edges, marked }
    }

    /// Edges from and to, those marked that are to be seen at once.
    pub fn of_edges<'a>(edges: impl IntoIterator<Item = (&'a str, &'a str, bool)>) -> LockGraph {
        let mut graph = LockGraph::default();
        for (from, to, marked) in edges {
            let edge = (from.to_owned(), to.to_owned());
            if marked {
                graph.marked.insert(edge.clone());
            }
            graph.edges.insert(edge);
        }
        graph
    }

    /// Adds the edges of another graph.
    pub fn extend(&mut self, other: LockGraph) {
        self.edges.extend(other.edges);
        self.marked.extend(other.marked);
    }

    fn mark(&mut self, edge: (String, String)) {
        self.edges.insert(edge.clone());
        self.marked.insert(edge);
    }

    /// How many edges it has.
    pub fn len(&self) -> usize {
        self.edges.len()
    }

    /// Has it no edge?
    pub fn is_empty(&self) -> bool {
        self.edges.is_empty()
    }

    /// Graphviz DOT.
    pub fn dot(&self) -> String {
        let mut out =
            "digraph locks {\n  rankdir=LR;\n  node [shape=box, fontname=\"monospace\"];\n".to_owned();
        for node in self.nodes() {
            let _ = writeln!(out, "  {} [style=filled, fillcolor=\"{}\"];", quoted(&node), color(&node));
        }
        for edge in &self.edges {
            let style = if self.marked.contains(edge) { " [color=red, penwidth=2]" } else { "" };
            let _ = writeln!(out, "  {} -> {}{style};", quoted(&edge.0), quoted(&edge.1));
        }
        out.push_str("}\n");
        out
    }

    /// SVG: the classes on a circle, arrows between them.
    pub fn svg(&self) -> String {
        let nodes = self.nodes();
        let places = places(&nodes);
        let (width, height) = size(nodes.len());
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"monospace\" font-size=\"12\">\n{ARROWS}"
        );
        for edge in &self.edges {
            if let (Some(from), Some(to)) = (places.get(&edge.0), places.get(&edge.1)) {
                out.push_str(&arrow(*from, *to, self.marked.contains(edge)));
            }
        }
        for node in &nodes {
            out.push_str(&label(node, places[node]));
        }
        out.push_str("</svg>\n");
        out
    }

    fn nodes(&self) -> Vec<String> {
        let all: BTreeSet<&String> = self.edges.iter().flat_map(|(from, to)| [from, to]).collect();
        all.into_iter().cloned().collect()
    }
}

/// The classes within so many edges, in either direction.
fn near(class: &str, edges: &BTreeSet<(String, String)>, distance: usize) -> BTreeSet<String> {
    let mut near = BTreeSet::from([class.to_owned()]);
    for _ in 0..distance {
        let more: Vec<String> = edges
            .iter()
            .filter(|(from, to)| near.contains(from) != near.contains(to))
            .flat_map(|(from, to)| [from.clone(), to.clone()])
            .collect();
        near.extend(more);
    }
    near
}

fn color(name: &str) -> &'static str {
    match Role::of(&LockClass::parse(name)) {
        Role::Signalling => "#ffd9b3",
        Role::Reclaim | Role::Notifier => "#d9ead3",
        Role::Reservation => "#cfe2f3",
        Role::Modeset | Role::Console => "#ead1dc",
        _ => "#f5f5f5",
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

const ARROWS: &str = "<defs><marker id=\"a\" viewBox=\"0 0 10 10\" refX=\"10\" refY=\"5\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">\
<path d=\"M0 0L10 5L0 10z\"/></marker></defs>\n";

fn size(nodes: usize) -> (u32, u32) {
    let radius = radius(nodes) as u32;
    (2 * radius + 560, 2 * radius + 80)
}

fn radius(nodes: usize) -> f64 {
    (nodes as f64 * 14.0).max(80.0)
}

fn places(nodes: &[String]) -> BTreeMap<String, (f64, f64)> {
    let (width, height) = size(nodes.len());
    let radius = radius(nodes.len());
    let place = |index: usize| {
        let angle =
            std::f64::consts::TAU * index as f64 / nodes.len().max(1) as f64 - std::f64::consts::FRAC_PI_2;
        (f64::from(width) / 2.0 + radius * angle.cos(), f64::from(height) / 2.0 + radius * angle.sin())
    };
    nodes.iter().enumerate().map(|(index, node)| (node.clone(), place(index))).collect()
}

fn arrow(from: (f64, f64), to: (f64, f64), marked: bool) -> String {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx.hypot(dy).max(1.0);
    // Bent a little, so that two opposite arrows do not lie on each other; shortened, so that labels stay free.
    let bend = ((from.0 + to.0) / 2.0 - dy * 0.12, (from.1 + to.1) / 2.0 + dx * 0.12);
    let end = (to.0 - dx / length * 16.0, to.1 - dy / length * 16.0);
    let (color, width) = if marked { ("#c00", 2) } else { ("#555", 1) };
    format!(
        "<path d=\"M{:.0} {:.0}Q{:.0} {:.0} {:.0} {:.0}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"{width}\" marker-end=\"url(#a)\"/>\n",
        from.0, from.1, bend.0, bend.1, end.0, end.1
    )
}

fn label(name: &str, at: (f64, f64)) -> String {
    let width = name.chars().count() as f64 * 7.4 + 12.0;
    format!(
        "<rect x=\"{:.0}\" y=\"{:.0}\" width=\"{width:.0}\" height=\"20\" rx=\"3\" fill=\"{}\" stroke=\"#555\"/>\
         <text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"middle\">{}</text>\n",
        at.0 - width / 2.0,
        at.1 - 10.0,
        color(name),
        at.0,
        at.1 + 4.0,
        escaped(name)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_name_every_class_and_mark_what_is_new() {
        let table = |text: &str| Classes::parse(text).unwrap();
        let before = table("all lock classes:\n1 FD: 1 BD: 1 ....: &a<b>\n -> [2] dma_fence_map\n\n");
        let now = table(
            "all lock classes:\n1 FD: 1 BD: 1 ....: &a<b>\n -> [2] dma_fence_map\n\n2 FD: 1 BD: 1 ....: dma_fence_map\n -> [3] &c\n\n\
             4 FD: 1 BD: 1 ....: far\n -> [5] away\n\n",
        );
        let graph = LockGraph::around("dma_fence_map", &now, &before, 1);
        assert_eq!(graph.len(), 2);
        assert!(
            graph.dot().contains("\"dma_fence_map\" -> \"&c\" [color=red, penwidth=2];"),
            "{}",
            graph.dot()
        );
        assert!(graph.dot().contains("\"&a<b>\" -> \"dma_fence_map\";"));
        let svg = graph.svg();
        assert!(svg.contains(">&amp;a&lt;b&gt;</text>") && svg.matches("<path d=\"M").count() == 3, "{svg}");
        assert!(!svg.contains("away"));
    }
}
