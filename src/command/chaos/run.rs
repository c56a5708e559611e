//! `drill chaos run` and `drill chaos validate`: experiments in the format of the Chaos Toolkit, with its exit codes.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use serde_json::{Map, Value, json};
use simulator::experiment::{
    Experiment, FILE_BYTES_MAX, Findings, Format, Level, Options, Problem, Stop, Tell, Vars,
};

use crate::{
    cli::ChaosRunArgs,
    command::{print, runtime},
    exit::{self, Failure},
    signals::Signals,
};

/// Checks files and says what was found.
pub fn validate(files: &[PathBuf], vars: &[String], json: bool) -> Result<ExitCode, Failure> {
    let vars = given(vars)?;
    let (mut code, mut rows) = (exit::OK, Vec::new());
    for path in files {
        let file = path.display().to_string();
        let found = match read(path) {
            Ok(experiment) => experiment.check(&vars),
            Err(problem) => Findings {
                problems: vec![problem],
                notices: Vec::new(),
            },
        };
        if !found.problems.is_empty() {
            code = exit::NO;
        }
        if json {
            let row = |p: &Problem| json!({ "place": p.place, "message": p.message });
            rows.push(json!({
                "file": file,
                "problems": found.problems.iter().map(row).collect::<Vec<_>>(),
                "notices": found.notices.iter().map(row).collect::<Vec<_>>(),
            }));
            continue;
        }
        for notice in &found.notices {
            eprintln!("{file}: note: {notice}");
        }
        for problem in &found.problems {
            eprintln!("{file}: {problem}");
        }
        if found.problems.is_empty() {
            print(&format!("ok    {file}\n"));
        }
    }
    if json {
        let text = serde_json::to_string_pretty(&rows).expect("plain data serialises");
        print(&format!("{text}\n"));
    }
    Ok(ExitCode::from(code))
}

/// Runs one file.
pub fn run(args: &ChaosRunArgs) -> Result<ExitCode, Failure> {
    let tell: Tell = Arc::new(line);
    let vars = given(&args.vars)?;
    let experiment = read(&args.file).map_err(|problem| wrong(&args.file, &[problem]))?;
    writable(&args.journal_path)?;
    if !args.no_validation {
        tell(Level::Info, "Validating the experiment's syntax");
        let found = experiment.check(&vars);
        for notice in &found.notices {
            tell(Level::Warning, &notice.to_string());
        }
        if !found.problems.is_empty() {
            return Err(wrong(&args.file, &found.problems));
        }
        tell(Level::Info, "Experiment looks valid");
    }
    let options = Options {
        vars,
        dry: args.dry,
        hypothesis: args.hypothesis_strategy,
        frequency: args.hypothesis_frequency,
        fail_fast: args.fail_fast,
        rollbacks: args.rollback_strategy,
    };
    let journal = runtime()?.block_on(until_stopped(&experiment, &options, &tell, &args.file))?;
    let text = serde_json::to_string_pretty(&journal).expect("plain data serialises");
    fs::write(&args.journal_path, &text).map_err(|error| {
        let path = args.journal_path.display();
        Failure::failed(format!("the journal {path} cannot be written: {error}"))
            .remedy("--journal-path names another file")
    })?;
    if args.json {
        print(&format!("{text}\n"));
    }
    let held = journal["status"] == "completed" && journal["deviated"] == false;
    Ok(ExitCode::from(if held { exit::OK } else { exit::NO }))
}

/// Runs it; a first signal stops it, a second one its rollbacks.
async fn until_stopped(
    experiment: &Experiment,
    options: &Options,
    tell: &Tell,
    file: &Path,
) -> Result<Map<String, Value>, Failure> {
    let mut signals = Signals::new().map_err(Failure::failed)?;
    let stop = Stop::default();
    let listen = async {
        let name = signals.next().await;
        let line = format!("Experiment {name}: stopping; once more gives up the rollbacks, too");
        tell(Level::Warning, &line);
        stop.stop.cancel();
        let name = signals.next().await;
        tell(Level::Warning, &format!("Experiment {name} again"));
        stop.give_up.cancel();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        biased;
        () = listen => unreachable!("it waits for ever at its end"),
        journal = experiment.run(options, tell.clone(), &stop) => {
            journal.map_err(|problems| wrong(file, &problems))
        }
    }
}

/// As the Toolkit's log shows it, on standard error.
fn line(level: Level, text: &str) {
    let now = jiff::Zoned::now();
    eprintln!("[{} {level}] {text}", now.strftime("%Y-%m-%d %H:%M:%S"));
}

fn given(vars: &[String]) -> Result<Vars, Failure> {
    Vars::parse(vars).map_err(|error| {
        Failure::usage(format!("--var {error}"), "--var host=db --var port:int=80")
    })
}

fn read(path: &Path) -> Result<Experiment, Problem> {
    let whole = |message: String| Problem {
        place: String::new(),
        message,
    };
    let format = Format::of(path).ok_or_else(|| {
        whole("only files with json, yaml or yml extensions are supported".to_owned())
    })?;
    let mut text = String::new();
    // one more than may be: the check of the size then tells
    fs::File::open(path)
        .and_then(|file| {
            file.take(FILE_BYTES_MAX as u64 + 1)
                .read_to_string(&mut text)
        })
        .map_err(|error| whole(format!("it cannot be read: {error}")))?;
    Experiment::read(&text, format)
}

/// An experiment that cannot be run: 1, as with the Toolkit.
fn wrong(file: &Path, problems: &[Problem]) -> Failure {
    let each = problems.iter().map(|problem| format!("\n  {problem}"));
    Failure {
        code: exit::NO,
        message: format!(
            "{} cannot be run, nothing was begun:{}",
            file.display(),
            each.collect::<String>()
        ),
        remedy: Some("drill chaos validate FILE, when it is mended".to_owned()),
    }
}

/// Before harm is done, that its journal has a place.
fn writable(journal: &Path) -> Result<(), Failure> {
    let folder = match journal.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    if folder.is_dir() && !journal.is_dir() {
        return Ok(());
    }
    Err(Failure {
        code: exit::NO,
        message: format!("the journal {} has no folder to be in", journal.display()),
        remedy: Some("--journal-path names a file in a folder that is there".to_owned()),
    })
}
