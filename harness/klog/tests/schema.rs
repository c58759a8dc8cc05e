//! The published JSON schema and what the parser writes are the same thing.

use fencelab_klog::{Kind, Options, SCHEMA, parse_log};
use serde_json::Value;

/// The part of JSON schema that ours uses. Gives the first thing that does not fit.
fn check(value: &Value, schema: &Value, root: &Value, path: &str) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        return check(value, target.ok_or(format!("{reference} is not there"))?, root, path);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let fits = choices.iter().any(|choice| check(value, choice, root, path).is_ok());
        return if fits { Ok(()) } else { Err(format!("{path}: {value} fits no choice")) };
    }
    if let Some(values) = schema["enum"].as_array() {
        return if values.contains(value) { Ok(()) } else { Err(format!("{path}: {value} is not listed")) };
    }
    if !types(schema).iter().any(|name| is(value, name)) {
        return Err(format!("{path}: {value} is no {:?}", types(schema)));
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        check(item, &schema["items"], root, &format!("{path}[{index}]"))?;
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        value.get(name).ok_or(format!("{path}: no {name}"))?;
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        let property =
            schema["properties"].get(name).ok_or(format!("{path}: {name} is not in the schema"))?;
        check(member, property, root, &format!("{path}.{name}"))?;
    }
    Ok(())
}

fn types(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        name => name.as_str().into_iter().collect(),
    }
}

fn is(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    }
}

#[test]
fn every_report_of_our_guests_fits_the_schema() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut reports = 0;
    for entry in std::fs::read_dir("tests/fixtures").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "log") {
            for report in parse_log(&std::fs::read(&path).unwrap(), Options::default())
                .into_iter()
                .filter_map(|e| e.into_report())
            {
                let value = serde_json::to_value(&report).unwrap();
                check(&value, &schema, &schema, "report")
                    .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                reports += 1;
            }
        }
    }
    assert!(reports > 20, "{reports}");
}

#[test]
fn the_kinds_are_those_of_the_code() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let listed: Vec<&str> =
        schema["properties"]["kind"]["enum"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(listed, known);
}

#[test]
fn the_keys_stand_in_the_published_order() {
    let log = b"[    1.000000] BUG: MAX_LOCK_DEPTH too low!\n";
    let mut report =
        parse_log(log, Options::default()).into_iter().find_map(|event| event.into_report()).unwrap();
    assert!(!serde_json::to_string(&report).unwrap().contains("\"source\""));
    report.source = Some("a.log".to_owned());
    let json = serde_json::to_string(&report).unwrap();
    let first = [
        "kind",
        "title",
        "signature",
        "rules",
        "complete",
        "missing",
        "chain",
        "acquiring",
        "held",
        "task",
        "first_line",
        "last_line",
        "source",
    ];
    let places: Vec<_> = first.iter().map(|key| json.find(&format!("\"{key}\":")).unwrap()).collect();
    assert!(places.is_sorted() && places[0] == 1, "{json}");
}

/// Every name that a script may meet stands in the page for people who write scripts.
#[test]
fn the_documentation_names_every_key_kind_and_section() {
    let doc = include_str!("../../../docs/klog.md");
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let keys = |pointer: &str| -> Vec<String> {
        schema.pointer(pointer).unwrap().as_object().unwrap().keys().cloned().collect()
    };
    let values = |pointer: &str| -> Vec<String> {
        let values = schema.pointer(pointer).unwrap().as_array().unwrap();
        values.iter().map(|value| value.as_str().unwrap().to_owned()).collect()
    };
    let mut names = keys("/properties");
    for pointer in ["/properties/details/properties", "/$defs/frame/properties", "/$defs/rule/properties"] {
        names.extend(keys(pointer));
    }
    names.extend(values("/properties/kind/enum"));
    names.extend(values("/properties/missing/items/enum"));
    assert!(names.len() > 80, "{}", names.len());
    for name in names {
        assert!(doc.contains(&format!("`{name}`")), "{name} is not in docs/klog.md");
    }
}
