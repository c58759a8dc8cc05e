//! What a call's bytes mean: the names of its fields, what they name, and what its pointers led to.

mod amdgpu;
mod array;
mod errno;
mod fields;
mod flags;
mod signal;
mod text;
mod value;

pub use errno::errno_name;
pub use fields::fields;
pub use flags::{close_range_flags, open_flags};
pub use signal::signal_name;
pub use text::{Names, Numbers, Text, name_of};
pub use value::{Field, Value};

use crate::Call;

pub(crate) use amdgpu::data as chunk_data;
pub(crate) use array::elements;

/// A call in one line, with the numbers that the program used.
pub fn plain(call: &Call<'_>) -> String {
    Text { call, ioctl: call.ioctl(), names: &Numbers }.to_string()
}
