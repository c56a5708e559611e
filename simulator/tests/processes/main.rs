//! The lab on real processes. This program is the test, the service that the lab starts (`service`),
//! and a lab that waits to be killed (`parent`); it therefore has a main of its own. It runs the tests
//! one after another, all or those whose name contains the argument.
//!
//! The service here is a stand-in with a few bad habits: what is tested is who owns it.

// all of this is test: a panic is its way to fail
#![allow(clippy::unwrap_used)]

mod cases;
mod service;
mod stage;

use std::process::ExitCode;

fn main() -> ExitCode {
    let argument = std::env::args().nth(1).unwrap_or_default();
    match argument.as_str() {
        "service" => service::run(),
        "parent" => stage::block_on(cases::wait_to_be_killed()),
        filter => test(filter.trim_start_matches('-')),
    }
}

fn test(filter: &str) -> ExitCode {
    let chosen: Vec<_> = cases::ALL
        .iter()
        .filter(|(name, _)| name.contains(filter))
        .collect();
    println!("\nrunning {} tests", chosen.len());
    let mut failed = 0;
    for (name, case) in &chosen {
        // a failed assertion has printed itself
        let passed = std::panic::catch_unwind(|| stage::block_on(case())).is_ok();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        failed += usize::from(!passed);
    }
    println!(
        "\ntest result: {} passed; {failed} failed\n",
        chosen.len() - failed
    );
    if failed > 0 {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
