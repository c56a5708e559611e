//! The cases, and what several of them need.

mod actions;
mod healing;
mod life;
mod proof;
mod rollout;

use std::pin::Pin;

use scenarios::{
    effect::Effect,
    scenario::{Remedy, RemedyKind, Worth},
    setting::Setting,
    shop::Role,
    span::Span,
    vocabulary::{MechanismId, parameter::Given},
};

pub use life::wait_to_be_killed;

type Case = fn() -> Pin<Box<dyn Future<Output = ()>>>;

macro_rules! cases {
    ($($file:ident::$name:ident),* $(,)?) => {
        /// Name and body of every case.
        pub const ALL: &[(&str, Case)] = &[$((stringify!($name), || Box::pin($file::$name()))),*];
    };
}

cases![
    life::a_lab_is_ready_takes_load_and_leaves_nothing,
    life::a_service_that_dies_in_start_is_named_with_its_last_words,
    life::a_service_that_cannot_start_says_why,
    life::a_crash_is_told_apart_and_started_again,
    life::a_process_over_its_memory_limit_is_killed_with_137,
    life::a_dropped_lab_leaves_no_process,
    life::a_killed_lab_leaves_no_process,
    life::a_process_that_does_not_stop_is_killed,
    actions::remedies_change_the_services_and_are_taken_back,
    actions::an_action_that_fails_changes_nothing,
    actions::a_request_of_a_person_goes_through_the_door,
    actions::a_request_is_journalled_though_its_caller_went_away,
    actions::the_timeline_happens_and_a_remedy_stops_its_repetitions,
    healing::a_restart_that_is_broken_off_by_healing_is_done_afterwards,
    healing::a_scaling_that_is_broken_off_by_healing_is_done_afterwards,
    healing::a_release_that_is_broken_off_by_healing_is_done_afterwards,
    healing::a_release_that_was_rolled_out_already_is_told_of_as_such,
    healing::settings_that_are_broken_off_by_healing_are_told_afterwards,
    healing::everything_is_stopped_while_orders_wait_and_they_are_carried_out_after_it,
    rollout::a_canary_gets_its_share_and_then_all,
    rollout::a_canary_that_fails_is_taken_back_by_itself,
    rollout::a_canary_that_crashes_or_is_not_asked_is_taken_back,
    rollout::blue_green_switches_and_goes_back_at_once,
    rollout::a_rollout_is_stopped_in_the_midst_and_leaves_nothing,
    rollout::one_that_is_stopped_too_late_is_taken_back_all_the_same,
    rollout::one_that_fails_when_all_steps_have_passed_is_told_as_failed,
    rollout::after_the_end_nothing_is_begun_and_what_goes_on_is_taken_back,
    rollout::a_rollout_and_the_proof_keep_each_other_from_beginning,
    rollout::a_strategy_is_refused_where_it_cannot_be,
    proof::a_proof_measures_its_invariants_before_and_after,
    proof::every_proof_has_the_same_journeys,
    proof::what_recurs_by_itself_stays_out_of_a_proof,
];

fn remedy(id: &str, effects: Vec<Effect>) -> Remedy {
    Remedy {
        id: id.into(),
        title: format!("do {id}"),
        description: String::new(),
        kind: RemedyKind::Config,
        service: None,
        worth: Worth::Wrong,
        because: String::new(),
        dangerous: false,
        effects,
        stops: vec![],
    }
}

fn configure(setting: Setting) -> Effect {
    Effect::Configure {
        service: Role::Payments,
        settings: vec![setting],
    }
}

/// Cuts a link for some milliseconds.
fn cut(link: &str, lasting_ms: i64) -> Effect {
    Effect::Inject {
        mechanism: MechanismId::new("partition").unwrap(),
        at: link.parse().unwrap(),
        values: Given::default(),
        lasting: Some(Span::from_millis(lasting_ms)),
    }
}
