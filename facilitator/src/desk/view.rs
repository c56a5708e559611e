//! The state of the drill as its trainee may see it.

use std::fmt::Write as _;

use api::{Brief, DrillView, Phase};
use scenarios::shop::Role;

use super::Desk;
use crate::refusal::Refusal;

impl Desk {
    /// Everything that header and overview show.
    #[must_use]
    pub fn view(&self) -> DrillView {
        let (now_ns, page_at_ns) = (self.clock.now_ns(), self.clock.page_at_ns());
        let begin_ns = self.clock.begin_ns();
        let notebook = self.notebook.lock().clone();
        let phase = if notebook.finished.is_some() {
            Phase::Ended
        } else if notebook.page_ms.is_some() {
            Phase::Live
        } else if now_ns < page_at_ns {
            Phase::Preparing
        } else {
            Phase::Waiting
        };
        let shop = self.shop.get();
        let shown = self.chosen_by_trainee || phase == Phase::Ended;
        DrillView {
            id: self.id.clone(),
            seed: self.plan.seed.0,
            level: self.plan.level,
            slug: shown.then(|| self.plan.scenario.slug.clone()),
            phase,
            progress: progress(begin_ns, now_ns, page_at_ns),
            activity: match phase {
                Phase::Preparing => shop.map_or_else(
                    || "starting the services".to_owned(),
                    |shop| shop.activity(),
                ),
                Phase::Waiting => "waiting for the page".to_owned(),
                Phase::Live | Phase::Ended => String::new(),
            },
            now_ms: now_ns / 1_000_000,
            speed: self.clock.speed(),
            history_start_ms: begin_ns / 1_000_000,
            page_ms: notebook.page_ms,
            acknowledged_ms: notebook.acknowledged_ms,
            root_cause_ms: notebook.root_cause_ms,
            limit_s: self.plan.scenario.limit.seconds(),
            page: self.page.lock().clone(),
            brief: self.brief(),
            alerts: self
                .sight
                .alerts()
                .into_iter()
                .map(|seen| seen.alert)
                .collect(),
            services: shop.map_or_else(Vec::new, |shop| shop.services()),
            banner: self.banner(),
            otlp_grpc: self.otlp_grpc.clone(),
        }
    }

    /// Acknowledges the page; a second time changes nothing.
    ///
    /// # Errors
    /// Before the page, after the end.
    pub fn acknowledge(&self) -> Result<DrillView, Refusal> {
        {
            let mut notebook = self.notebook.lock();
            self.going_on(&notebook)?;
            if notebook.page_ms.is_none() {
                return Err(Refusal::not_now(
                    "there is no page to acknowledge yet",
                    "wait until it fires",
                ));
            }
            if notebook.acknowledged_ms.is_none() {
                self.write(&mut notebook, simulator::journal::Event::Acknowledged);
            }
        }
        Ok(self.view())
    }

    fn banner(&self) -> Option<String> {
        let said: Vec<String> = [
            self.journal.status(),
            self.sight.banner(),
            self.archive_banner.lock().clone(),
        ]
        .into_iter()
        .flatten()
        .collect();
        (!said.is_empty()).then(|| said.join("; "))
    }

    fn brief(&self) -> Brief {
        let scenario = &self.plan.scenario;
        Brief {
            situation: scenario.brief.situation.trim().to_owned(),
            architecture: self.architecture(),
            normal: scenario.brief.normal.trim().to_owned(),
        }
    }

    /// The shop in text: who does what, who calls whom, how far the database is.
    fn architecture(&self) -> String {
        let scenario = &self.plan.scenario;
        let roles: Vec<Role> = scenario.services.iter().map(|spec| spec.service).collect();
        let mut text = String::new();
        for role in &roles {
            let calls: Vec<&str> = role
                .calls()
                .iter()
                .filter(|called| roles.contains(called))
                .map(|called| called.name())
                .collect();
            // writing to a string cannot fail
            let _ = write!(text, "{role}: {}", role.does());
            if !calls.is_empty() {
                let _ = write!(text, " → {}", calls.join(", "));
            }
            if role.has_database() {
                text.push_str(" [database]");
            }
            text.push('\n');
        }
        let _ = write!(
            text,
            "a query to a database takes a round trip of {} ms",
            scenario.database.round_trip_ms
        );
        text
    }
}

/// Share of the preparation that is done.
fn progress(begin_ns: i64, now_ns: i64, page_at_ns: i64) -> f64 {
    #[allow(clippy::cast_precision_loss)] // a share of minutes
    let share = (now_ns - begin_ns) as f64 / ((page_at_ns - begin_ns).max(1)) as f64;
    share.clamp(0.0, 1.0)
}
