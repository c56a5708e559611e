//! `drill chaos list`: the vocabulary as a table, a page of one mechanism, Markdown or JSON.

use std::{fmt::Write as _, process::ExitCode};

use api::MechanismView;
use scenarios::{nearest::nearest, vocabulary::FAMILIES};
use simulator::lab::chaos::mechanisms;

use crate::{
    cli::ChaosListArgs,
    command::print,
    exit::{Failure, OK},
};

/// Lists.
pub fn run(args: &ChaosListArgs) -> Result<ExitCode, Failure> {
    let all = mechanisms();
    let chosen: Vec<_> = match &args.what {
        None => all,
        Some(what) => {
            let known: Vec<_> = all
                .iter()
                .flat_map(|one| [one.id.clone(), one.family.clone()])
                .collect();
            let chosen: Vec<_> = all
                .into_iter()
                .filter(|one| one.id == *what || one.family == *what)
                .collect();
            if chosen.is_empty() {
                let near = nearest(what, known.iter().map(String::as_str));
                return Err(Failure::usage(
                    format!("there is no mechanism or family `{what}`"),
                    near.map_or_else(
                        || "drill chaos list".to_owned(),
                        |near| format!("drill chaos list {near}"),
                    ),
                ));
            }
            chosen
        }
    };
    if args.json {
        let json = serde_json::to_string_pretty(&chosen);
        print(&(json.map_err(Failure::failed)? + "\n"));
    } else if args.markdown {
        print(&markdown(&chosen));
    } else if let [one] = chosen.as_slice() {
        print(&page(one));
    } else {
        print(&table(&chosen));
    }
    Ok(ExitCode::from(OK))
}

fn table(chosen: &[MechanismView]) -> String {
    let width = chosen.iter().map(|one| one.id.len()).max().unwrap_or(0);
    let mut text = String::new();
    let mut family = "";
    for one in chosen {
        if one.family != family {
            let gap = if family.is_empty() { "" } else { "\n" };
            family = &one.family;
            // writing to a string cannot fail
            let _ = writeln!(text, "{gap}{family}");
        }
        let _ = writeln!(text, "  {:width$}  {}", one.id, one.definition);
    }
    text.push_str(
        "\n`drill chaos list MECHANISM` tells where it can be aimed and what it takes.\n",
    );
    text
}

fn page(one: &MechanismView) -> String {
    let mut text = format!(
        "{} ({})\n  {}\n\n  aim at   {}\n  heals    {}\n  also     {}\n",
        one.id,
        one.family,
        one.definition,
        one.aims,
        one.heals,
        one.also_called.join(", ")
    );
    if one.parameters.is_empty() {
        text.push_str("\nIt takes no values.\n");
        return text;
    }
    text.push('\n');
    let width = one.parameters.iter().map(|p| p.id.len()).max().unwrap_or(0);
    for parameter in &one.parameters {
        let ramps = if parameter.ramps {
            "; grows with --ramp"
        } else {
            ""
        };
        // writing to a string cannot fail
        let _ = writeln!(
            text,
            "  {:width$}  {} [{}; default {}{ramps}]",
            parameter.id, parameter.definition, parameter.bounds, parameter.default
        );
    }
    let _ = writeln!(text, "\nExample:\n  {}", example(one));
    text
}

/// A command that injects it.
fn example(one: &MechanismView) -> String {
    let mechanism = scenarios::vocabulary::mechanism(&one.id);
    let aim = mechanism.and_then(|one| one.aims.all().next());
    let aim = aim.map_or_else(String::new, |aim| aim.to_string().replace("->", ":"));
    let value = one.parameters.first().map_or_else(String::new, |first| {
        let plain = first
            .default
            .as_str()
            .map_or_else(|| first.default.to_string(), str::to_owned);
        format!(" {}={plain}", first.id)
    });
    format!("drill chaos inject {} {aim}{value} --for 30s", one.id)
}

/// All of it as a document.
fn markdown(chosen: &[MechanismView]) -> String {
    let mut text = String::from(
        "# The vocabulary of harm\n\nWhat can go wrong in a lab: what a scenario plants, an instructor injects (`drill chaos inject`), and a trainee names in a\ndiagnosis. `drill chaos list --markdown` writes this page.\n",
    );
    for family in FAMILIES {
        let of_it: Vec<_> = chosen
            .iter()
            .filter(|one| one.family == family.id)
            .collect();
        if of_it.is_empty() {
            continue;
        }
        // writing to a string cannot fail
        let _ = writeln!(
            text,
            "\n## {}\n\n{}.\n\n| mechanism | what it is | aim at | values | heals |\n|---|---|---|---|---|",
            family.id, family.definition
        );
        for one in of_it {
            let values: Vec<_> = one
                .parameters
                .iter()
                .map(|p| {
                    let grows = if p.ramps { ", grows" } else { "" };
                    format!(
                        "`{}`: {} ({}; default {}{grows})",
                        p.id, p.definition, p.bounds, p.default
                    )
                })
                .collect();
            let _ = writeln!(
                text,
                "| `{}` | {} | {} | {} | {} |",
                one.id,
                one.definition,
                one.aims,
                if values.is_empty() {
                    "none".to_owned()
                } else {
                    values.join("<br>")
                },
                one.heals
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_in_the_repository_is_what_the_program_writes() {
        let written = markdown(&mechanisms());
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/chaos.md");
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            kept == written,
            "docs/chaos.md is not fresh: cargo run -- chaos list --markdown > docs/chaos.md"
        );
    }

    #[test]
    fn every_example_is_a_command_line_that_is_understood() {
        use clap::Parser;
        for one in mechanisms() {
            let example = example(&one);
            let words = example.split_whitespace();
            let parsed = crate::cli::Cli::try_parse_from(words);
            assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
        }
    }
}
