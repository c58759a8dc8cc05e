//! Runs cases on the device under test.
