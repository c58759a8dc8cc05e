//! Where the nodes of a finding's picture stand: the witness in the middle from top to bottom, who else waits on its left,
//! who could help on its right.

use fencelab_fences::finding::Finding;

/// A column and a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// 0: left, 1: middle, 2: right.
    pub(super) column: usize,
    pub(super) row: usize,
}

/// A place for each node.
pub(super) fn layout(finding: &Finding) -> Vec<Place> {
    let count = finding.nodes.len();
    let mut places: Vec<Option<Place>> = vec![None; count];
    let mut taken: [Vec<usize>; 3] = Default::default();
    let mut put = |places: &mut Vec<Option<Place>>, node: usize, column: usize, wanted: usize| {
        let row = (wanted..).find(|row| !taken[column].contains(row)).unwrap_or(wanted);
        taken[column].push(row);
        places[node] = Some(Place { column, row });
    };
    for &node in &finding.witness {
        if places.get(node) == Some(&None) {
            let row = places.iter().flatten().count();
            put(&mut places, node, 1, row);
        }
    }
    // Each round places what touches something placed; one round more for what touches nothing.
    for _ in 0..=count {
        for node in 0..count {
            if places[node].is_some() {
                continue;
            }
            let row = |other: usize| places[other].map(|place| place.row);
            let waits_for = finding.edges.iter().find(|edge| edge.from == node && places[edge.to].is_some());
            let helps = finding.edges.iter().find(|edge| edge.to == node && places[edge.from].is_some());
            if let Some(edge) = helps {
                let wanted = row(edge.from).unwrap_or(0);
                put(&mut places, node, 2, wanted);
            } else if let Some(edge) = waits_for {
                let wanted = row(edge.to).unwrap_or(0);
                put(&mut places, node, 0, wanted.saturating_sub(1));
            }
        }
    }
    for node in 0..count {
        if places[node].is_none() {
            put(&mut places, node, 0, 0);
        }
    }
    places.into_iter().flatten().collect()
}
