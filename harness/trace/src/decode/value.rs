//! Values of fields.

use fencelab_abi::Object;

/// A named part of an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its C name; empty if the whole argument or element is this one value.
    pub name: &'static str,
    /// What it holds.
    pub value: Value,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Number(u64),
    /// A number that has a name.
    Named(u64, &'static str),
    /// An address in the caller.
    Address(u64),
    /// Bits: those that have names, and the rest.
    Flags {
        /// All of them.
        bits: u64,
        /// Names of those that have one.
        names: Vec<&'static str>,
        /// Those that have none.
        rest: u64,
    },
    /// Timeline point.
    Point(u64),
    /// Absolute CLOCK_MONOTONIC, in nanoseconds.
    Deadline(i64),
    /// Nanoseconds from now; below zero: for ever.
    Timeout(i64),
    /// An object behind a handle.
    Handle {
        /// What kind of object.
        object: Object,
        /// The number.
        handle: u64,
        /// A point on it, if it is a timeline; 0: the binary one.
        point: u64,
        /// Whether the call made it.
        made: bool,
    },
    /// An fd; below zero none.
    Fd {
        /// The number.
        fd: i32,
        /// Whether the call made it.
        made: bool,
    },
    /// Text.
    Text(String),
    /// The beginning of a text that was not recorded to its end.
    TextStart(String),
    /// So many bytes that are not looked into.
    Bytes(usize),
    /// What a pointer led to, and how many more elements there were than were recorded.
    List(Vec<Value>, u64),
    /// A structure.
    Struct(Vec<Field>),
}
