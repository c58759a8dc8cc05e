//! The kernel interfaces that the cases need and the `drm` crate lacks, one file per kernel header.
//!
//! Every struct names its header. The wrappers take borrowed fds, give owned ones, return [`nix::Result`], and
//! restart nothing: what a call answers, `EINTR` included, is what a case wants to see. Calls go through libc,
//! where a preload shim sees them.
