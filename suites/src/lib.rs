//! The cases, and the safe uAPI wrappers they share.
