//! Plans, runs, watches, attributes and journals a session.
