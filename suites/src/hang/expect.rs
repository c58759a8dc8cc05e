//! What whoever looks into a hang must find: said by the case that made the hang, as data, while it lasts.

use serde::{Deserialize, Serialize};

use crate::case::Stop;
use crate::ctx::Ctx;
use crate::must::Must;
use crate::tasks::Sleeper;
use crate::uapi::sync_file::SyncFile;
use crate::waiter::Waiter;

/// What an expectation's note begins with, in front of its JSON.
pub const PREFIX: &str = "expect-hang ";

/// The truth about one hang.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expect {
    /// Its name, `H1` to `H12`.
    pub hang: String,
    /// What analysis must come to.
    pub verdict: Verdict,
    /// Everybody who is stuck, and on what.
    pub stuck: Vec<Stuck>,
    /// What ends it.
    pub ends: End,
}

/// What a wait-for graph over the hang must say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Somebody who lives can still signal, and has not: a wait, not a deadlock.
    Pending,
    /// Everybody waits for somebody in a circle.
    Cycle,
    /// Nobody is left who could ever signal.
    Orphan,
    /// Nobody has submitted what is waited for.
    NeverSubmitted,
}

/// Somebody stuck.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stuck {
    /// Its thread id.
    pub tid: i32,
    /// A kernel thread's name; `None` for a thread of the case.
    pub worker: Option<String>,
    /// Where it sleeps: the ioctl of a thread, the kernel function of a worker.
    pub at: String,
    /// No signal reaches it.
    pub unkillable: bool,
    /// What it waits for.
    pub on: On,
}

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum On {
    /// A fence.
    Fence {
        /// As its sync file names it: `driver-timeline<context>-<seqno>`.
        name: String,
        /// Who is to signal it.
        owner: Owner,
    },
    /// A commit in front of it.
    Commit {
        /// The KMS device.
        device: String,
    },
    /// A lock that somebody else who is stuck holds.
    Lock {
        /// The lock's class.
        class: String,
    },
    /// A point of a sync object that has no fence yet.
    Point {
        /// The handle, in the case's file.
        handle: u32,
        /// The point.
        point: u64,
        /// The thread that is to submit it, where there is one.
        submitter: Option<i32>,
    },
}

/// Whose a fence is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    /// A process that lives and holds the timeline.
    Process(i32),
    /// A process that held the timeline and is dead.
    Dead(i32),
    /// A driver: the device whose commit or job signals it.
    Device(String),
}

/// What ends a hang.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// The case's watchdog process.
    Watchdog,
    /// The driver's own time limit on its fence.
    Driver,
    /// The time limit that the waits were given.
    Timeout,
}

impl Expect {
    /// Says it, for the report and for whoever analyses the session.
    ///
    /// # Errors
    /// Fails where it does not become JSON.
    pub fn say(&self, ctx: &Ctx) -> Result<(), Stop> {
        let json = serde_json::to_string(self).map_err(Stop::fail)?;
        ctx.note(format_args!("{PREFIX}{json}"));
        Ok(())
    }

    /// Reads it back from a case's note; none for any other note.
    ///
    /// # Errors
    /// Where the note begins like one and is none.
    pub fn of_note(note: &str) -> Option<serde_json::Result<Expect>> {
        note.strip_prefix(PREFIX).map(serde_json::from_str)
    }
}

impl On {
    /// A sync file's one fence.
    ///
    /// # Errors
    /// Fails where the sync file does not tell.
    pub fn fence(file: &SyncFile, owner: Owner) -> Result<On, Stop> {
        let name = file.info().must("ask a sync file for its info")?.name;
        Ok(On::Fence { name, owner })
    }
}

impl Owner {
    /// The case's own process.
    pub fn this_process() -> Owner {
        Owner::Process(nix::unistd::getpid().as_raw())
    }
}

impl Stuck {
    /// A kernel thread.
    pub fn worker(sleeper: &Sleeper, at: &str, on: On) -> Stuck {
        Stuck {
            tid: sleeper.tid,
            worker: Some(sleeper.name.clone()),
            at: at.into(),
            unkillable: sleeper.state == 'D',
            on,
        }
    }

    /// A thread of the case in an ioctl.
    pub fn thread<T: Send + 'static>(waiter: &Waiter<T>, ioctl: &str, on: On) -> Stuck {
        Stuck {
            tid: waiter.tid(),
            worker: None,
            at: ioctl.into(),
            unkillable: waiter.state() == Some('D'),
            on,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expectation_is_read_back_from_its_note() {
        let expect = Expect {
            hang: "H1".into(),
            verdict: Verdict::Pending,
            stuck: vec![Stuck {
                tid: 7,
                worker: Some("kworker/u8:1".into()),
                at: "drm_atomic_helper_wait_for_fences".into(),
                unkillable: true,
                on: On::Fence { name: "sw_sync-case7-1".into(), owner: Owner::Process(7) },
            }],
            ends: End::Watchdog,
        };
        let note = format!("{PREFIX}{}", serde_json::to_string(&expect).unwrap());
        assert_eq!(Expect::of_note(&note).unwrap().unwrap(), expect);
        assert!(Expect::of_note("anything else").is_none());
        assert!(Expect::of_note("expect-hang {").unwrap().is_err());
    }
}
