//! The lock graph as a picture: Graphviz DOT, and SVG without any other program.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::classes::Classes;
use super::picture;
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

    /// SVG: the classes in two columns, down the right one and up the left one, arrows between them.
    pub fn svg(&self) -> String {
        picture::svg(&self.in_order(), &self.edges, &self.marked)
    }

    /// The classes along the edges, from where a marked one leads: a cycle is drawn as one.
    fn in_order(&self) -> Vec<String> {
        let nodes = self.nodes();
        let mut ordered: Vec<String> = Vec::with_capacity(nodes.len());
        let mut seen = BTreeSet::new();
        let mut next: Vec<&String> = nodes.iter().rev().chain(self.marked.iter().map(|(_, to)| to)).collect();
        while let Some(node) = next.pop() {
            if seen.insert(node) {
                ordered.push(node.clone());
                let from = (node.clone(), String::new());
                let out = self.edges.range(from..).take_while(|(from, _)| from == node);
                next.extend(out.map(|(_, to)| to).filter(|to| !seen.contains(to)));
            }
        }
        ordered
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

pub(super) fn color(name: &str) -> &'static str {
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
        assert!(svg.contains(">&amp;a&lt;b&gt;</text>") && svg.matches("<path d=\"M").count() == 4, "{svg}");
        assert!(!svg.contains("away"));
    }
}
