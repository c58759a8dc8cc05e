//! Reports of a session, one file per format.
