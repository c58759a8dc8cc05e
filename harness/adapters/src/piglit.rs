//! piglit: the tests of a serialised profile (`NAME.xml` or `NAME.xml.gz`), as piglit-runner takes them.
//!
//! What is known here of piglit (`framework/profile.py`, `framework/test/`): a profile's `Test` elements have a type, a name and
//! options whose values are Python literals; `command` is a list of words; `-auto` and `-fbo` are added to GL and shader tests;
//! results are lines that begin with `PIGLIT: ` and hold JSON.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use fencelab_events::{Adapter, Program};
use fencelab_suites::report::Outcome;
use quick_xml::events::{BytesStart, Event};

use crate::list::{Blocklist, List};
use crate::plan::Planned;
use crate::verdict::{Ended, Part, Verdict, status_in_words};
use crate::{Config, Error};

/// A test as its profile has it.
#[derive(Debug, Default)]
struct Test {
    name: String,
    kind: String,
    command: Vec<String>,
    concurrent: bool,
}

pub(crate) fn plan(config: &Config, base: &Path) -> Result<Vec<Planned>, Error> {
    let profile = config.path.as_deref().ok_or_else(|| {
        let what = "piglit needs `path`: a profile, as quick_gl.xml.gz".into();
        Error::Config { suite: config.suite.clone(), what }
    })?;
    let tests = read(profile)?;
    let known: Vec<String> = tests.iter().map(|test| test.name.clone()).collect();
    let blocklist = Blocklist::read(config.blocklist.as_ref().map(|list| base.join(list)).as_deref())?;
    let picked = match &config.list {
        Some(list) => List::read(&base.join(list))?.pick(&known, str::to_owned)?,
        None => known,
    };
    let taken = |name: &String| !blocklist.takes(&[name]);
    let find = |name: String| tests.iter().find(|test| test.name == name);
    picked.into_iter().filter(taken).filter_map(find).map(|test| planned(config, profile, test)).collect()
}

/// The programs are in `bin` beside the profile's folder.
fn planned(config: &Config, profile: &Path, test: &Test) -> Result<Planned, Error> {
    let error = |what: String| Error::Program { program: profile.into(), what };
    let Some((program, words)) = test.command.split_first() else {
        return Err(error(format!("the test `{}` of type {} has no command", test.name, test.kind)));
    };
    let folder: PathBuf = profile.ancestors().nth(2).unwrap_or(Path::new("/")).join("bin");
    let mut argv = vec![folder.join(program).display().to_string()];
    argv.extend(words.iter().cloned());
    match test.kind.as_str() {
        "gl" | "shader" => {
            argv.push("-auto".into());
            argv.extend((test.concurrent || test.kind == "shader").then(|| "-fbo".into()));
        }
        "glsl_parser" | "asm_parser" | "cl" => {}
        other => {
            let what = format!("the test `{}` has the type {other}, which is not known here", test.name);
            return Err(error(what));
        }
    }
    argv.extend(config.args.clone());
    let program = Program { adapter: Adapter::Piglit, argv };
    Ok(Planned { name: test.name.clone(), about: format!("piglit's {} passes", test.name), program })
}

fn read(path: &Path) -> Result<Vec<Test>, Error> {
    let bytes = fs::read(path).map_err(Error::read(path))?;
    let mut text = String::new();
    let result = match bytes.starts_with(&[0x1f, 0x8b]) {
        true => flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text),
        false => bytes.as_slice().read_to_string(&mut text),
    };
    result.map_err(Error::read(path))?;
    let tests = parse(&text).map_err(|what| Error::Program { program: path.into(), what })?;
    match tests.is_empty() {
        true => Err(Error::Program { program: path.into(), what: "the profile has none".into() }),
        false => Ok(tests),
    }
}

fn parse(text: &str) -> Result<Vec<Test>, String> {
    let mut reader = quick_xml::Reader::from_str(text);
    let mut tests: Vec<Test> = Vec::new();
    loop {
        match reader.read_event().map_err(|e| format!("the profile is no XML: {e}"))? {
            Event::Start(tag) | Event::Empty(tag) => element(&tag, &mut tests)?,
            Event::Eof => return Ok(tests),
            _ => {}
        }
    }
}

fn element(tag: &BytesStart<'_>, tests: &mut Vec<Test>) -> Result<(), String> {
    let attribute = |name: &str| -> Result<String, String> {
        let found = tag.try_get_attribute(name).map_err(|e| format!("the profile is no XML: {e}"))?;
        let found = found.ok_or_else(|| format!("an element of the profile has no `{name}`"))?;
        let value = found.normalized_value(quick_xml::XmlVersion::default());
        value.map(std::borrow::Cow::into_owned).map_err(|e| e.to_string())
    };
    match tag.name().as_ref() {
        b"Test" => {
            tests.push(Test { name: attribute("name")?, kind: attribute("type")?, ..Test::default() });
        }
        b"option" => {
            let Some(test) = tests.last_mut() else { return Ok(()) };
            match attribute("name")?.as_str() {
                "command" => test.command = words(&attribute("value")?),
                "run_concurrent" => test.concurrent = attribute("value")? == "True",
                _ => {}
            }
        }
        _ => {}
    }
    Ok(())
}

/// The words of a Python list of strings: `['glean', '-o', "it's"]`.
fn words(literal: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = literal.chars();
    while let Some(quote) = rest.by_ref().find(|c| matches!(c, '\'' | '"')) {
        let mut word = String::new();
        while let Some(c) = rest.next() {
            match c {
                '\\' => word.extend(rest.next()),
                c if c == quote => break,
                c => word.push(c),
            }
        }
        words.push(word);
    }
    words
}

pub(crate) fn judge(ended: &Ended) -> Verdict {
    let lines = ended.stdout.lines().filter_map(|line| line.strip_prefix("PIGLIT: "));
    let (mut result, mut parts) = (None, Vec::new());
    for json in lines.filter_map(|json| serde_json::from_str::<serde_json::Value>(json).ok()) {
        if let Some(word) = json["result"].as_str() {
            result = Some(word.to_owned());
        }
        for (name, word) in json["subtest"].as_object().into_iter().flatten() {
            parts.push(part(name, word.as_str().unwrap_or_default()));
        }
    }
    let mut verdict = match result.as_deref().map(outcome) {
        Some(Outcome::Pass) if ended.status == Some(0) => Verdict::pass(),
        Some(Outcome::Skip) => Verdict::skip("piglit says skip"),
        Some(_) => Verdict::fail(format!("piglit says {}", result.unwrap_or_default())),
        None => Verdict::fail(format!("it told no result, {}", status_in_words(ended))),
    };
    verdict.parts = parts;
    verdict
}

fn outcome(word: &str) -> Outcome {
    match word {
        "pass" | "warn" => Outcome::Pass,
        "skip" => Outcome::Skip,
        _ => Outcome::Fail,
    }
}

fn part(name: &str, word: &str) -> Part {
    let outcome = outcome(word);
    let reason = if outcome == Outcome::Pass { String::new() } else { word.to_owned() };
    Part { name: name.into(), outcome, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_gives_commands() {
        let text = r#"<?xml version="1.0"?><PiglitTestList count="1" name="quick_gl">
            <Test type="gl" name="spec@!opengl 1.1@draw"><option name="command" value="['gl-1.1-draw', '-x']"/>
            <option name="run_concurrent" value="True"/></Test></PiglitTestList>"#;
        let tests = parse(text).unwrap();
        assert_eq!(
            (tests.len(), tests[0].name.as_str(), tests[0].concurrent),
            (1, "spec@!opengl 1.1@draw", true)
        );
        assert_eq!(tests[0].command, ["gl-1.1-draw", "-x"]);
        assert_eq!(words(r#"["it's", 'a\'b']"#), ["it's", "a'b"]);
        assert!(parse("<a><b></a>").is_err());
    }

    #[test]
    fn results_are_json_lines() {
        let of =
            |stdout: &str| judge(&Ended { status: Some(0), stdout: stdout.into(), stderr: String::new() });
        assert_eq!(of("PIGLIT: {\"result\": \"pass\" }\n").outcome, Outcome::Pass);
        let verdict = of("PIGLIT: {\"subtest\": {\"a\" : \"fail\"}}\nPIGLIT: {\"result\": \"fail\" }\n");
        assert_eq!((verdict.outcome, verdict.parts[0].outcome), (Outcome::Fail, Outcome::Fail));
        assert!(of("nothing\n").reason.starts_with("it told no result"));
    }
}
