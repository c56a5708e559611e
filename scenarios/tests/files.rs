//! What authors meet: a template that loads, and broken files whose problems are all reported, with
//! their lines.

use std::collections::BTreeMap;

use scenarios::{load, problem::Problems, seed::Seed, source::Source, template};

const RULES: &str = include_str!("../catalog/rules/shop.yaml");

fn source(text: &str) -> Source {
    let rules = BTreeMap::from([("shop.yaml".to_owned(), RULES.to_owned())]);
    Source::new("my-scenario.yaml", text.to_owned(), rules)
}

fn problems(text: &str) -> Problems {
    load::check(&source(text)).expect_err("the file is broken")
}

/// The template with each of some texts replaced.
fn broken(changes: &[(&str, &str)]) -> String {
    let mut text = template::TEMPLATE.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "the template has no `{from}`");
        text = text.replacen(from, to, 1);
    }
    text
}

/// Line and message of each problem.
fn told(text: &str) -> Vec<(String, String)> {
    let line = |number: usize| text.lines().nth(number - 1).unwrap_or_default();
    problems(text)
        .all()
        .iter()
        .map(|problem| {
            (
                line(problem.line).trim().to_owned(),
                problem.message.clone(),
            )
        })
        .collect()
}

#[test]
fn the_template_loads_and_takes_the_authors_slug() {
    load::check(&source(template::TEMPLATE)).expect("the template is a whole scenario");
    assert!(template::new_scenario("late-parcels").contains("slug: late-parcels"));
}

#[test]
fn a_plan_lists_remedies_by_service_and_kind_not_as_the_author_wrote_them() {
    let plan = load::load(&source(template::TEMPLATE), Seed(1), None).expect("loads");
    let listed: Vec<&str> = plan
        .scenario
        .remedies
        .iter()
        .map(|one| one.id.as_str())
        .collect();
    assert_eq!(listed, ["restart-checkout", "restore-slots"]);
}

/// Compares with what is expected, one `line of the file => message` each.
fn assert_told(text: &str, expected: &[(&str, &str)]) {
    let told = told(text);
    let told: Vec<(&str, &str)> = told
        .iter()
        .map(|(line, message)| (line.as_str(), message.as_str()))
        .collect();
    assert_eq!(told, expected);
}

#[test]
fn every_slip_of_the_pen_is_reported_at_once() {
    let text = broken(&[
        ("summary:", "sumary:"),
        ("par: 8m", "par: 8 minutes"),
        (
            "service: pricing, version: 3.0.2",
            "service: prising, version: 3.0.2",
        ),
        (
            "role: innocent\n    says: A release",
            "role: harmless\n    says: A release",
        ),
        ("    worth: right\n", "    value: right\n"),
        ("cost_min: 2", "cost_min: two"),
    ]);
    assert_told(
        &text,
        &[
            ("slug: my-scenario", "the key `summary` is missing here"),
            (
                "sumary: Checkout slows down a few minutes after a quiet evening of small changes.",
                "the key `sumary` is not known here",
            ),
            (
                "par: 8 minutes",
                "`8 minutes` is not a span of time; write for example 9m30s, -8s, 1.5s or 250ms, at most 24h",
            ),
            (
                "- { service: prising, version: 3.0.2 }",
                "`prising` is not known here",
            ),
            ("role: harmless", "`harmless` is not known here"),
            ("- id: restore-slots", "the key `worth` is missing here"),
            ("value: right", "the key `value` is not known here"),
            (
                "- { text: Where do checkouts spend their time?, cost_min: two }",
                "invalid floating point",
            ),
        ],
    );
}

#[test]
fn every_slip_of_meaning_is_reported_at_once() {
    let text = broken(&[
        ("mechanism: pool-exhaustion", "mechanism: pool-exhaution"),
        ("scope: buyers", "scope: byers"),
        ("change: slots-change", "change: slot-change"),
        ("span: 15m", "span: 10m"),
        ("speed: 120", "speed: 1200"),
        ("checkout_share: 0.4", "checkout_share: 4"),
        ("- [queue, page]", "- [page, queue]"),
        ("      at_most: 1.0\n", ""),
        ("alert: CheckoutSlow,", "alert: CheckoutSlwo,"),
        ("    worth: right\n", "    worth: partial\n"),
        (
            "service: pricing, version: 3.0.3",
            "service: worker, version: 3.0.3",
        ),
        ("id: evening-campaign", "id: slots-change"),
    ]);
    let told = told(&text);
    let line = |start: &str| {
        told.iter()
            .find(|(line, _)| line.starts_with(start))
            .map_or("nothing", |(_, message)| message.as_str())
    };
    for (start, message) in [
        ("load:", "the share is 4, which is not within 0 to 1"),
        (
            "history:",
            "the history is 10m, which is not within 15m to 1h",
        ),
        ("page:", "there is no alert rule `CheckoutSlwo`"),
        (
            "- deploy:",
            "there is no service in this scenario called `worker`",
        ),
        (
            "id: slots-change",
            "there are two of the event `slots-change`",
        ),
        (
            "mechanism:",
            "there is no mechanism in the vocabulary called `pool-exhaution`",
        ),
        ("scope:", "there is no scope `byers`"),
        ("- { id: queue,", "nothing leads from `queue` to the page"),
        (
            "find: { change:",
            "there is no visible change (innocent ones may be left out by the level) `slot-change`",
        ),
        ("remedies:", "no remedy is right"),
        ("- id: fast", "the invariant `fast` has no bound"),
    ] {
        assert_eq!(line(start), message, "{told:#?}");
    }
    assert_eq!(told.len(), 14, "{told:#?}");
}

#[test]
fn draws_are_checked_before_anything_else() {
    let text = broken(&[
        (
            "{ version: 5.2.1, author: Jon Abara }",
            "{ version: 5.2.1, writer: Jon Abara }",
        ),
        ("vary:\n", "vary:\n  spare: { int: [9, 3] }\n"),
        ("\"${release.version}\"", "\"${relaese.version}\""),
    ]);
    let told = told(&text);
    for message in [
        "`release` has rows with different fields",
        "`spare` has its lower bound above its upper bound",
        "`spare` is drawn but never used",
        "`${relaese.version}` stands for nothing that is drawn under `vary`",
    ] {
        assert!(told.iter().any(|(_, told)| told == message), "{told:#?}");
    }
}

#[test]
fn a_problem_within_something_drawn_is_shown_at_its_placeholder() {
    let text = broken(&[
        ("vary:\n", "vary:\n  trip: { int: [2000, 3000] }\n"),
        ("round_trip_ms: 1.0", "round_trip_ms: ${trip}"),
    ]);
    let problems = problems(&text);
    let problem = &problems.all()[0];
    assert_eq!(&text[problem.at.clone()], "${trip}");
    assert!(
        problem.message.starts_with("the round trip is 2"),
        "{problem}"
    );
}

#[test]
fn what_is_not_yaml_is_reported_with_its_line() {
    let text = broken(&[("tags: [latency]", "tags: [latency")]);
    let problems = problems(&text);
    let first = &problems.all()[0];
    assert!(first.message.starts_with("this is not YAML"), "{first}");
    let tags = text.lines().position(|line| line.starts_with("tags:"));
    assert!(first.line > tags.expect("there"), "{first}");
}

#[test]
fn no_text_makes_the_loader_panic_or_hang() {
    let template = template::TEMPLATE;
    // what follows the debrief is optional
    let needed = template.find("debrief:").expect("there");
    for cut in (0..needed).step_by(97) {
        let cut = template.floor_char_boundary(cut);
        load::load(&source(&template[..cut]), Seed(1), None).expect_err("half a file");
    }
    for text in [
        "",
        "\u{0}",
        "- 1",
        "slug",
        "{",
        "vary: 3",
        "&a [*a]",
        "slug: [slug]",
    ] {
        load::load(&source(text), Seed(1), None).expect_err(text);
    }
}

#[test]
fn problems_are_shown_with_an_excerpt_of_the_file() {
    let text = broken(&[("scope: buyers", "scope: byers")]);
    let report = format!("{:?}", miette::Report::new(problems(&text)));
    for part in [
        "my-scenario.yaml",
        "scope: byers",
        "there is no scope `byers`",
        "did you mean `buyers`",
    ] {
        assert!(report.contains(part), "no `{part}` in\n{report}");
    }
}
