//! Circles in what is left of a graph, and the shortest way to something.

use std::collections::VecDeque;

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::{Graph, NodeId};

impl Graph {
    /// The strongly connected parts of what is marked that hold a circle. Each is a cycle, or a knot where ways fork.
    pub fn circles(&self, marked: &[bool]) -> Vec<Vec<NodeId>> {
        let is_in = |id: NodeId| marked.get(id.0 as usize).copied().unwrap_or(false);
        let mut plain: DiGraph<(), ()> = DiGraph::with_capacity(self.len(), self.len());
        self.ids().for_each(|_| _ = plain.add_node(()));
        let index = |id: NodeId| NodeIndex::new(id.0 as usize);
        for id in self.ids().filter(|id| is_in(*id)) {
            for edge in self.node(id).edges.iter().filter(|edge| is_in(edge.to)) {
                plain.add_edge(index(id), index(edge.to), ());
            }
        }
        let parts = tarjan_scc(&plain).into_iter();
        let parts =
            parts.map(|part| part.into_iter().map(|at| NodeId(at.index() as u32)).collect::<Vec<_>>());
        let circular = |part: &Vec<NodeId>| match part[..] {
            [only] => is_in(only) && self.node(only).edges.iter().any(|edge| edge.to == only),
            _ => true,
        };
        let mut circles: Vec<Vec<NodeId>> = parts.filter(circular).collect();
        circles.iter_mut().for_each(|part| part.sort_unstable());
        circles.sort_unstable();
        circles
    }

    /// The shortest way from a node to one that is wanted, both included, through allowed nodes only. A way has at least
    /// one edge, so that the way from a node to itself is a circle.
    pub fn way(
        &self,
        from: NodeId,
        wanted: impl Fn(NodeId) -> bool,
        allowed: impl Fn(NodeId) -> bool,
    ) -> Option<Vec<NodeId>> {
        let mut came: Vec<Option<NodeId>> = vec![None; self.len()];
        let mut queue = VecDeque::from([from]);
        while let Some(at) = queue.pop_front() {
            for edge in &self.node(at).edges {
                let fresh = came[edge.to.0 as usize].is_none() && allowed(edge.to);
                if !fresh {
                    continue;
                }
                came[edge.to.0 as usize] = Some(at);
                if wanted(edge.to) {
                    return Some(Self::back(&came, from, edge.to));
                }
                queue.push_back(edge.to);
            }
        }
        None
    }

    fn back(came: &[Option<NodeId>], from: NodeId, to: NodeId) -> Vec<NodeId> {
        let (mut way, mut at) = (vec![to], to);
        while let Some(before) = came[at.0 as usize] {
            way.push(before);
            at = before;
            if at == from {
                break;
            }
        }
        way.reverse();
        way
    }

    /// Everything that a node needs, directly or not; itself too.
    pub fn below(&self, from: NodeId) -> Vec<bool> {
        let mut seen = vec![false; self.len()];
        let mut left = vec![from];
        while let Some(at) = left.pop() {
            if !std::mem::replace(&mut seen[at.0 as usize], true) {
                left.extend(self.node(at).edges.iter().map(|edge| edge.to));
            }
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fence::FenceId;
    use crate::graph::{Key, Rule, Why};

    fn graph(count: u32, edges: &[(u32, u32)]) -> Graph {
        let mut graph = Graph::default();
        (0..count).for_each(|at| _ = graph.meet(Key::Fence(FenceId(at)), Rule::All));
        edges.iter().for_each(|(from, to)| graph.edge(NodeId(*from), NodeId(*to), Why::Waits, None));
        graph
    }

    #[test]
    fn circles_are_found_and_lines_are_not() {
        let graph = graph(5, &[(0, 1), (1, 2), (2, 1), (3, 3), (4, 0)]);
        let circles = graph.circles(&[true; 5]);
        assert_eq!(circles, [vec![NodeId(1), NodeId(2)], vec![NodeId(3)]]);
        assert!(graph.circles(&[true, true, false, false, true]).is_empty());
    }

    #[test]
    fn the_shortest_way_is_found() {
        let graph = graph(5, &[(0, 1), (1, 2), (2, 0), (0, 3), (3, 4), (4, 2)]);
        let way = graph.way(NodeId(0), |id| id == NodeId(0), |_| true).unwrap();
        assert_eq!(way, [0, 1, 2, 0].map(NodeId));
        assert_eq!(
            graph.way(NodeId(0), |id| id == NodeId(2), |id| id != NodeId(1)).unwrap(),
            [0, 3, 4, 2].map(NodeId)
        );
        assert_eq!(graph.way(NodeId(0), |id| id == NodeId(9), |_| true), None);
    }
}
