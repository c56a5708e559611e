//! `drill scenarios`: the catalogue as its authors and readers need it.

use std::{path::PathBuf, process::ExitCode};

use scenarios::{
    catalog::Catalog, error::ScenarioError, load, scenario::Scenario, seed::Seed, template,
};

use crate::{
    cli::ScenariosWord,
    exit::{self, Failure},
    settings::Settings,
};

/// The catalogue in force: built in, and the author's folder by flag, `DRILL_SCENARIOS` or settings file.
pub fn catalog(flag: Option<&PathBuf>, settings: &Settings) -> Result<Catalog, Failure> {
    let environment = std::env::var_os("DRILL_SCENARIOS").map(PathBuf::from);
    match flag
        .or(environment.as_ref())
        .or(settings.scenarios.as_ref())
    {
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
        other => {
            let text = format!("{:?}", miette::Report::new(other));
            Failure::usage(
                text.trim_start(),
                "drill scenarios check FILE, after correcting",
            )
        }
    }
}

/// Does one of the words.
pub fn run(word: ScenariosWord, settings: &Settings) -> Result<ExitCode, Failure> {
    match word {
        ScenariosWord::List { json } => list(&catalog(None, settings)?, json),
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
            ..
        } => {
            let plan = catalog(None, settings)?
                .plan(&slug, Seed(seed), None)
                .map_err(failure)?;
            super::print(&format!(
                "{}\n",
                serde_json::to_string_pretty(&plan).expect("plain data serialises")
            ));
            Ok(ExitCode::SUCCESS)
        }
        ScenariosWord::Show {
            slug: Some(slug), ..
        } => {
            super::print(&told(
                &catalog(None, settings)?.scenario(&slug).map_err(failure)?,
            ));
            Ok(ExitCode::SUCCESS)
        }
        ScenariosWord::Check { files } => check(&files, settings),
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

/// What a trainee would be told, and no more.
fn told(scenario: &Scenario) -> String {
    let services: Vec<&str> = scenario
        .services
        .iter()
        .map(|spec| spec.service.name())
        .collect();
    format!(
        "{}  level {} ({})\n{}\n\nsituation\n{}\n\nwhat is normal\n{}\n\nservices   {}\ndatabase   {} ms round trip\nload       {} journeys/s\nhistory    {} before the page\npar        {}   limit {}\nhints      {}\n\nstart it with  drill run {}\n",
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

fn check(files: &[PathBuf], settings: &Settings) -> Result<ExitCode, Failure> {
    let catalog = catalog(None, settings)?;
    let sources: Vec<_> = if files.is_empty() {
        catalog.slugs().map(|slug| catalog.source(slug)).collect()
    } else {
        files.iter().map(|file| Catalog::file(file)).collect()
    };
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
                eprintln!("{:?}", miette::Report::new(error));
            }
        }
    }
    Ok(ExitCode::from(if broken == 0 {
        exit::OK
    } else {
        exit::NO
    }))
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
