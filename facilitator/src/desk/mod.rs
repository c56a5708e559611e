//! The desk of one drill: its state as trainee and facilitator see it, and every verb that a trainee
//! has. Everything that happens here goes through the journal; the notebook is a fold of it. The
//! desk knows no HTTP, and telemetry and lab only as [`Sight`] and [`Shop`].

mod case;
mod charts;
mod diagnosis;
mod end;
mod evidence;
mod learning;
mod pager;
mod question;
mod view;

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use api::Change;
pub use diagnosis::MOST_DIAGNOSES;
pub use end::Archive;
pub use pager::Watched;
use parking_lot::Mutex;
pub use question::{Answered, Language, Question};
use scenarios::plan::Plan;
use sha2::{Digest, Sha256};
use simulator::{
    clock::DrillClock,
    journal::{Entry, Event, Journal},
    lab::Lab,
};
use tokio::sync::watch;

use crate::{
    notebook::Notebook,
    refusal::{Refusal, RefusalKind},
    shop::Shop,
    sight::Sight,
};

/// The drill that a server runs, whatever its id.
const CURRENT: &str = "current";

/// What a desk is made of.
pub struct DeskParts {
    /// Opaque id of the drill.
    pub id: String,
    /// The plan.
    pub plan: Arc<Plan>,
    /// Whether the trainee chose the scenario, and may be shown its name.
    pub chosen_by_trainee: bool,
    /// The clock.
    pub clock: Arc<DrillClock>,
    /// The journal; its first entry is written already.
    pub journal: Journal,
    /// The telemetry.
    pub sight: Arc<dyn Sight>,
    /// Folder and history, where the drill is recorded.
    pub archive: Archive,
    /// Base URL of OTLP over gRPC.
    pub otlp_grpc: Option<String>,
    /// What opens the instructor's routes.
    pub instructor_key: String,
}

/// The desk. Shared by the server's handlers and the tasks of the drill.
pub struct Desk {
    id: String,
    plan: Arc<Plan>,
    chosen_by_trainee: bool,
    clock: Arc<DrillClock>,
    journal: Journal,
    sight: Arc<dyn Sight>,
    shop: OnceLock<Arc<dyn Shop>>,
    notebook: Mutex<Notebook>,
    page: Mutex<Option<api::Page>>,
    archive: tokio::sync::Mutex<Archive>,
    archive_banner: Mutex<Option<String>>,
    otlp_grpc: Option<String>,
    instructor_key: String,
    /// Whether it is ending, so that nothing is done to the shop any more.
    closing: AtomicBool,
    ended: watch::Sender<bool>,
}

impl Desk {
    /// A desk without a shop: what needs one is refused until [`Desk::open_shop`].
    #[must_use]
    pub fn new(parts: DeskParts) -> Self {
        let notebook = Notebook::of(&parts.journal.entries());
        Self {
            id: parts.id,
            plan: parts.plan,
            chosen_by_trainee: parts.chosen_by_trainee,
            clock: parts.clock,
            journal: parts.journal,
            sight: parts.sight,
            shop: OnceLock::new(),
            notebook: Mutex::new(notebook),
            page: Mutex::new(None),
            archive_banner: Mutex::new(parts.archive.problem()),
            archive: tokio::sync::Mutex::new(parts.archive),
            otlp_grpc: parts.otlp_grpc,
            instructor_key: parts.instructor_key,
            closing: AtomicBool::new(false),
            ended: watch::channel(false).0,
        }
    }

    /// Hands the shop over once it runs. A second one is ignored.
    pub fn open_shop(&self, shop: Arc<dyn Shop>) {
        let _ = self.shop.set(shop);
    }

    /// The shop.
    ///
    /// # Errors
    /// While the lab is still starting.
    pub fn shop(&self) -> Result<&Arc<dyn Shop>, Refusal> {
        self.shop
            .get()
            .ok_or_else(|| Refusal::not_now("the shop is still starting", "try again in a second"))
    }

    /// The shop, for what is done to it: not after the end.
    ///
    /// # Errors
    /// While the lab is still starting, before the page, after the end.
    pub fn shop_to_act_on(&self) -> Result<&Arc<dyn Shop>, Refusal> {
        let notebook = self.notebook.lock();
        self.going_on(&notebook)?;
        if notebook.page_ms.is_none() {
            return Err(Refusal::not_now(
                "the page has not fired yet",
                "wait for the page: until then nothing is yours to repair",
            ));
        }
        drop(notebook);
        if self.closing.load(Ordering::Acquire) {
            return Err(Refusal::not_now(
                "the drill is ending",
                "wait for the debrief, which comes within seconds",
            ));
        }
        self.shop()
    }

    /// The lab, for its instructor, who has shown a key.
    ///
    /// # Errors
    /// When the key is not the drill's, the id another drill's, the lab is still starting, or the drill has ended.
    pub fn lab(&self, drill: &str, key: Option<&str>) -> Result<&Lab, Refusal> {
        // hashes are compared, so that how long it takes tells nothing of the key
        let hash = |text: &str| Sha256::digest(text.as_bytes());
        if key.is_none_or(|key| hash(key) != hash(&self.instructor_key)) {
            return Err(Refusal::new(
                RefusalKind::Forbidden,
                "this is the instructor's, and needs the drill's instructor key",
                "send `authorization: Bearer KEY`; a headless drill prints its key, and `drill chaos` finds that of a drill on this machine",
            ));
        }
        if drill != self.id && drill != CURRENT {
            return Err(Refusal::not_found(
                format!("there is no drill `{drill}` here"),
                format!("this one is {}, or {CURRENT}", self.id),
            ));
        }
        let notebook = self.notebook.lock().clone();
        self.going_on(&notebook)?;
        self.shop()?
            .lab()
            .ok_or_else(|| Refusal::not_now("this drill has no lab", "start one that runs"))
    }

    /// The change history so far.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        self.shop.get().map_or_else(Vec::new, |shop| shop.changes())
    }

    /// The plan: for the facilitator's side only.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The journal: for the facilitator's side only.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The telemetry.
    #[must_use]
    pub fn sight(&self) -> &Arc<dyn Sight> {
        &self.sight
    }

    /// What opens the instructor's routes.
    #[must_use]
    pub fn instructor_key(&self) -> &str {
        &self.instructor_key
    }

    /// Opaque id of the drill.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Drill time now, Unix milliseconds.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Waits until the drill has ended.
    pub async fn until_ended(&self) {
        // the sender lives in self: an error is impossible while we borrow it
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }

    /// Refuses what comes after the end.
    fn going_on(&self, notebook: &Notebook) -> Result<(), Refusal> {
        match &notebook.finished {
            None => Ok(()),
            Some(how) => Err(Refusal::not_now(
                format!("the drill has ended: {how}"),
                "read the debrief, or start another drill",
            )),
        }
    }

    /// Journals an event now and takes it into the notebook.
    fn write(&self, notebook: &mut Notebook, event: Event) -> Entry {
        let entry = self.journal.append(self.clock.now_ms(), event);
        notebook.take(&entry);
        entry
    }
}
