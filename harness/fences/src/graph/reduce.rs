//! Holt's reduction.

use fencelab_trace::model::Until;

use super::{Graph, Key, NodeId, Rule};

/// What is taken to happen by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assume {
    /// Threads that no recorded call holds up act, and so does what the trace did not see.
    pub people: bool,
    /// Waits and drivers give up when their time is over.
    pub limits: bool,
}

impl Graph {
    /// What can never happen, by node, if no more than that happens by itself. Devices do their work.
    pub fn irreducible(&self, assume: Assume) -> Vec<bool> {
        let mut needs: Vec<u32> = self.nodes.iter().map(|node| self.needed(node)).collect();
        let mut users: Vec<Vec<NodeId>> = vec![Vec::new(); self.nodes.len()];
        for id in self.ids() {
            self.node(id).edges.iter().for_each(|edge| users[edge.to.0 as usize].push(id));
        }
        let mut happened = vec![false; self.nodes.len()];
        let mut ready: Vec<NodeId> = self.ids().filter(|id| self.by_itself(*id, assume)).collect();
        while let Some(id) = ready.pop() {
            if std::mem::replace(&mut happened[id.0 as usize], true) {
                continue;
            }
            for user in &users[id.0 as usize] {
                let left = &mut needs[user.0 as usize];
                *left = left.saturating_sub(1);
                if *left == 0 {
                    ready.push(*user);
                }
            }
        }
        happened.into_iter().map(|happened| !happened).collect()
    }

    /// How many of its edges a node takes. One that can take none and has none never happens.
    fn needed(&self, node: &super::Node) -> u32 {
        match node.rule {
            Rule::All => node.edges.len().max(1) as u32,
            Rule::Any => 1,
        }
    }

    fn by_itself(&self, id: NodeId, assume: Assume) -> bool {
        let node = self.node(id);
        match node.key {
            Key::Device(_) | Key::Soon => true,
            Key::Live(..) | Key::Outside(_) | Key::Unknown => assume.people,
            Key::Limit(_) => assume.limits,
            Key::Thread(_) => assume.limits && node.until != Until::Forever,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fence::FenceId;
    use crate::graph::Why;

    const NOBODY: Assume = Assume { people: false, limits: false };

    /// Nodes `0..rules.len()`, with a live thread behind each of `live`.
    fn graph(rules: &[Rule], edges: &[(u32, u32)], live: &[u32]) -> Graph {
        let mut graph = Graph::default();
        for (at, rule) in rules.iter().enumerate() {
            graph.meet(Key::Fence(FenceId(at as u32)), *rule);
        }
        for (from, to) in edges {
            graph.edge(NodeId(*from), NodeId(*to), Why::Waits, None);
        }
        for at in live {
            let (leaf, _) = graph.meet(Key::Live(*at, *at), Rule::Any);
            graph.edge(NodeId(*at), leaf, Why::Waits, None);
        }
        graph
    }

    fn stuck(graph: &Graph, assume: Assume) -> Vec<u32> {
        let left = graph.irreducible(assume);
        (0..left.len() as u32).filter(|at| left[*at as usize]).collect()
    }

    #[test]
    fn a_cycle_is_left_and_what_leads_to_it() {
        let graph = graph(&[Rule::All, Rule::All, Rule::Any], &[(0, 1), (1, 0), (2, 0)], &[]);
        assert_eq!(stuck(&graph, Assume { people: true, limits: true }), [0, 1, 2]);
    }

    #[test]
    fn one_way_out_is_enough_for_an_or() {
        let rules = [Rule::Any, Rule::Any];
        let graph = graph(&rules, &[(0, 1), (1, 0)], &[1]);
        assert_eq!(stuck(&graph, Assume { people: true, limits: false }), [] as [u32; 0]);
        assert_eq!(stuck(&graph, NOBODY), [0, 1, 2]);
    }

    #[test]
    fn one_way_out_is_not_enough_for_an_and() {
        let graph = graph(&[Rule::All, Rule::All], &[(0, 1), (1, 0)], &[1]);
        assert_eq!(stuck(&graph, Assume { people: true, limits: false }), [0, 1]);
    }

    #[test]
    fn what_nobody_brings_about_is_left() {
        let graph = graph(&[Rule::All, Rule::Any], &[(0, 1)], &[]);
        assert_eq!(stuck(&graph, Assume { people: true, limits: true }), [0, 1]);
    }

    /// The same by its definition: again and again, until nothing more happens.
    fn by_definition(graph: &Graph, assume: Assume) -> Vec<bool> {
        let mut happened = vec![false; graph.len()];
        loop {
            let before = happened.clone();
            for id in graph.ids() {
                let node = graph.node(id);
                let mut edges = node.edges.iter().map(|edge| before[edge.to.0 as usize]);
                let has_what_it_needs = match node.rule {
                    Rule::All => !node.edges.is_empty() && edges.all(|has| has),
                    Rule::Any => edges.any(|has| has),
                };
                happened[id.0 as usize] |= has_what_it_needs || graph.by_itself(id, assume);
            }
            if happened == before {
                return happened.into_iter().map(|happened| !happened).collect();
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn reduction_is_what_its_definition_says(
            rules in proptest::collection::vec(proptest::bool::ANY, 1..20),
            edges in proptest::collection::vec((0..20u32, 0..20u32), 0..60),
            live in proptest::collection::vec(0..20u32, 0..4),
        ) {
            let count = rules.len() as u32;
            let rules: Vec<Rule> = rules.iter().map(|all| if *all { Rule::All } else { Rule::Any }).collect();
            let edges: Vec<_> = edges.iter().map(|(from, to)| (from % count, to % count)).collect();
            let live: Vec<_> = live.iter().map(|at| at % count).collect();
            let graph = graph(&rules, &edges, &live);
            for people in [false, true] {
                let assume = Assume { people, limits: false };
                proptest::prop_assert_eq!(graph.irreducible(assume), by_definition(&graph, assume));
            }
        }
    }
}
