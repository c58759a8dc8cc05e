//! Names in C.

use crate::{Kind, Name, Object, Scenario};

const KEYWORDS: [&str; 34] = [
    "auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum",
    "extern", "float", "for", "goto", "if", "inline", "int", "long", "register", "restrict", "return",
    "short", "signed", "sizeof", "static", "struct", "switch", "typedef", "union", "unix", "unsigned",
    "void", "volatile",
];

/// An object's field: C's own words, `while` and `linux` among them, get something behind them.
pub(super) fn field(name: &Name) -> String {
    let name = name.as_str();
    let reserved = KEYWORDS.contains(&name)
        || ["while", "linux", "typeof", "asm", "errno", "stdin", "stdout", "stderr"].contains(&name);
    if reserved { format!("{name}_") } else { name.into() }
}

/// What an object is in C.
pub(super) fn c_type(object: &Object) -> &'static str {
    match object.kind {
        Kind::Syncobj | Kind::SignalledSyncobj | Kind::VgemFence => "uint32_t",
        Kind::Timeline | Kind::SyncFile | Kind::Buffer => "int",
        Kind::Queue if object.device == "software" => "struct queue *",
        Kind::Queue => "struct i915_queue",
        Kind::Crtc => "struct screen",
    }
}

/// The variable of a device's fd.
pub(super) fn device_variable(device: &str) -> String {
    let plain: String = device.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    format!("device_{plain}")
}

/// The threads of all processes.
pub(super) fn threads(scenario: &Scenario) -> Vec<(&Name, &Name)> {
    let threads = scenario.processes.iter();
    threads.flat_map(|(process, threads)| threads.keys().map(move |thread| (process, thread))).collect()
}

/// A text as a string of C.
pub(super) fn text(text: &str) -> String {
    let mut c = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => {
                c.push('\\');
                c.push(byte.into());
            }
            // `??` would begin a trigraph.
            b' '..=b'~' if byte != b'?' => c.push(byte.into()),
            _ => c += &format!("\\{byte:03o}"),
        }
    }
    c + "\""
}
