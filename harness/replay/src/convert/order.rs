//! The recorded order of what steps of different threads do to the same things, or the order of a witness.

use std::collections::HashMap;

use fencelab_scenario::{After, Name, Op};

use super::build::Draft;
use super::calls::Taken;
use crate::Fidelity;
use crate::order::{Moment, Order};

/// Who touched an object last.
#[derive(Default)]
struct Touched {
    changed: Option<usize>,
    /// Since then.
    read: Vec<usize>,
}

/// Adds what each step must follow.
pub(super) fn constrain(
    drafts: &mut [Draft],
    calls: &[Taken],
    order: Option<&Order>,
    fidelity: &mut Fidelity,
) {
    let mut follows: Vec<Vec<(usize, bool)>> = vec![Vec::new(); drafts.len()];
    let mut touched: HashMap<Name, Touched> = HashMap::new();
    let from_ns = order.map_or(u64::MAX, |order| order.from_ns);
    for index in 0..drafts.len() {
        if calls[drafts[index].call].begin_ns >= from_ns {
            continue;
        }
        for before in touches(&mut touched, drafts, index) {
            let begun = !is_over(calls, &drafts[before], &drafts[index]);
            if !same_thread(&drafts[before], &drafts[index]) && !follows[index].contains(&(before, begun)) {
                follows[index].push((before, begun));
            }
        }
    }
    if let Some(order) = order {
        follow(&mut follows, drafts, calls, order);
    }
    fidelity.ordered = follows.iter().map(Vec::len).sum();
    write(drafts, follows);
}

/// The steps before this one that touched what it touches, one of the two changing it.
fn touches(touched: &mut HashMap<Name, Touched>, drafts: &[Draft], index: usize) -> Vec<usize> {
    let op = &drafts[index].step.op;
    let only_reads = matches!(op, Op::Wait(_) | Op::Poll(_) | Op::Access(_) | Op::Send(_));
    let mut before = Vec::new();
    for target in op.targets() {
        let last = touched.entry(target.object.clone()).or_default();
        before.extend(last.changed);
        if only_reads {
            last.read.push(index);
        } else {
            before.append(&mut last.read);
            last.changed = Some(index);
        }
    }
    before.retain(|before| *before != index);
    before
}

fn same_thread(one: &Draft, other: &Draft) -> bool {
    one.process == other.process && one.thread == other.thread
}

/// Whether the first had returned when the second was made.
fn is_over(calls: &[Taken], first: &Draft, second: &Draft) -> bool {
    calls[first.call].end_ns.is_some_and(|end| end <= calls[second.call].begin_ns)
}

/// The witness: each beginning follows all that stands between it and the beginning before, and that one.
fn follow(follows: &mut [Vec<(usize, bool)>], drafts: &[Draft], calls: &[Taken], order: &Order) {
    let number: HashMap<_, _> = calls.iter().enumerate().map(|(index, call)| (call.id, index)).collect();
    let steps_of = |call: usize| {
        let mut steps = (0..drafts.len()).filter(move |&index| drafts[index].call == call);
        let first = steps.next();
        (first, steps.next_back().or(first))
    };
    let mut since: Vec<(usize, bool)> = Vec::new();
    for (id, moment) in &order.steps {
        let Some((Some(first), Some(last))) = number.get(id).map(|call| steps_of(*call)) else { continue };
        match moment {
            Moment::Begin => {
                let others =
                    since.drain(..).filter(|(before, _)| !same_thread(&drafts[*before], &drafts[first]));
                follows[first].extend(others);
                since = vec![(last, true)];
            }
            Moment::End => {
                since.retain(|(before, _)| *before != last);
                since.push((last, false));
            }
        }
    }
}

/// Gives labels to what others follow.
fn write(drafts: &mut [Draft], follows: Vec<Vec<(usize, bool)>>) {
    for (index, before) in follows.into_iter().enumerate() {
        for (other, begun) in before {
            let Ok(label) = format!("s{}", other + 1).parse::<Name>() else { continue };
            drafts[other].step.label = Some(label.clone());
            let after = After { label, begun };
            if !drafts[index].step.after.contains(&after) {
                drafts[index].step.after.push(after);
            }
        }
    }
}
