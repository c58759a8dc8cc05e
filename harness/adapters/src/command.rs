//! Any command: its exit status is its result, as automake has it.

use fencelab_events::{Adapter, Program};

use crate::plan::Planned;
use crate::verdict::{Ended, Verdict, last_line, status_in_words};
use crate::{Config, Error};

/// The one case, named after the program.
pub(crate) fn plan(config: &Config) -> Result<Vec<Planned>, Error> {
    let Some(program) = config.args.first() else {
        let what = "a command needs `args`: the program and its arguments".into();
        return Err(Error::Config { suite: config.suite.clone(), what });
    };
    let name = program.rsplit('/').next().unwrap_or(program).to_owned();
    let about = format!("`{}` succeeds", config.args.join(" "));
    let program = Program { adapter: Adapter::Command, argv: config.args.clone() };
    Ok(vec![Planned { name, about, program }])
}

pub(crate) fn judge(ended: &Ended) -> Verdict {
    match ended.status {
        Some(0) => Verdict::pass(),
        Some(77) => Verdict::skip(last_line(&ended.stdout).unwrap_or("it skipped itself")),
        _ => Verdict::fail(status_in_words(ended)),
    }
}
