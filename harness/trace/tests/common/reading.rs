//! Everything that can be done with a session, whatever is in it.

#![allow(clippy::unwrap_used, dead_code, unreachable_pub, reason = "a test may panic")]

use fencelab_trace::model::{Effect, Target};
use fencelab_trace::view::{Filter, Item, Lines, Style, loss_json, session_json, summary};
use fencelab_trace::{Model, Session, decode, perfetto};

/// Reads a pool in every way there is; gives how many calls it has, or none if it is refused.
pub fn read_all(bytes: Vec<u8>) -> Option<usize> {
    let mut session = match Session::from_pool(bytes) {
        Ok(session) => session,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return None;
        }
    };
    session.refresh().unwrap();
    let calls = session.len();
    assert_eq!(session.calls().count(), calls);
    let mut reader = session.reader();
    let mut before = 0;
    for id in session.calls() {
        let Some(call) = reader.read(&session, id).unwrap() else { continue };
        assert!(call.enter >= before, "in order");
        before = call.enter;
        assert!(!decode::plain(&call).is_empty());
        let _ = session.calls_at(call.tid, session.clock().ns(call.enter));
    }
    walk(&session, calls);
    show(&session, calls);
    Some(calls)
}

fn walk(session: &Session, calls: usize) {
    let (mut model, mut seen, mut marks) = (Model::new(session), Vec::new(), Vec::new());
    while let Some(step) = next(&mut model, session) {
        assert!(!step.0.is_empty());
        seen.push(step);
        if seen.len().is_power_of_two() {
            marks.push((seen.len(), model.mark(session)));
        }
    }
    let most = 2 * calls + session.processes().len();
    assert!(seen.len() <= most, "{} steps of {calls} calls", seen.len());
    // From a mark it goes on as it went.
    for (steps, mark) in marks {
        let mut again = model.again(&mark, session);
        let rest: Vec<_> = std::iter::from_fn(|| next(&mut again, session)).collect();
        assert_eq!(rest, seen[steps..], "from step {steps} on");
        assert_eq!(again.objects().len(), model.objects().len());
    }
}

/// A step: the call as text, when it is, and what it does.
fn next(model: &mut Model, session: &Session) -> Option<(String, u64, Vec<Effect>, Vec<Target>)> {
    let event = model.next(session).unwrap()?;
    Some((event.text(), event.ticks, event.effects.to_vec(), event.targets.to_vec()))
}

fn show(session: &Session, calls: usize) {
    assert!(summary(session).starts_with('#') && session_json(session).is_object());
    let losses = session.losses();
    losses.iter().for_each(|loss| assert!(loss_json(session, loss).is_object()));
    let mut lines = Lines::new(session, Filter::default(), Style { json: true, follow: false });
    let mut shown = 0;
    while let Some(item) = lines.next(session, u64::MAX).unwrap() {
        if let Item::Line(line) = item {
            assert!(line.json.is_some() && !line.to_string().is_empty());
        }
        shown += 1;
    }
    assert!(shown <= calls + losses.len() + session.processes().len());
    let mut picture = Vec::new();
    perfetto::write(session, &mut picture).unwrap();
    assert!(serde_json::from_slice::<serde_json::Value>(&picture).is_ok());
}
