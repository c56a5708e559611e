//! `drill scenarios`: the catalogue as its authors and readers need it.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use scenarios::{
    catalog::Catalog, error::ScenarioError, load, scenario::Scenario, seed::Seed, template,
};

use crate::{
    cli::ScenariosWord,
    exit::{self, Failure},
    settings::Settings,
};

/// The catalogue in force: built in, and the author's folder by flag or environment (clap reads both) or
/// settings file.
pub fn catalog(flag: Option<&PathBuf>, settings: &Settings) -> Result<Catalog, Failure> {
    match flag.or(settings.scenarios.as_ref()) {
        None => Ok(Catalog::embedded()),
        Some(folder) => Catalog::with_folder(folder).map_err(failure),
    }
}

/// A scenario error for the command line: problems of a file with source and labels.
pub fn failure(error: ScenarioError) -> Failure {
    match error {
        ScenarioError::Unknown { slug, remedy } => {
            Failure::usage(format!("there is no scenario `{slug}`"), remedy)
        }
        other => Failure::usage(
            told_at_length(other).trim(),
            "drill scenarios check FILE, after correcting",
        ),
    }
}

/// A scenario error with help, and, for a file with problems, each of them once with its place in the file.
fn told_at_length(error: ScenarioError) -> String {
    let ScenarioError::Broken(problems) = error else {
        return format!("{:?}", miette::Report::new(error));
    };
    let mut text = format!("{}\n", problems.count());
    for problem in problems.all() {
        text.push_str(&format!("{:?}", miette::Report::new(problem.clone())));
    }
    text
}

/// Does one of the words.
pub fn run(word: ScenariosWord, settings: &Settings) -> Result<ExitCode, Failure> {
    match word {
        ScenariosWord::List { json, scenarios } => {
            list(&catalog(scenarios.as_ref(), settings)?, json)
        }
        ScenariosWord::Show { rubric: true, .. } => {
            super::print(&facilitator::score::rubric());
            Ok(ExitCode::SUCCESS)
        }
        ScenariosWord::Show { slug: None, .. } => Err(Failure::usage(
            "which scenario?",
            "drill scenarios show SLUG, or --rubric for the scoring formula",
        )),
        ScenariosWord::Show {
            slug: Some(slug),
            plan: true,
            seed,
            scenarios,
            ..
        } => {
            let plan = catalog(scenarios.as_ref(), settings)?
                .plan(&slug, Seed(seed.unwrap_or(1)), None)
                .map_err(failure)?;
            super::print(&format!(
                "{}\n",
                serde_json::to_string_pretty(&plan).expect("plain data serialises")
            ));
            Ok(ExitCode::SUCCESS)
        }
        ScenariosWord::Show {
            slug: Some(slug),
            seed,
            scenarios,
            ..
        } => {
            let catalog = catalog(scenarios.as_ref(), settings)?;
            let scenario = match seed {
                Some(seed) => catalog
                    .plan(&slug, Seed(seed), None)
                    .map(|plan| plan.scenario),
                None => catalog.scenario(&slug),
            };
            super::print(&told(&scenario.map_err(failure)?, seed));
            Ok(ExitCode::SUCCESS)
        }
        ScenariosWord::Check { files, scenarios } => {
            check(&files, &catalog(scenarios.as_ref(), settings)?)
        }
        ScenariosWord::New { slug } => new(&slug),
    }
}

fn list(catalog: &Catalog, json: bool) -> Result<ExitCode, Failure> {
    let mut rows = Vec::new();
    for slug in catalog.slugs() {
        rows.push(catalog.scenario(slug).map_err(failure)?);
    }
    rows.sort_by_key(|scenario| (scenario.level, scenario.slug.clone()));
    if json {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| serde_json::json!({ "slug": row.slug, "level": row.level, "summary": row.summary, "tags": row.tags, "par": row.par, "limit": row.limit }))
            .collect();
        super::print(&format!(
            "{}\n",
            serde_json::to_string_pretty(&rows).expect("plain data serialises")
        ));
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = format!(
        "{:<16} {:<9} {:>5} {:>6}  {}\n",
        "scenario", "level", "par", "limit", "summary"
    );
    for row in &rows {
        let level = format!("{} {}", row.level, level_name(row.level));
        text.push_str(&format!(
            "{:<16} {level:<9} {:>5} {:>6}  {}\n",
            row.slug,
            row.par.to_string(),
            row.limit.to_string(),
            row.summary
        ));
    }
    super::print(&text);
    Ok(ExitCode::SUCCESS)
}

const fn level_name(level: u8) -> &'static str {
    match level {
        1 => "intern",
        2 => "junior",
        3 => "senior",
        _ => "staff",
    }
}

/// What a trainee would be told under a seed, and no more.
fn told(scenario: &Scenario, seed: Option<u64>) -> String {
    let (note, again) = match seed {
        Some(seed) => (
            format!("the figures are those of seed {seed}"),
            format!(" --seed {seed}"),
        ),
        None => (
            "figures differ by seed, these are an example; --seed N shows those of one".to_owned(),
            String::new(),
        ),
    };
    let services: Vec<&str> = scenario
        .services
        .iter()
        .map(|spec| spec.service.name())
        .collect();
    format!(
        "{}  level {} ({})\n{}\n\nsituation\n{}\n\nwhat is normal\n{}\n\nservices   {}\ndatabase   {} ms round trip\nload       {} journeys/s\nhistory    {} before the page\npar        {}   limit {}\nhints      {}\nseed       {note}\n\nstart it with  drill run {}{again}\n",
        scenario.slug,
        scenario.level,
        level_name(scenario.level),
        scenario.summary,
        scenario.brief.situation.trim_end(),
        scenario.brief.normal.trim_end(),
        services.join(" "),
        scenario.database.round_trip_ms,
        scenario.load.journeys_per_s,
        scenario.history.span,
        scenario.par,
        scenario.limit,
        scenario.hints.len(),
        scenario.slug,
    )
}

fn check(paths: &[PathBuf], catalog: &Catalog) -> Result<ExitCode, Failure> {
    let mut sources = Vec::new();
    if paths.is_empty() {
        sources.extend(catalog.slugs().map(|slug| catalog.source(slug)));
    }
    for path in paths {
        for file in files_at(path)? {
            sources.push(Catalog::file(&file));
        }
    }
    let mut broken = 0;
    for source in sources {
        let checked =
            source.and_then(|source| Ok((source.name().to_owned(), load::check(&source)?)));
        match checked {
            Ok((name, scenario)) => super::print(&format!(
                "ok  {name}  ({}, level {})\n",
                scenario.slug, scenario.level
            )),
            Err(error) => {
                broken += 1;
                eprintln!("{}", told_at_length(error).trim_end());
            }
        }
    }
    Ok(ExitCode::from(if broken == 0 {
        exit::OK
    } else {
        exit::NO
    }))
}

/// A file as it is, or the scenario files of a folder.
fn files_at(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let files = Catalog::files_in(path).map_err(failure)?;
    if files.is_empty() {
        return Err(Failure::usage(
            format!("there is no scenario file in {}", path.display()),
            "name a folder with *.yaml files; drill scenarios new SLUG writes one to begin with",
        ));
    }
    Ok(files)
}

fn new(slug: &str) -> Result<ExitCode, Failure> {
    let fits = !slug.is_empty()
        && slug.len() <= 40
        && slug.starts_with(|c: char| c.is_ascii_lowercase())
        && slug
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if !fits {
        return Err(Failure::usage(
            format!("`{slug}` is no slug"),
            "use up to 40 small letters, digits and hyphens, as in lost-update",
        ));
    }
    let path = PathBuf::from(format!("{slug}.yaml"));
    let created = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path);
    created
        .and_then(|mut file| {
            std::io::Write::write_all(&mut file, template::new_scenario(slug).as_bytes())
        })
        .map_err(|error| {
            Failure::failed(format!("{} cannot be written: {error}", path.display()))
                .remedy("choose another slug or folder; nothing is overwritten")
        })?;
    super::print(&format!(
        "written: {}\nnext:    edit it, then  drill scenarios check {}\n         run it with    drill run {slug} --scenarios .\n",
        path.display(),
        path.display()
    ));
    Ok(ExitCode::SUCCESS)
}
