//! The event types that a session's journal holds.
