//! The views from the map to the debrief with nothing to show, and with more than a screen holds: letter by letter, at 80x24 and
//! 160x50.

use api::{Change, ChangeKind, HypothesisState, InvariantView, RolloutStep, Strategy};

use super::fixture::{self, Lab, PAGE_MS};
use super::screens::{empty, ended, opened, press};
use crate::app::App;
use crate::client::graph::{Edge, Graph, Node};
use crate::screen::text_of;
use crate::views::{act, case, changes, map};

/// Takes a picture of a view after its answers were changed, at both sizes.
async fn picture(name: &str, lab: fn() -> Lab, keys: &[&str], change: fn(&mut App)) {
    for size in [(80, 24), (160, 50)] {
        let (mut app, client, _) = opened(lab(), size).await;
        press(&mut app, &client, &keys[..1]).await;
        change(&mut app);
        press(&mut app, &client, &keys[1..]).await;
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), text_of(&app));
    }
}

#[tokio::test]
async fn views_with_nothing_to_show_say_so_and_what_to_do() {
    picture("map_empty", empty, &["5"], |_| {}).await;
    picture("changes_empty", empty, &["6"], |_| {}).await;
    picture("case_empty", empty, &["7"], |_| {}).await;
    picture("act_empty", empty, &["8"], |app| {
        act::rollout::arrived(app, Vec::new());
    })
    .await;
    picture("debrief_empty", ended, &["9", "gg"], |app| {
        let debrief = app.known.debrief.value.as_mut().unwrap();
        // a quiet night: nothing was broken, nothing was done
        debrief.timeline.truncate(1);
        debrief.charts.clear();
        debrief.marks.clear();
        debrief.evidence.clear();
        debrief.decoys.clear();
        debrief.whys = api::Whys::default();
        debrief.score.parts.clear();
        (debrief.causes, debrief.edges) = (Vec::new(), Vec::new());
    })
    .await;
}

/// Forty services in five layers, of which the last calls the first.
fn crowd(app: &mut App) {
    let name = |i: usize| format!("service-{i:02}");
    let node = |i: usize| Node {
        id: name(i),
        calls: 100.0 * (i + 1) as f64,
        errors: if i.is_multiple_of(7) { 9.0 } else { 0.0 },
        p95_ms: Some(40.0 * i as f64),
    };
    let edge = |i: usize| Edge {
        from: name(i),
        to: name((i + 8) % 40),
        calls: 500.0,
        rate: 0.5 * i as f64,
        error_share: if i.is_multiple_of(9) { 0.08 } else { 0.0 },
        p50_ms: Some(3.0),
        p95_ms: Some(30.0),
        p99_ms: Some(45.0 * i as f64),
    };
    let cycle = (0..5).map(|step| name(step * 8)).collect();
    let graph = Graph {
        sampled: false,
        nodes: (0..40).map(node).collect(),
        edges: (0..40).map(edge).collect(),
        cycles: vec![cycle],
    };
    map::state::arrived(app, graph);
}

fn busy_weeks(app: &mut App) {
    let kinds = [
        ChangeKind::Deploy,
        ChangeKind::Config,
        ChangeKind::Flag,
        ChangeKind::Scale,
        ChangeKind::Job,
        ChangeKind::Action,
        ChangeKind::Chaos,
    ];
    let services = [
        "orders",
        "checkout",
        "storefront",
        "a-service-of-a-long-name",
    ];
    let all = (0..70_usize).map(|i| Change {
        id: format!("c{i}"),
        at_ms: PAGE_MS - 880_000 + 16_000 * i as i64,
        kind: kinds[i % kinds.len()],
        service: Some(services[i % services.len()].to_owned()),
        title: format!("number {i}: something was changed whose title is longer than any line"),
        details: "a paragraph of what was changed, and why, and by which order\n".repeat(12),
        author: "somebody with a long name".to_owned(),
    });
    changes::state::arrived(app, all.collect());
}

fn long_case(app: &mut App) {
    let mut full = app.known.case.value.clone().unwrap();
    let pin = full.pins[0].clone();
    full.pins.extend((3..23).map(|id| api::Pin {
        id,
        note:
            "the same as before, told at more length than a line of the notebook holds".to_owned(),
        ..pin.clone()
    }));
    full.hypotheses[1].state = HypothesisState::Supported;
    full.hypotheses[1].pins = (1..9).collect();
    let hypothesis = full.hypotheses[1].clone();
    full.hypotheses.extend((3..9).map(|id| api::Hypothesis {
        id,
        ..hypothesis.clone()
    }));
    case::state::case_arrived(app, full);
}

fn many_remedies(app: &mut App) {
    let mut all = app.known.remedies.value.clone().unwrap();
    let step = |at: i64, title: &str, state: &str, figures: &str| RolloutStep {
        at_ms: PAGE_MS + at,
        title: title.to_owned(),
        state: state.to_owned(),
        figures: figures.to_owned(),
    };
    let told = "new: 5 requests, 0 % failed, p95 469 ms; old: 21 requests, 0 % failed, p95 74 ms";
    all[1].rollout = Some(api::Rollout {
        strategy: Strategy::Canary,
        service: "orders".to_owned(),
        release: "2.15.0".to_owned(),
        running: false,
        percent: 0,
        steps: vec![
            step(
                201_000,
                "starts beside the old release",
                "passed",
                "ready, 3 of 3 looks",
            ),
            step(204_000, "20 % of connections", "passed", told),
            step(
                211_000,
                "40 % of connections",
                "failed",
                &format!("its p95 is 0.47 s, at most 0.32 s may be ({told})"),
            ),
        ],
        end: None,
    });
    let remedy = all[2].clone();
    all.extend((0..20).map(|i| api::Remedy {
        id: format!("more-{i}"),
        title: format!("number {i}: {}", remedy.title),
        ..remedy.clone()
    }));
    act::rollout::arrived(app, all);
    let mut proof = app.known.proof.value.clone().unwrap_or_default();
    proof.invariants = (0..20)
        .map(|i| InvariantView {
            title: format!("number {i} of all that must hold, with a title of more than a line"),
            query: String::new(),
            bound: "<= 2".to_owned(),
            before: Some(10.0),
            after: Some(f64::from(i) / 7.0),
            holds: i < 14,
        })
        .collect();
    proof.passed = Some(false);
    proof.at_ms = Some(PAGE_MS + 240_000);
    app.known.proof.good(proof);
}

#[tokio::test]
async fn views_with_more_than_a_screen_holds_scroll_and_say_what_is_selected() {
    picture("map_overflow", fixture::lab, &["5", "e", "e"], crowd).await;
    picture("changes_overflow", fixture::lab, &["6", "jjj"], busy_weeks).await;
    picture(
        "case_overflow",
        fixture::lab,
        &["7", "gg", "jjj"],
        long_case,
    )
    .await;
    picture(
        "act_overflow",
        fixture::lab,
        &["8", "gg", "j"],
        many_remedies,
    )
    .await;
    let keys = ["9", "Tab", "Tab", "Tab", "Tab", "Down", "Down"];
    picture("debrief_overflow", ended, &keys, |app| {
        let debrief = app.known.debrief.value.as_mut().unwrap();
        let entry = debrief.timeline[3].clone();
        debrief.timeline.extend((0..60).map(|i| {
            let mut more = entry.clone();
            more.at_ms += 1_000 * i;
            more.text = format!("number {i}: {} in orders, told at some length", entry.text);
            more
        }));
    })
    .await;
}

#[tokio::test]
async fn a_sorted_map_shows_the_worst_call_first() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["5", "s"]).await;
    insta::assert_snapshot!("map_sorted_80x24", text_of(&app));
    let first = |app: &App| match map::state::selected(app) {
        Some(map::state::Item::Edge(edge)) => format!("{} {}", edge.from, edge.to),
        other => format!("{other:?}"),
    };
    assert_eq!(first(&app), "storefront orders", "the one that fails most");
    press(&mut app, &client, &["s", "s"]).await;
    assert_eq!(first(&app), "orders shipping", "the most frequent");
    press(&mut app, &client, &["i"]).await;
    assert_eq!(first(&app), "storefront inventory", "the rarest");
    press(&mut app, &client, &["s", "e"]).await;
    assert_eq!(first(&app), "storefront orders", "the next that fails");
}
