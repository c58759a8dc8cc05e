//! Kernel log parsing: reports, signatures, contract rules.
