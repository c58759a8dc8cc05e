//! Software in place of devices: a display or a GPU needs dozens of ioctls before it takes its first job, a thread none.

use fencelab_scenario::{
    Kind, Name, Object, Op, Poll, Process, Scenario, Step, Submit, Target, Timeout, Work,
};

/// The how-manieth object by one of software, where there is one that does the same to fences.
pub(super) fn object(scenario: &Scenario, at: usize) -> Option<Scenario> {
    let (name, object) = scenario.objects.get_index(at)?;
    let mut other = scenario.clone();
    match object.kind {
        Kind::Queue => declare(&mut other, name, Object::on(Kind::Queue, "software")),
        Kind::Buffer => declare(&mut other, name, Object::on(Kind::Buffer, "udmabuf")),
        Kind::Crtc => {
            declare(&mut other, name, Object::on(Kind::Queue, "software"));
            commits_by_jobs(&mut other, name);
        }
        _ => {}
    }
    Some(other)
}

fn declare(scenario: &mut Scenario, name: &Name, object: Object) {
    scenario.objects.insert(name.clone(), object);
}

fn commits_by_jobs(scenario: &mut Scenario, crtc: &Name) {
    let mut made: Vec<Name> = Vec::new();
    let objects = &scenario.objects;
    let free = |name: &Name| !objects.contains_key(name);
    for steps in scenario.processes.values_mut().flat_map(Process::values_mut) {
        let before = std::mem::take(steps);
        for step in before {
            match step.op.clone() {
                Op::Commit(work) if work.crtc.object == *crtc => {
                    steps.extend(job(step, work, &free, &mut made));
                }
                _ => steps.push(step),
            }
        }
    }
    for name in made {
        declare(scenario, &name, Object::of(Kind::SyncFile));
    }
}

/// A commit as a job. One that blocks is waited for, and others then follow that wait.
fn job(step: Step, work: Work, free: &dyn Fn(&Name) -> bool, made: &mut Vec<Name>) -> Vec<Step> {
    let invented = || {
        let mut names =
            (1..).map_while(|number: u32| format!("{}_done_{number}", work.crtc.object).parse::<Name>().ok());
        names.find(|name| free(name) && !made.contains(name)).map(Target::of)
    };
    let done = match (&work.signals, work.blocking) {
        (None, true) => invented(),
        (signals, _) => signals.clone(),
    };
    if work.signals.is_none() {
        made.extend(done.as_ref().map(|done| done.object.clone()));
    }
    let submit = Op::Submit(Submit {
        queue: work.crtc,
        waits: work.waits.into_iter().collect(),
        signals: done.iter().cloned().collect(),
        lasts: fencelab_scenario::Duration(0),
    });
    match done.filter(|_| work.blocking) {
        None => vec![Step { op: submit, ..step }],
        Some(done) => {
            let wait = Op::Poll(Poll { files: vec![done], timeout: Timeout::Forever });
            let first = Step { op: submit, label: None, ..step.clone() };
            vec![first, Step { op: wait, after: Vec::new(), at: None, ..step }]
        }
    }
}
