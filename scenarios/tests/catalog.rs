//! The built-in scenarios: they load under every seed and level, repeat byte for byte, and differ
//! from seed to seed.

use std::{collections::BTreeSet, sync::LazyLock};

use proptest::prelude::*;
use scenarios::{
    catalog::Catalog,
    error::ScenarioError,
    plan::Plan,
    repeat::{self, authored_id},
    scenario::{EventRole, Query, Worth},
    seed::Seed,
};

static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::embedded);

fn plan(slug: &str, seed: u64, level: Option<u8>) -> Plan {
    let plan = CATALOG.plan(slug, Seed(seed), level);
    plan.unwrap_or_else(|error| panic!("{slug} with seed {seed}: {error}"))
}

fn slugs() -> Vec<String> {
    CATALOG.slugs().map(str::to_owned).collect()
}

#[test]
fn the_five_are_there_and_check_clean() {
    assert_eq!(
        slugs(),
        [
            "float-drift",
            "n-plus-one",
            "quiet-night",
            "red-herring",
            "ring-deadlock"
        ]
    );
    for slug in slugs() {
        let checked = CATALOG.scenario(&slug);
        let scenario = checked.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(scenario.slug, slug);
    }
}

#[test]
fn all_load_under_two_hundred_seeds_and_differ() {
    for slug in slugs() {
        let plans: BTreeSet<String> = (0..200)
            .map(|seed| {
                let mut plan = plan(&slug, seed, None);
                plan.seed = Seed(0); // what is left must differ by its draws
                plan.to_json()
            })
            .collect();
        assert!(plans.len() > 190, "{slug}: only {} plans", plans.len());
    }
}

#[test]
fn an_unknown_slug_or_level_is_refused_with_what_there_is() {
    let error = CATALOG
        .plan("flaot-drift", Seed(1), None)
        .expect_err("misspelt");
    assert!(
        matches!(&error, ScenarioError::Unknown { remedy, .. } if remedy.contains("`float-drift`")),
        "{error:?}"
    );
    let error = CATALOG
        .plan("float-drift", Seed(1), Some(5))
        .expect_err("four levels");
    assert_eq!(error.to_string(), "there is no level 5");
}

#[test]
fn a_folder_of_the_authors_goes_before_the_catalogue() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = scenarios::template::new_scenario("quiet-night");
    std::fs::write(folder.path().join("quiet-night.yaml"), text).expect("written");
    let catalog = Catalog::with_folder(folder.path()).expect("read");
    assert_eq!(catalog.slugs().count(), 5);
    let plan = catalog.plan("quiet-night", Seed(1), None).expect("loads");
    assert_eq!(plan.scenario.truth.component, "checkout");
    let missing = Catalog::with_folder(&folder.path().join("nowhere"));
    assert!(matches!(missing, Err(ScenarioError::Unreadable { .. })));
}

#[test]
fn repetitions_are_laid_out_until_an_hour_after_the_page() {
    let plan = plan("ring-deadlock", 3, None);
    let times: Vec<_> = plan
        .scenario
        .timeline
        .iter()
        .filter(|event| authored_id(&event.id) == "link-hiccup")
        .collect();
    assert!(times.len() > 60, "{}", times.len());
    assert!(times[0].repeat.is_some() && times[0].id == "link-hiccup");
    assert_eq!(times[1].id, "link-hiccup#2");
    assert!(times[1..].iter().all(|event| event.repeat.is_none()));
    assert!(times.windows(2).all(|pair| pair[0].at < pair[1].at));
    assert!(times.iter().all(|event| event.at <= repeat::LAID_OUT_FOR));
}

#[test]
fn a_level_leaves_out_what_its_row_says_and_never_what_counts() {
    for slug in slugs() {
        let whole = plan(&slug, 9, Some(4));
        for level in 1..=4 {
            let plan = plan(&slug, 9, Some(level));
            assert_eq!(
                plan.scenario.difficulty.keys().collect::<Vec<_>>(),
                [&level]
            );
            let row = &plan.scenario.difficulty[&level];
            let innocent = plan
                .scenario
                .timeline
                .iter()
                .filter(|event| event.role == EventRole::Innocent && event.change.is_some())
                .count();
            assert!(
                innocent <= row.innocent_changes.expect("filled in"),
                "{slug} {level}"
            );
            assert_eq!(
                Some(plan.scenario.decoys.len()),
                row.decoys,
                "{slug} {level}"
            );
            let counting = |plan: &Plan| {
                plan.scenario
                    .timeline
                    .iter()
                    .filter(|event| matches!(event.role, EventRole::Fault | EventRole::Trigger))
                    .map(|event| event.id.clone())
                    .collect::<Vec<_>>()
            };
            assert_eq!(counting(&plan), counting(&whole), "{slug} {level}");
            assert_eq!(plan.scenario.evidence, whole.scenario.evidence);
        }
    }
}

#[test]
fn nothing_that_a_trainee_reads_before_the_end_names_the_answer() {
    for slug in slugs() {
        for (seed, level) in (0..20).flat_map(|seed| (1..=4).map(move |level| (seed, level))) {
            let plan = plan(&slug, seed, Some(level));
            let scenario = &plan.scenario;
            let pager = &scenario.difficulty[&level].page_title;
            let mut read = vec![
                scenario.brief.situation.clone(),
                scenario.brief.normal.clone(),
                pager.clone().expect("filled in"),
                scenario.summary.clone(),
            ];
            for change in scenario
                .timeline
                .iter()
                .filter_map(|event| event.change.as_ref())
            {
                read.extend([change.title.clone(), change.details.clone()]);
            }
            read.extend(plan.rules.iter().cloned());
            let truth = &scenario.truth;
            let other_words = truth.also.iter().chain([&truth.mechanism]).flat_map(|id| {
                let mechanism = scenarios::vocabulary::mechanism(id);
                mechanism.expect("checked").also_called
            });
            let words = scenarios::vocabulary::spoilers(scenario)
                .into_iter()
                .chain(other_words.map(|word| (*word).to_owned()));
            for word in words {
                // rule files begin with a comment that only authors see
                assert!(
                    !read.iter().any(|text| text.contains(&word)),
                    "{slug} with seed {seed} at level {level} gives `{word}` away"
                );
            }
        }
    }
}

#[test]
fn every_scenario_offers_wrong_ways_and_evidence_in_several_languages() {
    for slug in slugs() {
        let scenario = plan(&slug, 5, None).scenario;
        let worth = |worth: Worth| {
            let remedies = scenario.remedies.iter();
            remedies.filter(|remedy| remedy.worth == worth).count()
        };
        assert!(worth(Worth::Right) >= 1 && worth(Worth::Wrong) + worth(Worth::Harmful) >= 3);
        let repaired = scenario.remedies.iter();
        let repaired: BTreeSet<_> = repaired
            .filter(|remedy| matches!(remedy.worth, Worth::Right | Worth::Partial))
            .map(|remedy| remedy.service)
            .collect();
        let elsewhere = scenario.remedies.iter();
        let elsewhere: BTreeSet<_> = elsewhere
            .filter(|remedy| !repaired.contains(&remedy.service))
            .map(|remedy| remedy.service)
            .collect();
        assert!(
            elsewhere.len() >= 2,
            "{slug}: the services on offer point at the cause"
        );
        assert!((5..=8).contains(&scenario.evidence.len()), "{slug}");
        let languages: BTreeSet<_> = scenario
            .evidence
            .iter()
            .map(|evidence| match evidence.find {
                Query::Logql(_) => "logql",
                Query::Traceql(_) => "traceql",
                Query::Promql(_) => "promql",
                Query::Change(_) => "change",
            })
            .collect();
        assert!(languages.len() >= 2, "{slug}: {languages:?}");
    }
}

#[test]
fn the_place_of_a_remedy_on_the_list_says_nothing_of_its_worth() {
    for slug in slugs() {
        let remedies = plan(&slug, 5, None).scenario.remedies;
        let listed: Vec<_> = remedies
            .iter()
            .map(|one| (one.service.map(|role| role.name()), one.kind, &one.title))
            .collect();
        assert!(listed.is_sorted(), "{slug}: {listed:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_same_seed_gives_the_same_bytes_which_read_back_as_the_same_plan(
        seed in any::<u64>(),
        level in 1u8..=4,
        index in 0usize..5,
    ) {
        let slug = &slugs()[index];
        let first = plan(slug, seed, Some(level));
        let json = first.to_json();
        prop_assert_eq!(&json, &plan(slug, seed, Some(level)).to_json());
        let back: Plan = serde_json::from_str(&json).expect("a plan");
        prop_assert_eq!(back, first);
    }
}
