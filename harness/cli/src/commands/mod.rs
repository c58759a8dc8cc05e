//! One file per command, thin.

pub(crate) mod analyze;
pub(crate) mod doctor;
pub(crate) mod kernel;
pub(crate) mod klog;
pub(crate) mod list;
pub(crate) mod minimize;
pub(crate) mod prove;
pub(crate) mod record;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod resume;
pub(crate) mod rules;
pub(crate) mod run;
pub(crate) mod trace;
pub(crate) mod vm;
pub(crate) mod watch;
