//! Every rule of the published formula, a row each, and what must hold for any journal.

use api::Scorecard;
use proptest::prelude::*;
use rust_decimal::Decimal;
use simulator::journal::{Entry, Event};

use super::{
    fixture::{PAGE_MS, Pen, plan},
    score,
};

fn points(card: &Scorecard, part: &str) -> Decimal {
    card.parts
        .iter()
        .find(|p| p.part == part)
        .expect("the part exists")
        .points
}

fn dec(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

/// Writes a journal, scores it, and compares one part.
fn row(part: &str, expected: &str, write: impl for<'p> FnOnce(&'p mut Pen) -> &'p mut Pen) {
    let mut pen = Pen::paged();
    write(&mut pen);
    let card = score(&plan(), &pen.entries);
    let found = card
        .parts
        .iter()
        .find(|p| p.part == part)
        .expect("the part exists");
    assert_eq!(found.points, dec(expected), "{part}: {:?}", found.reasons);
    assert!(!found.reasons.is_empty(), "{part} has no reason");
}

#[test]
fn localisation_gives_12_for_the_component_and_4_for_a_neighbour() {
    row("localisation", "0", |p| p);
    row("localisation", "12", |p| p.right(60, 1.0));
    row("localisation", "4", |p| p.say(60, "psp", "latency", 0.1));
    row("localisation", "0", |p| {
        p.say(60, "worker", "cpu-burn", 0.1)
    });
    // the last one counts while none is right, the first right one afterwards
    row("localisation", "4", |p| {
        p.say(60, "worker", "cpu-burn", 0.1)
            .say(61, "psp", "latency", 0.1)
    });
    row("localisation", "12", |p| {
        p.right(60, 1.0).say(61, "psp", "latency", 0.1)
    });
}

#[test]
fn mechanism_gives_12_exact_and_5_within_the_family() {
    row("mechanism", "0", |p| p);
    row("mechanism", "12", |p| {
        p.say(60, "worker", "pool-exhaustion", 0.5)
    });
    row("mechanism", "5", |p| {
        p.say(60, "payments", "circular-wait", 0.5)
    });
    row("mechanism", "0", |p| p.say(60, "payments", "cpu-burn", 0.5));
    row("mechanism", "0", |p| {
        p.say(60, "payments", "no such thing", 0.5)
    });
}

#[test]
fn trigger_and_scope_give_4_each() {
    let said = |trigger: &str, scope: &str| Event::Diagnosis {
        component: "payments".into(),
        mechanism: "pool-exhaustion".into(),
        trigger: trigger.into(),
        scope: scope.into(),
        confidence: 1.0,
        pins: Vec::new(),
        text: String::new(),
        right: true,
    };
    row("trigger and scope", "8", |p| {
        p.at(1, said("pool", "buyers"))
    });
    row("trigger and scope", "4", |p| {
        p.at(1, said("none", "buyers"))
    });
    row("trigger and scope", "4", |p| p.at(1, said("pool", "all")));
    row("trigger and scope", "0", |p| p.at(1, said("none", "all")));
}

#[test]
fn calibration_follows_the_quadratic_rule() {
    row("calibration", "0", |p| p);
    row("calibration", "8", |p| p.right(60, 1.0));
    row("calibration", "6", |p| p.right(60, 0.5));
    row("calibration", "0", |p| p.right(60, 0.0));
    row("calibration", "-8", |p| {
        p.say(60, "worker", "cpu-burn", 1.0)
    });
    row("calibration", "-2", |p| {
        p.say(60, "worker", "cpu-burn", 0.5)
    });
    // wrong, wrong, right: all count; a second right one does not
    row("calibration", "3.92", |p| {
        p.say(1, "worker", "cpu-burn", 0.5)
            .say(2, "psp", "latency", 0.1)
            .right(3, 1.0)
            .right(4, 0.9)
            .say(5, "psp", "latency", 0.5)
    });
}

#[test]
fn evidence_is_f1_of_decisive_recall_and_pin_precision() {
    row("evidence", "0", |p| p.right(60, 1.0));
    row("evidence", "15", |p| {
        p.pin(1, &["waiting"]).pin(2, &["limit"]).right(60, 1.0)
    });
    // one of two decisive, one of two pins: F1 = 1/2
    row("evidence", "7.5", |p| {
        p.pin(1, &["waiting"]).pin(2, &[]).right(60, 1.0)
    });
    // all decisive, a telling one that is not decisive, one that tells nothing: P 3/4, R 1
    row("evidence", "12.86", |p| {
        p.pin(1, &["waiting"])
            .pin(2, &["limit"])
            .pin(3, &["idle"])
            .pin(4, &[])
            .right(60, 1.0)
    });
    // what was taken back before, or pinned after, does not count
    row("evidence", "0", |p| {
        p.pin(1, &["waiting"])
            .at(2, Event::PinRemoved { pin: 1 })
            .right(60, 1.0)
            .pin(61, &["limit"])
    });
    // taken back afterwards counts
    row("evidence", "15", |p| {
        p.pin(1, &["waiting", "limit"])
            .right(60, 1.0)
            .at(61, Event::PinRemoved { pin: 1 })
    });
    // a diagnosis that cites pins is judged by those
    row("evidence", "15", |p| {
        p.pin(1, &[])
            .pin(2, &["waiting", "limit"])
            .right_citing(60, 1.0, &[2])
    });
    // a class that the plan does not know proves nothing
    row("evidence", "0", |p| p.pin(1, &["forged"]).right(60, 1.0));
}

#[test]
fn alternatives_ask_for_evidence_that_rules_the_decoy_out() {
    row("alternatives", "0", |p| p.right(60, 1.0));
    row("alternatives", "2.5", |p| {
        p.pin(1, &["idle"]).reject(2, "worker", &[1]).right(60, 1.0)
    });
    row("alternatives", "5", |p| {
        p.pin(1, &["idle"])
            .pin(1, &["waiting"])
            .reject(2, "worker", &[1])
            .reject(3, "psp", &[2])
            .right(60, 1.0)
    });
    row("alternatives", "0", |p| {
        p.pin(1, &["limit"])
            .reject(2, "worker", &[1])
            .right(60, 1.0)
    });
    row("alternatives", "0", |p| {
        p.pin(1, &["idle"]).reject(2, "worker", &[]).right(60, 1.0)
    });
    // too late: the answer is known
    row("alternatives", "0", |p| {
        p.pin(1, &["idle"])
            .right(60, 1.0)
            .reject(61, "worker", &[1])
    });
    // named in words only
    row("alternatives", "2.5", |p| {
        p.pin(1, &["idle"]);
        p.at(
            2,
            Event::HypothesisOpened {
                hypothesis: 9,
                text: "It is the Worker's report".into(),
                component: None,
                mechanism: None,
            },
        );
        p.at(
            3,
            Event::HypothesisChanged {
                hypothesis: 9,
                state: api::HypothesisState::Rejected,
                pins: vec![1],
            },
        )
    });
}

#[test]
fn time_falls_in_a_line_from_par_to_limit_with_hints_and_without_pauses() {
    row("time", "0", |p| p);
    row("time", "20", |p| p.right(480, 1.0));
    row("time", "10", |p| p.right(24 * 60, 1.0));
    row("time", "0", |p| p.right(40 * 60, 1.0));
    row("time", "0", |p| p.right(90 * 60, 1.0));
    // 2.5 minutes of hint on 8 minutes: 20 x 29.5 / 32
    row("time", "18.44", |p| {
        p.at(
            10,
            Event::Hint {
                number: 1,
                cost_min: 2.5,
            },
        )
        .right(480, 1.0)
    });
    // a hint after the answer costs nothing
    row("time", "20", |p| {
        p.right(480, 1.0).at(
            490,
            Event::Hint {
                number: 1,
                cost_min: 2.5,
            },
        )
    });
    row("time", "20", |p| {
        p.at(60, Event::Paused)
            .at(660, Event::Resumed)
            .right(1_080, 1.0)
    });
    // a pause that began before the page counts from the page
    row("time", "20", |p| {
        p.at(-5, Event::Paused)
            .at(600, Event::Resumed)
            .right(1_080, 1.0)
    });
    row("time", "20", |p| {
        p.right(60, 1.0)
            .say(3_000, "worker", "cpu-burn", 0.0)
            .right(3_100, 1.0)
    });
}

#[test]
fn repair_is_the_share_of_invariants_and_nothing_for_a_restart() {
    row("repair", "0", |p| p);
    row("repair", "0", |p| p.act(1, "fix", false));
    row("repair", "0", |p| p.prove(1, 4));
    row("repair", "10", |p| p.act(1, "fix", false).prove(2, 4));
    row("repair", "5", |p| p.act(1, "half", false).prove(2, 2));
    row("repair", "0", |p| p.act(1, "again", false).prove(2, 4));
    row("repair", "10", |p| {
        p.act(1, "again", false).act(2, "fix", false).prove(3, 4)
    });
    row("repair", "0", |p| {
        p.act(1, "fix", false).prove(2, 4).act(3, "fix", true)
    });
    row("repair", "0", |p| {
        p.act(1, "fix", false).act(2, "fix", true).prove(3, 4)
    });
    // the last proof counts
    row("repair", "7.5", |p| {
        p.act(1, "fix", false).prove(2, 4).prove(3, 3)
    });
    // what failed was not done
    row("repair", "0", |p| {
        p.at(
            1,
            Event::Action {
                remedy: "fix".into(),
                undo: false,
                done: false,
                message: String::new(),
            },
        )
        .prove(2, 4)
    });
}

#[test]
fn care_loses_two_points_a_harmful_action_down_to_zero() {
    row("care", "5", |p| p);
    row("care", "5", |p| p.act(1, "again", false));
    row("care", "3", |p| {
        p.act(1, "kill", false).act(2, "kill", true)
    });
    row("care", "0", |p| {
        p.act(1, "kill", false)
            .act(2, "kill", false)
            .act(3, "kill", false)
    });
}

#[test]
fn learning_follows_edges_and_chooses_guardrails() {
    let write = |whys: &[&str], guardrails: &[&str]| Event::Learning {
        whys: whys.iter().map(|s| (*s).to_owned()).collect(),
        guardrails: guardrails.iter().map(|s| (*s).to_owned()).collect(),
    };
    row("learning", "0", |p| p);
    row("learning", "5", |p| {
        p.at(1, write(&["e", "d", "c", "b", "a"], &["canary", "review"]))
    });
    row("learning", "3", |p| {
        p.at(1, write(&["e", "d", "c", "b", "a"], &[]))
    });
    row("learning", "0", |p| {
        p.at(1, write(&["a", "b", "c", "d", "e"], &["disk"]))
    });
    row("learning", "1.5", |p| p.at(1, write(&["e", "d", "c"], &[])));
    row("learning", "2.25", |p| {
        p.at(1, write(&["e", "d", "c", "b", "x"], &[]))
    });
    row("learning", "1.33", |p| p.at(1, write(&[], &["canary"])));
    row("learning", "1.6", |p| {
        p.at(1, write(&[], &["canary", "review", "disk"]))
    });
    row("learning", "3", |p| {
        p.at(1, write(&[], &["disk"]))
            .at(2, write(&["e", "d", "c", "b", "a"], &[]))
    });
}

/// The reasons of a part, one a line.
fn reasons(entries: &[Entry], name: &str) -> String {
    let card = score(&plan(), entries);
    let part = card.parts.iter().find(|part| part.part == name);
    part.expect("a part of that name").reasons.join("\n")
}

#[test]
fn each_pin_is_told_as_counted_or_not() {
    let mut pen = Pen::paged();
    pen.pin(1, &["waiting"])
        .pin(2, &[])
        .pin(3, &["waiting", "idle"])
        .pin(4, &["forged"])
        .right(60, 1.0);
    let said = reasons(&pen.entries, "evidence");
    for part in [
        "2 of 4 pins show evidence",
        "#1, #3: charges wait for a connection",
        "#3: the worker's core is not ours",
        "#2, #4: no evidence of anything",
        "missing: the pool was cut",
    ] {
        assert!(said.contains(part), "no `{part}` in\n{said}");
    }
    let mut pen = Pen::paged();
    pen.pin(1, &["waiting"])
        .pin(2, &["limit"])
        .right_citing(60, 1.0, &[1]);
    let said = reasons(&pen.entries, "evidence");
    assert!(said.contains("#2: not cited"), "{said}");
}

#[test]
fn a_rejection_that_is_about_no_decoy_is_told() {
    let mut pen = Pen::paged();
    pen.pin(1, &["idle"])
        .reject(2, "pricing", &[1])
        .reject(3, "payments", &[1])
        .reject(4, "worker", &[1])
        .right(60, 1.0);
    let said = reasons(&pen.entries, "alternatives");
    for part in [
        "rejecting `pricing` was right, but it is no counted decoy",
        "rejecting `payments` was wrong",
        "`worker` was rejected with evidence",
    ] {
        assert!(said.contains(part), "no `{part}` in\n{said}");
    }
    assert!(!said.contains("rejecting `worker`"), "{said}");
}

#[test]
fn each_step_of_the_whys_that_does_not_follow_is_told() {
    let write = |whys: &[&str]| {
        let mut pen = Pen::paged();
        let whys = whys.iter().map(|s| (*s).to_owned()).collect();
        let guardrails = Vec::new();
        pen.at(1, Event::Learning { whys, guardrails });
        reasons(&pen.entries, "learning")
    };
    let said = write(&["e", "d", "b", "c", "x"]);
    for part in [
        "1 of 4 steps",
        "step 2, from “checkouts wait” to “two connections”, does not follow: the graph has no such edge",
        "step 3, from “two connections” to “charges wait”, does not follow: it is the other way round",
        "“the report burns a core” had no part in it",
    ] {
        assert!(said.contains(part), "no `{part}` in\n{said}");
    }
    assert!(!write(&["e", "d", "c", "b", "a"]).contains("does not follow"));
}

#[test]
fn five_statements_of_a_longer_chain_earn_all_points() {
    let mut long = plan();
    let graph = &mut long.scenario.truth.graph;
    let mut further = graph.nodes[0].clone();
    further.id = "z".into();
    graph.nodes.push(further);
    graph.edges.push(["z".into(), "a".into()]);
    for whys in [
        &["e", "d", "c", "b", "a"][..],
        &["d", "c", "b", "a", "z"],
        &["e", "d", "c", "b", "a", "z"],
    ] {
        let mut pen = Pen::paged();
        pen.at(
            1,
            Event::Learning {
                whys: whys.iter().map(|s| (*s).to_owned()).collect(),
                guardrails: Vec::new(),
            },
        );
        let card = score(&long, &pen.entries);
        assert_eq!(points(&card, "learning"), dec("3"), "{whys:?}");
    }
}

#[test]
fn an_adjustment_is_a_part_of_its_own_with_who_and_why() {
    let adjusted = |points: &str| Event::Adjusted {
        points: points.into(),
        by: "Ada".into(),
        why: "power cut".into(),
    };
    row("adjustment", "3.5", |p| {
        p.at(1, adjusted("+4.5")).at(2, adjusted("-1"))
    });
    let mut pen = Pen::paged();
    pen.at(1, adjusted("-1000"));
    assert_eq!(score(&plan(), &pen.entries).total, Decimal::ZERO);
    pen.at(2, adjusted("5000")).at(3, adjusted("5000"));
    assert_eq!(score(&plan(), &pen.entries).total, Decimal::ONE_HUNDRED);
    let untouched = score(&plan(), &Pen::paged().entries);
    assert!(untouched.parts.iter().all(|part| part.part != "adjustment"));
}

#[test]
fn a_perfect_drill_scores_a_hundred_and_names_its_entries() {
    let mut pen = Pen::paged();
    pen.pin(1, &["waiting"])
        .pin(2, &["limit"])
        .pin(3, &["idle"]);
    pen.reject(4, "worker", &[3])
        .reject(5, "psp", &[1])
        .right(100, 1.0);
    pen.act(110, "fix", false).prove(130, 4);
    pen.at(
        140,
        Event::Learning {
            whys: ["e", "d", "c", "b", "a"].map(str::to_owned).to_vec(),
            guardrails: ["canary", "review"].map(str::to_owned).to_vec(),
        },
    );
    let card = score(&plan(), &pen.entries);
    assert_eq!(card.total, Decimal::ONE_HUNDRED);
    let evidence = card
        .parts
        .iter()
        .find(|p| p.part == "evidence")
        .expect("evidence");
    assert_eq!(evidence.entries, [2, 3, 4]);
    let shown = |name: &str| {
        card.kpis
            .iter()
            .find(|k| k.name == name)
            .expect("a kpi")
            .value
            .clone()
    };
    assert_eq!(shown("TTD"), "7 s");
    assert_eq!(shown("TTRC"), "1 min 40 s");
    assert_eq!(shown("TTM"), "1 min 50 s");
    assert_eq!(shown("TTR"), "2 min 10 s");
    assert_eq!(shown("TTA"), "—");
    assert_eq!(shown("calibration"), "0");
}

#[test]
fn times_and_figures_beyond_all_bounds_are_scored_without_overflow() {
    let mut pen = Pen::paged();
    pen.at(
        1,
        Event::Hint {
            number: 1,
            cost_min: f64::MAX,
        },
    )
    .at(2, Event::Paused)
    .right(3, f64::NAN);
    pen.at(
        4,
        Event::Adjusted {
            points: "79228162514264337593543950335".into(),
            by: "x".into(),
            why: "y".into(),
        },
    );
    pen.at(
        4,
        Event::Adjusted {
            points: "79228162514264337593543950335".into(),
            by: "x".into(),
            why: "y".into(),
        },
    );
    for (entry, at_ms) in pen
        .entries
        .iter_mut()
        .zip([i64::MIN, i64::MIN, -1, i64::MAX, i64::MAX])
    {
        entry.at_ms = at_ms;
    }
    let card = score(&plan(), &pen.entries);
    assert!(card.total >= Decimal::ZERO && card.total <= Decimal::ONE_HUNDRED);
}

#[test]
fn what_is_done_after_the_end_does_not_count_but_adjustments_do() {
    let mut pen = Pen::paged();
    pen.at(
        10,
        Event::Finished {
            how: "gave up".into(),
        },
    );
    let before = score(&plan(), &pen.entries);
    pen.pin(11, &["waiting", "limit"])
        .right(12, 1.0)
        .act(13, "fix", false)
        .prove(14, 4)
        .act(15, "kill", false);
    assert_eq!(score(&plan(), &pen.entries).total, before.total);
    pen.at(
        20,
        Event::Adjusted {
            points: "2".into(),
            by: "Ada".into(),
            why: "late".into(),
        },
    );
    assert_eq!(
        score(&plan(), &pen.entries).total,
        before.total + Decimal::TWO
    );
}

#[test]
fn the_red_herring_bill_counts_attention_until_the_next_look() {
    let query = |text: &str, classes: &[&str]| Event::Query {
        language: "logql".into(),
        text: text.into(),
        start_ms: 0,
        end_ms: 0,
        rows: 1,
        classes: classes.iter().map(|c| (*c).to_owned()).collect(),
        error: None,
    };
    let mut pen = Pen::paged();
    pen.at(10, query("{service=\"worker\"}", &[]))
        .at(40, query("{service=\"payments\"}", &["limit"]))
        .at(
            70,
            Event::View {
                view: "metrics".into(),
                subject: Some("worker".into()),
            },
        )
        .at(1_000, query("{service=\"psp\"}", &[]))
        .pin(1_010, &["limit"]);
    let card = score(&plan(), &pen.entries);
    let shown = |name: &str| {
        card.kpis
            .iter()
            .find(|k| k.name == name)
            .expect("a kpi")
            .value
            .clone()
    };
    assert_eq!(shown("red-herring bill"), "worker 2 min 30 s, psp 0 s");
    assert_eq!(
        shown("decisive minute"),
        "40 s after the page, pinned 16 min 10 s later"
    );
    assert_eq!(shown("queries"), "3");
}

#[test]
fn the_scenarios_own_figures_are_shown_before_and_after() {
    let kpi = |moment: &str, value| Event::Kpi {
        name: "p95".into(),
        unit: "s".into(),
        moment: moment.into(),
        value,
    };
    let mut pen = Pen::paged();
    pen.at(0, kpi("page", Some(2.25))).at(100, kpi("end", None));
    let card = score(&plan(), &pen.entries);
    let shown = card.kpis.iter().find(|k| k.name == "p95").expect("a kpi");
    assert_eq!(shown.value, "2.25 → — s");
}

/// Any event that a trainee can cause, at any confidence.
fn any_event() -> impl Strategy<Value = Event> {
    let component = prop::sample::select(vec!["payments", "psp", "worker", "none", "ghost"]);
    let mechanism = prop::sample::select(vec![
        "pool-exhaustion",
        "circular-wait",
        "cpu-burn",
        "no-fault",
    ]);
    let class = prop::sample::select(vec!["waiting", "limit", "idle", "ghost"]);
    let remedy = prop::sample::select(vec!["fix", "half", "again", "kill", "ghost"]);
    prop_oneof![
        (component, mechanism, prop::num::f64::ANY).prop_map(
            |(component, mechanism, confidence)| Event::Diagnosis {
                component: component.into(),
                mechanism: mechanism.into(),
                trigger: "pool".into(),
                scope: "all".into(),
                confidence,
                pins: vec![1, 2],
                text: String::new(),
                right: true,
            }
        ),
        (1_u32..4, class).prop_map(|(pin, class)| Event::PinAdded {
            pin,
            target: api::PinTarget::Change { id: "pool".into() },
            text: String::new(),
            note: String::new(),
            classes: vec![class.into()],
        }),
        (remedy, any::<bool>(), any::<bool>()).prop_map(|(remedy, undo, done)| Event::Action {
            remedy: remedy.into(),
            undo,
            done,
            message: String::new(),
        }),
        Just(Event::Paused),
        Just(Event::Resumed),
        prop::num::f64::ANY.prop_map(|cost_min| Event::Hint {
            number: 1,
            cost_min
        }),
        any::<bool>().prop_map(|passed| Event::Proof {
            passed,
            invariants: Vec::new()
        }),
        Just(Event::Finished {
            how: "ended".into()
        }),
    ]
}

fn any_journal() -> impl Strategy<Value = Pen> {
    prop::collection::vec((0_i64..4_000, any_event()), 0..30).prop_map(|mut events| {
        events.sort_by_key(|(second, _)| *second);
        let mut pen = Pen::paged();
        for (second, event) in events {
            pen.at(second, event);
        }
        pen
    })
}

proptest! {
    #[test]
    fn any_journal_scores_between_0_and_100(pen in any_journal()) {
        let card = score(&plan(), &pen.entries);
        prop_assert!(card.total >= Decimal::ZERO && card.total <= Decimal::ONE_HUNDRED);
        prop_assert_eq!(card.parts.len(), 10);
    }

    #[test]
    fn repeating_a_wrong_answer_never_raises_the_score(pen in any_journal(), confidence in 0.0..=1.0) {
        let plan = plan();
        let before = score(&plan, &pen.entries).total;
        let wrong = pen.entries.iter().rev().find_map(|entry| match &entry.event {
            Event::Diagnosis { component, mechanism, .. } if !super::is_right(&plan.scenario.truth, component, mechanism) =>
                Some((component.clone(), mechanism.clone())),
            _ => None,
        });
        let is_settled = pen.entries.iter().any(|entry| matches!(&entry.event,
            Event::Diagnosis { component, mechanism, .. } if super::is_right(&plan.scenario.truth, component, mechanism)));
        let (component, mechanism) = wrong.unwrap_or_else(|| ("worker".into(), "cpu-burn".into()));
        let mut more = Pen::paged();
        more.entries.clone_from(&pen.entries);
        more.at(5_000, Event::Diagnosis {
            component, mechanism, trigger: "ghost".into(), scope: "ghost".into(), confidence,
            pins: vec![99], text: String::new(), right: true,
        });
        let after = score(&plan, &more.entries).total;
        prop_assert!(after <= before, "{before} became {after}, settled: {is_settled}");
    }

    #[test]
    fn the_order_of_pins_is_irrelevant(order in Just(vec!["waiting", "limit", "idle", "none"]).prop_shuffle()) {
        let mut pen = Pen::paged();
        for class in order {
            pen.pin(1, &[class]);
        }
        pen.right(60, 0.8);
        prop_assert_eq!(points(&score(&plan(), &pen.entries), "evidence"), dec("12.86"));
        prop_assert!(pen.entries.iter().all(|entry| entry.at_ms >= PAGE_MS - 7_000));
    }
}
