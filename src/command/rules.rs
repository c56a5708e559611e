//! `drill rules`: Prometheus rule files, their unit tests on this program's own engine, and the rules of objectives.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde_json::{Value, json};
use telemetry::alerts::{
    self, FILE_BYTES_MAX, RulesError,
    unit::{self, Outcome, UnitError},
};
use telemetry::objectives;

use crate::{
    cli::RulesWord,
    exit::{self, Failure},
};

/// Does one of the words.
pub fn run(word: &RulesWord) -> Result<ExitCode, Failure> {
    match word {
        RulesWord::Check { files, json } => check(files, *json),
        RulesWord::Test { files, json } => test(files, *json),
        RulesWord::Objectives { file, alerts } => print_objectives(file, *alerts),
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    // one more than may be: the check of the size then tells
    let read = fs::File::open(path).and_then(|file| {
        file.take(FILE_BYTES_MAX as u64 + 1)
            .read_to_string(&mut text)
    });
    read.map(|_| text).map_err(|error| {
        Failure::usage(
            format!("{} cannot be read: {error}", path.display()),
            "name a YAML file; drill rules --help shows examples",
        )
    })
}

fn check(files: &[PathBuf], json: bool) -> Result<ExitCode, Failure> {
    let (mut broken, mut rows) = (false, Vec::new());
    for path in files {
        let file = path.display().to_string();
        let found = alerts::check(&read(path)?);
        broken |= found.is_err();
        match found {
            found if json => rows.push(json!({
                "file": file,
                "rules": found.as_ref().ok(),
                "problems": found.as_ref().err().map_or_else(Vec::new, problems),
            })),
            Ok(1) => super::print(&format!("ok    {file}  (1 rule)\n")),
            Ok(rules) => super::print(&format!("ok    {file}  ({rules} rules)\n")),
            Err(error) => eprintln!("{}", told(&file, &error)),
        }
    }
    finish(
        json.then_some(rows),
        if broken { exit::NO } else { exit::OK },
    )
}

fn test(files: &[PathBuf], json: bool) -> Result<ExitCode, Failure> {
    let (mut code, mut rows) = (exit::OK, Vec::new());
    for path in files {
        let file = path.display().to_string();
        let outcomes = unit::run(&read(path)?, |pattern| rule_files(path, pattern));
        code = code.max(match &outcomes {
            Err(_) => exit::USAGE,
            Ok(tests) if tests.iter().any(|test| !test.failures.is_empty()) => exit::NO,
            Ok(_) => exit::OK,
        });
        match outcomes {
            Ok(tests) if json => rows.push(json!({
                "file": file,
                "tests": tests.iter().map(row).collect::<Vec<_>>(),
            })),
            Ok(tests) => super::print(&told_tests(&file, &tests)),
            Err(error) if json => rows.push(refused(&file, &error)),
            Err(UnitError::File(error)) => eprintln!("{}", told(&file, &error)),
            Err(UnitError::Rules(of)) => eprintln!("{}", told(&of.name, &of.problems)),
        }
    }
    finish(json.then_some(rows), code)
}

fn print_objectives(path: &Path, alerts: bool) -> Result<ExitCode, Failure> {
    match objectives::read(&read(path)?) {
        Ok(spec) => super::print(&spec.rules(alerts)),
        Err(error) => {
            eprintln!("{}", told(&path.display().to_string(), &error));
            return Ok(ExitCode::from(exit::NO));
        }
    }
    finish(None, exit::OK)
}

fn finish(rows: Option<Vec<Value>>, code: u8) -> Result<ExitCode, Failure> {
    if let Some(rows) = rows {
        let text = serde_json::to_string_pretty(&rows).expect("plain data serialises");
        super::print(&format!("{text}\n"));
    }
    Ok(ExitCode::from(code))
}

/// The rule files that a pattern names, relative to the test file as promtool has it, in the order of their names.
fn rule_files(test: &Path, pattern: &str) -> Result<Vec<(String, String)>, String> {
    let pattern = test.parent().unwrap_or(Path::new("")).join(pattern);
    let pattern = pattern.to_str().ok_or("the path is not UTF-8")?;
    let paths =
        glob::glob(pattern).map_err(|error| format!("`{pattern}` is no pattern: {error}"))?;
    paths
        .map(|path| {
            let path = path.map_err(|error| error.to_string())?;
            let text = fs::read_to_string(&path)
                .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
            Ok((path.display().to_string(), text))
        })
        .collect()
}

fn row(test: &Outcome) -> Value {
    json!({ "name": test.name, "line": test.line, "failures": test.failures })
}

fn refused(file: &str, error: &UnitError) -> Value {
    let (of, error) = match error {
        UnitError::File(error) => (file, error),
        UnitError::Rules(of) => (of.name.as_str(), &of.problems),
    };
    json!({ "file": file, "refused": of, "problems": problems(error) })
}

fn problems(error: &RulesError) -> Vec<Value> {
    let problem =
        |p: &alerts::Problem| json!({ "line": p.line, "column": p.column, "message": p.message });
    error.0.iter().map(problem).collect()
}

fn told(file: &str, error: &RulesError) -> String {
    let each = error.0.iter().map(|problem| match problem.line {
        0 => format!("{file}: {}", problem.message),
        line => format!("{file}:{line}:{}: {}", problem.column, problem.message),
    });
    each.collect::<Vec<_>>().join("\n")
}

fn told_tests(file: &str, tests: &[Outcome]) -> String {
    let failed: Vec<&Outcome> = tests
        .iter()
        .filter(|test| !test.failures.is_empty())
        .collect();
    if failed.is_empty() {
        return match tests.len() {
            0 => format!("ok    {file}  (it holds no test)\n"),
            count => format!("ok    {file}  ({count} passed)\n"),
        };
    }
    let mut text = format!(
        "FAIL  {file}  ({} of {} failed)\n",
        failed.len(),
        tests.len()
    );
    for test in failed {
        text.push_str(&format!("  line {}  {}\n", test.line, test.name));
        for failure in &test.failures {
            text.push_str(&format!("    {}\n", failure.replace('\n', "\n    ")));
        }
    }
    text
}
