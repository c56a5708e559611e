//! The end of a drill: last figures, the folder opened and named, report and history written. A disk
//! that refuses costs a banner, never the debrief.

use std::{path::PathBuf, sync::atomic::Ordering};

use api::Debrief;
use display_full_error::DisplayFullErrorExt;
use simulator::{folder::DrillFolder, journal::Event};

use super::{Desk, pager};
use crate::{
    debrief::debrief,
    history::{Ending, History},
    refusal::Refusal,
    report,
    score::root_cause_ms,
};

/// Where a drill is recorded.
#[derive(Debug, Default)]
pub struct Archive {
    /// Its folder, if it has one.
    pub folder: Option<DrillFolder>,
    /// The history of drills, if it can be used.
    pub history: Option<History>,
    /// Why one of them is missing or stopped, for the banner.
    pub problems: Vec<String>,
}

impl Archive {
    /// What the trainee should know of it.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        (!self.problems.is_empty()).then(|| self.problems.join("; "))
    }

    /// Keeps why something of it failed.
    pub(crate) fn note<T, E: std::error::Error>(&mut self, done: Result<T, E>) {
        self.problems
            .extend(done.err().map(|error| error.to_string_full()));
    }
}

impl Desk {
    /// Ends the drill, once, and answers with the debrief; a second time only the debrief.
    pub async fn finish(&self, how: &str) -> Debrief {
        // nobody begins what would come after the end
        self.closing.store(true, Ordering::Release);
        if let Some(shop) = self.shop.get() {
            // whatever it comes to is journalled before the end
            shop.settle().await;
        }
        let mut archive = self.archive.lock().await;
        if self.write_end(how).await {
            self.close(&mut archive).await;
            *self.archive_banner.lock() = archive.problem();
            self.ended.send_replace(true);
        }
        self.debrief_in(&archive)
    }

    /// The debrief.
    ///
    /// # Errors
    /// Before the end.
    pub async fn debrief(&self) -> Result<Debrief, Refusal> {
        if self.notebook.lock().finished.is_none() {
            return Err(Refusal::not_now(
                "the drill has not ended, and the debrief tells the answer",
                "POST /api/v1/drill/finish ends it",
            ));
        }
        Ok(self.debrief_in(&*self.archive.lock().await))
    }

    /// Where the drill is recorded now.
    pub async fn folder(&self) -> Option<PathBuf> {
        let archive = self.archive.lock().await;
        archive
            .folder
            .as_ref()
            .map(|folder| folder.path().to_owned())
    }

    /// Lets the history go; folder and journal need no closing.
    pub async fn close_archive(&self) {
        if let Some(history) = self.archive.lock().await.history.take() {
            history.close().await;
        }
    }

    fn debrief_in(&self, archive: &Archive) -> Debrief {
        let folder = archive
            .folder
            .as_ref()
            .map(|folder| folder.path().display().to_string());
        debrief(&self.plan, &self.journal.entries(), &self.id, folder)
    }

    /// Whether the end was written now.
    async fn write_end(&self, how: &str) -> bool {
        if self.notebook.lock().finished.is_some() {
            return false;
        }
        let measured = self.measure_end().await;
        let mut notebook = self.notebook.lock();
        for event in measured {
            self.journal.append(self.clock.now_ms(), event);
        }
        self.write(
            &mut notebook,
            Event::Finished {
                how: how.to_owned(),
            },
        );
        true
    }

    /// The last figures and the charts. They read the whole drill: too long for a thread that others wait for.
    async fn measure_end(&self) -> Vec<Event> {
        let end_ms = self.clock.now_ms();
        let charts = self.charts_until(end_ms);
        let (sight, plan) = (self.sight.clone(), self.plan.clone());
        let measured = tokio::task::spawn_blocking(move || {
            let mut events = pager::kpis(&*sight, &plan, "end", end_ms);
            events.extend(
                charts
                    .into_iter()
                    .flat_map(|charts| charts.measure(&*sight)),
            );
            events
        });
        measured.await.unwrap_or_else(|error| {
            tracing::error!(%error, "the last figures cannot be measured");
            Vec::new()
        })
    }

    async fn close(&self, archive: &mut Archive) {
        let card = debrief(&self.plan, &self.journal.entries(), &self.id, None).score;
        if let Some(folder) = &mut archive.folder {
            let opened = self.journal.unseal();
            let named = folder
                .finish(&self.plan.scenario.slug, &self.plan.to_json())
                .map(|path| self.journal.moved_to(path));
            let reported = report::write(folder.path());
            archive.note(opened);
            archive.note(named);
            archive.note(reported);
        }
        if let Some(history) = &archive.history {
            let entries = self.journal.entries();
            let ending = Ending {
                ended: jiff::Timestamp::now().to_string(),
                how: self.notebook.lock().finished.clone().unwrap_or_default(),
                score: card.total.to_string(),
                ttrc_ms: root_cause_ms(&self.plan, &entries),
                folder: archive
                    .folder
                    .as_ref()
                    .map(|folder| folder.path().display().to_string()),
            };
            let written = history.end(&self.id, &ending).await;
            archive.note(written);
        }
    }
}
