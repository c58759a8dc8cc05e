//! The twins' knobs, as `/sys/kernel/debug/fencelab/knobs` lists them.

use serde::{Deserialize, Serialize};

/// One fault that a twin can plant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Knob {
    /// Its name.
    pub name: String,
    /// Whose: `amdgpu`, `i915`, or `core` for both.
    pub device: String,
    /// The rules that it breaks; the one that the report must be given first stands first.
    pub rules: Vec<String>,
    /// The patch of the series that it stands for.
    pub row: Option<u8>,
    /// The kinds of report that are right: klog's names, or `fail` where the case itself must fail.
    pub kinds: Vec<String>,
    /// What provokes it.
    pub provoked_by: String,
    /// What it does, in a sentence.
    pub what: String,
}

/// Why a list of knobs cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KnobError {
    /// A line has not seven fields.
    #[error("read the list of knobs, line {line}: {found} fields, expected 7 separated by tabs")]
    Fields {
        /// The line, from 1.
        line: usize,
        /// How many it has.
        found: usize,
    },
    /// A field says what it may not.
    #[error("read the list of knobs, line {line}: the {field} `{found}`: {expected}")]
    Field {
        /// The line, from 1.
        line: usize,
        /// The field.
        field: &'static str,
        /// What it says.
        found: String,
        /// What it may say.
        expected: &'static str,
    },
}

impl Knob {
    /// Reads the module's list: a knob a line, seven fields separated by tabs.
    ///
    /// # Errors
    /// [`KnobError`] with line and field, for the first that cannot be understood.
    pub fn parse_list(text: &str) -> Result<Vec<Knob>, KnobError> {
        let mut knobs: Vec<Knob> = Vec::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let knob = Knob::parse(line, index + 1)?;
            if knobs.iter().any(|known| known.name == knob.name) {
                return Err(wrong(index + 1, "name", &knob.name, "it stands twice"));
            }
            knobs.push(knob);
        }
        Ok(knobs)
    }

    fn parse(text: &str, line: usize) -> Result<Knob, KnobError> {
        let fields: Vec<&str> = text.split('\t').map(str::trim).collect();
        let [name, device, rules, row, kinds, provoked_by, what] = fields[..] else {
            return Err(KnobError::Fields { line, found: fields.len() });
        };
        for (field, text) in
            [("name", name), ("device", device), ("kind", kinds), ("provocation", provoked_by)]
        {
            if text.is_empty() {
                return Err(wrong(line, field, text, "it is empty"));
            }
        }
        let rules: Vec<String> = rules.split(',').map(|rule| rule.trim().to_owned()).collect();
        if let Some(unknown) = rules.iter().find(|id| crate::rule_of(id).is_none()) {
            return Err(wrong(line, "rule", unknown, "the contract has no rule of this id"));
        }
        let row = match row {
            "-" => None,
            number => match number.parse() {
                Ok(number) if (1..=17).contains(&number) => Some(number),
                _ => return Err(wrong(line, "patch row", number, "expected 01 to 17, or -")),
            },
        };
        Ok(Knob {
            name: name.into(),
            device: device.into(),
            rules,
            row,
            kinds: kinds.split('|').map(|kind| kind.trim().to_owned()).collect(),
            provoked_by: provoked_by.into(),
            what: what.into(),
        })
    }
}

fn wrong(line: usize, field: &'static str, found: &str, expected: &'static str) -> KnobError {
    KnobError::Field { line, field, found: found.into(), expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str =
        "run-job-kmalloc\tamdgpu\tSCHED-RUNJOB,SIG-RECLAIM\t08\tcircular\tcs\tallocates in run_job";

    #[test]
    fn a_line_is_read_whole() {
        let knobs = Knob::parse_list(&format!(
            "{LINE}\n\nother\ti915\tFENCE-TIME\t-\tfail|hung-task\texec\tnever signals\n"
        ))
        .unwrap();
        assert_eq!(knobs[0].rules, ["SCHED-RUNJOB", "SIG-RECLAIM"]);
        assert_eq!((knobs[0].row, knobs[1].row), (Some(8), None));
        assert_eq!(knobs[1].kinds, ["fail", "hung-task"]);
    }

    #[test]
    fn a_mistake_is_told_with_line_and_field() {
        let error = |text: &str| Knob::parse_list(text).unwrap_err().to_string();
        assert!(error("a\tb\n").contains("line 1: 2 fields, expected 7"));
        assert!(error(&LINE.replace("08", "18")).contains("the patch row `18`"));
        assert!(error(&LINE.replace("SIG-RECLAIM", "SIG-RECLIAM")).contains("the rule `SIG-RECLIAM`"));
        assert!(
            error(&format!("{LINE}\n{LINE}")).contains("line 2: the name `run-job-kmalloc`: it stands twice")
        );
        assert!(error(&LINE.replace("circular", "")).contains("the kind ``: it is empty"));
    }
}
