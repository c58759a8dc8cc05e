//! The names that are declared while a scenario is read, so that a wrong one is refused where it stands: a deserialiser
//! tells the place of an error only while it is there.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::object::Object;

/// What is declared.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// Objects. `None`: everything is let through.
    pub(super) objects: Option<BTreeMap<String, Object>>,
    pub(super) processes: Option<Vec<String>>,
    pub(super) labels: Option<Vec<String>>,
}

/// What a name is of.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    Process,
    Label,
}

thread_local! {
    static SCOPE: RefCell<Scope> = RefCell::default();
}

/// Does something while these names are declared.
pub(super) fn with<T>(scope: Scope, act: impl FnOnce() -> T) -> T {
    let before = SCOPE.replace(scope);
    let result = act();
    SCOPE.replace(before);
    result
}

/// The object of that name; `None`: nothing is declared just now.
pub(super) fn object(name: &str) -> Result<Option<Object>, String> {
    SCOPE.with_borrow(|scope| {
        let Some(objects) = &scope.objects else { return Ok(None) };
        match objects.get(name) {
            Some(object) => Ok(Some(object.clone())),
            None => Err(unknown("object", name, objects.keys().map(String::as_str))),
        }
    })
}

/// Checks a name that is used.
pub(super) fn find(what: What, name: &str) -> Result<(), String> {
    SCOPE.with_borrow(|scope| {
        let (word, known) = match what {
            What::Process => ("process", &scope.processes),
            What::Label => ("label", &scope.labels),
        };
        match known {
            Some(known) if !known.iter().any(|k| k == name) => {
                Err(unknown(word, name, known.iter().map(String::as_str)))
            }
            _ => Ok(()),
        }
    })
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let near =
        known.clone().max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
    match near.filter(|near| strsim::jaro_winkler(near, name) > 0.8) {
        Some(near) => format!("unknown {what} `{name}`: did you mean `{near}`?"),
        None => {
            let known: Vec<&str> = known.collect();
            let known = if known.is_empty() { "none".into() } else { known.join(", ") };
            format!("unknown {what} `{name}`; there are: {known}")
        }
    }
}
