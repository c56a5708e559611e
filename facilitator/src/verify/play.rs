//! The play: page, investigation, every remedy with its proof, the three players.

use std::time::Duration;

use display_full_error::DisplayFullErrorExt;
use rust_decimal::Decimal;
use scenarios::{
    plan::Plan,
    scenario::{Remedy, Worth},
};
use simulator::journal::{Entry, Event};

use super::{Sheet, Stop, claims, repeat, spoilers, until};
use crate::{
    drill::Drill,
    players::{Expert, Found, Seat, SeatError, mean_guess, restart_everything},
    score::score,
};

/// Longest wait for 03:00:00 on a slow machine: at the slowest speed of history 15 minutes take three.
const HISTORY: Duration = Duration::from_secs(240);
/// What the expert must score at least, the restarter and the guessers at most.
const EXPERT: Decimal = Decimal::from_parts(90, 0, 0, false, 0);
const RESTARTER: Decimal = Decimal::from_parts(25, 0, 0, false, 0);
const GUESSER: Decimal = Decimal::from_parts(15, 0, 0, false, 0);
/// Guessers.
const GUESSERS: u32 = 200;
/// Share of the history's first minutes that may be without telemetry while the first scrapes come in.
const EMPTY_START_MS: i64 = 60_000;

/// What is tested, and what the players left behind.
struct Play<'a> {
    plan: &'a Plan,
    drill: &'a Drill,
    seat: Seat,
    /// Proof of each remedy, for the guessers.
    proofs: Vec<(String, Event)>,
}

/// Tests all claims on a drill that has just started.
pub(super) async fn play(plan: &Plan, drill: &Drill, sheet: &mut Sheet<'_>) -> Result<(), Stop> {
    let mut play = Play {
        plan,
        drill,
        seat: Seat::new(drill.api_url()),
        proofs: Vec::new(),
    };
    let paged = play.page(sheet).await?;
    play.expert(sheet, paged).await?;
    play.others(sheet).await?;
    play.restarter(sheet, paged).await?;
    play.guessers(sheet, paged)
}

impl Play<'_> {
    fn entries(&self) -> Vec<Entry> {
        self.drill.desk().journal().entries()
    }

    /// History, quiet and page; answers with the number of entries up to the page.
    async fn page(&self, sheet: &mut Sheet<'_>) -> Result<usize, Stop> {
        let clock = self.drill.lab().clock().clone();
        let three = until(HISTORY, || clock.now_ns() >= clock.page_at_ns()).await;
        sheet.claim(
            "history is made",
            three,
            format!("speed was up to {}x", clock.nominal_speed()),
        )?;
        let within = self.plan.scenario.page.within;
        // the page is looked for a little longer than its bound, to say how late it is
        let longest = within.duration() + Duration::from_secs(15);
        until(longest, || claims::page(&self.entries()).is_some()).await;
        let entries = self.entries();
        let noise = claims::noise(self.plan, &entries);
        let quiet = if noise.is_empty() {
            "no alert but declared decoys".to_owned()
        } else {
            noise.join(", ")
        };
        sheet.claim("it is quiet before the fault", noise.is_empty(), quiet)?;
        let Some((place, at_ms)) = claims::page(&entries) else {
            sheet.claim(
                "the page fires",
                false,
                format!("not within {longest:?}; {}", repeat(self.plan)),
            )?;
            return Err(Stop);
        };
        let late_ms = at_ms - clock.page_at_ns() / 1_000_000;
        sheet.claim(
            "the page fires within its bound",
            late_ms <= within.millis(),
            format!(
                "{:.1} s after 03:00:00, bound {within}",
                Duration::from_millis(late_ms.max(0).unsigned_abs()).as_secs_f64()
            ),
        )?;
        self.history(sheet)?;
        Ok(place + 1)
    }

    /// Telemetry reaches back to the beginning of history.
    fn history(&self, sheet: &mut Sheet<'_>) -> Result<(), Stop> {
        let view = self.drill.view();
        let early_ns = (view.history_start_ms + EMPTY_START_MS) * 1_000_000;
        let telemetry = self.drill.telemetry();
        let from_ns = view.history_start_ms * 1_000_000;
        let lines = telemetry
            .query_logs("{service=~\".+\"}", from_ns, early_ns, 1)
            .map_or(0, |lines| lines.len());
        let series = telemetry
            .metrics
            .instant("up", early_ns)
            .map_or(0, |found| found.len());
        sheet.claim(
            "telemetry reaches back to the beginning of history",
            lines > 0 && series > 0,
            format!("{lines} log lines and {series} targets in the first minute"),
        )
    }

    /// The expert's game: evidence, spoilers, diagnosis, the right remedy, its proof, learning, score.
    async fn expert(&mut self, sheet: &mut Sheet<'_>, paged: usize) -> Result<(), Stop> {
        let (plan, seat) = (self.plan, self.seat.clone());
        let expert = Expert::new(plan, &seat);
        let found = sheet.need(
            "the expert can investigate",
            expert.investigate().await,
            |found| format!("{} pins", found.pins.values().flatten().count()),
        )?;
        evidence_claims(sheet, plan, &found)?;
        let places = spoilers::found(plan, self.drill);
        let said = if places.is_empty() {
            "processes, logs, spans, metrics".to_owned()
        } else {
            places.join("; ")
        };
        sheet.claim("nothing gives the answer away", places.is_empty(), said)?;
        let verdict = sheet.need(
            "the expert can submit a diagnosis",
            expert.conclude(&found).await,
            |verdict| verdict.message.clone(),
        )?;
        sheet.claim(
            "the true diagnosis is right",
            verdict.right,
            verdict.message,
        )?;
        let Some(remedy) = expert.remedy() else {
            sheet.claim("there is a right remedy", false, "none on offer is right")?;
            return Err(Stop);
        };
        self.prove_remedy(sheet, remedy, true).await?;
        let learned = expert.learn().await;
        sheet.need("the expert can write the Five Whys", learned, |()| {
            "written".to_owned()
        })?;
        let card = score(plan, &self.entries());
        let weak: Vec<String> = card
            .parts
            .iter()
            .filter(|part| part.points < part.of)
            .map(|part| {
                format!(
                    "{} {}/{}: {}",
                    part.part,
                    part.points,
                    part.of,
                    part.reasons.join(", ")
                )
            })
            .collect();
        sheet.claim(
            format!("an expert scores more than {EXPERT}"),
            card.total > EXPERT && paged > 0,
            format!("{} {}", card.total, weak.join("; ")),
        )?;
        self.take_back(sheet, remedy).await?;
        let proof = self.prove(sheet).await?;
        sheet.claim(
            "without it the shop is broken again",
            proof.passed != Some(true),
            figures(&proof),
        )
    }

    /// Every remedy that the expert did not use.
    async fn others(&mut self, sheet: &mut Sheet<'_>) -> Result<(), Stop> {
        let used = Expert::new(self.plan, &self.seat.clone())
            .remedy()
            .map(str::to_owned);
        let remedies: Vec<Remedy> = self.plan.scenario.remedies.clone();
        for remedy in remedies
            .iter()
            .filter(|remedy| Some(&remedy.id) != used.as_ref())
        {
            self.prove_remedy(sheet, &remedy.id, remedy.worth == Worth::Right)
                .await?;
            self.take_back(sheet, &remedy.id).await?;
        }
        Ok(())
    }

    /// Applies a remedy and tests whether the proof ends as its worth says.
    async fn prove_remedy(
        &mut self,
        sheet: &mut Sheet<'_>,
        id: &str,
        passes: bool,
    ) -> Result<(), Stop> {
        let applied = self.seat.act(id, false).await;
        let (done, message) =
            applied.map_or_else(|error| (false, error.to_string()), |o| (o.done, o.message));
        sheet.claim(format!("`{id}` can be applied"), done, message)?;
        let proof = self.prove(sheet).await?;
        let recorded = self.entries().into_iter().rev().map(|entry| entry.event);
        self.proofs.extend(
            recorded
                .filter(|event| matches!(event, Event::Proof { .. }))
                .take(1)
                .map(|event| (id.to_owned(), event)),
        );
        let claim = if passes {
            format!("`{id}` passes the stress test")
        } else {
            format!("`{id}` does not pass the stress test")
        };
        sheet.claim(
            claim,
            (proof.passed == Some(true)) == passes,
            figures(&proof),
        )
    }

    async fn take_back(&self, sheet: &mut Sheet<'_>, id: &str) -> Result<(), Stop> {
        let undone = self.seat.act(id, true).await;
        let (done, message) =
            undone.map_or_else(|error| (false, error.to_string()), |o| (o.done, o.message));
        sheet.claim(format!("`{id}` can be taken back"), done, message)
    }

    async fn prove(&self, sheet: &mut Sheet<'_>) -> Result<api::ProofView, Stop> {
        match self.seat.prove().await {
            Ok(proof) => Ok(proof),
            Err(error) => {
                sheet.claim("the stress test runs", false, error.to_string_full())?;
                Err(Stop)
            }
        }
    }

    /// The restarter's game, scored on what was recorded until the page and what it did itself.
    async fn restarter(&self, sheet: &mut Sheet<'_>, paged: usize) -> Result<(), Stop> {
        let before = self.entries().len();
        let played: Result<_, SeatError> = restart_everything(self.plan, &self.seat).await;
        let (_, remedies) = sheet.need("the restarter can play", played, |(_, remedies)| {
            remedies.join(", ")
        })?;
        let entries = self.entries();
        // its game ends with its proof; what it took back afterwards was for the next player
        let proof = entries
            .iter()
            .rposition(|entry| matches!(entry.event, Event::Proof { .. }));
        let own = entries
            .get(before..=proof.unwrap_or(before))
            .unwrap_or_default();
        let game: Vec<Entry> = entries[..paged].iter().chain(own).cloned().collect();
        let total = score(self.plan, &game).total;
        sheet.claim(
            format!("restarting everything scores less than {RESTARTER}"),
            total < RESTARTER,
            format!("{total} with {}", remedies.join(", ")),
        )
    }

    fn guessers(&self, sheet: &mut Sheet<'_>, paged: usize) -> Result<(), Stop> {
        let mean = mean_guess(self.plan, &self.entries()[..paged], &self.proofs, GUESSERS);
        sheet.claim(
            format!("guessing at random scores less than {GUESSER} on average"),
            mean < GUESSER,
            format!("{} over {GUESSERS} seeds", mean.round_dp(2)),
        )
    }
}

/// One claim a class of evidence: each of its queries found something to pin.
fn evidence_claims(sheet: &mut Sheet<'_>, plan: &Plan, found: &Found) -> Result<(), Stop> {
    for class in &plan.scenario.evidence {
        let missing = found.missing.get(&class.id);
        let by = match class.also.len() {
            0 => "its query".to_owned(),
            further => format!("each of its {} queries", further + 1),
        };
        sheet.claim(
            format!("evidence `{}` is found by {by}", class.id),
            missing.is_none(),
            missing.map_or_else(|| class.proves.clone(), Clone::clone),
        )?;
    }
    Ok(())
}

/// The figures of a proof on one line.
fn figures(proof: &api::ProofView) -> String {
    proof
        .invariants
        .iter()
        .map(|invariant| {
            let value = invariant
                .after
                .map_or_else(|| "—".to_owned(), crate::score::words::trimmed);
            let mark = if invariant.holds { "holds" } else { "fails" };
            format!(
                "{} = {value} ({}, {mark})",
                invariant.title, invariant.bound
            )
        })
        .collect::<Vec<_>>()
        .join("; ")
}
