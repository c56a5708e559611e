//! What the HTTP toxics of a link remember and draw, and the counts of what could not be carried out.
//! It asks the toxics and moves no bytes.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use parking_lot::Mutex;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use scenarios::toxic::{
    Toxic,
    http::{Memory, Moment, RequestHead},
};
use tokio::sync::Notify;

use super::{
    super::toxics::{ToxicId, Toxics},
    plan::Plan,
};

/// Streams of the link's generator above this one belong to HTTP toxics, one each.
const FIRST_STREAM: u64 = 1 << 40;

/// One per link.
#[derive(Debug)]
pub(in super::super) struct HttpState {
    toxics: Mutex<HashMap<ToxicId, OfToxic>>,
    rng: ChaCha8Rng,
    began: Instant,
    /// Requests that have gone up.
    passed: AtomicU64,
    overtaken: Notify,
    /// What could not be done.
    pub(in super::super) counts: Counts,
}

/// What the HTTP path had to leave as it was.
#[derive(Debug, Default)]
pub struct Counts {
    pub(super) raw: AtomicU64,
    pub(super) untouched: AtomicU64,
    pub(super) single: AtomicU64,
}

impl Counts {
    /// Connections with an HTTP toxic that passed as raw bytes from some point on: not HTTP/1.x, malformed, or ambiguous.
    #[must_use]
    pub fn raw(&self) -> u64 {
        self.raw.load(Ordering::Relaxed)
    }

    /// Answers that were to be changed and passed unchanged: too large, or compressed.
    #[must_use]
    pub fn untouched(&self) -> u64 {
        self.untouched.load(Ordering::Relaxed)
    }

    /// Requests that were to be delivered twice and went once: too large, or too many at once.
    #[must_use]
    pub fn single(&self) -> u64 {
        self.single.load(Ordering::Relaxed)
    }
}

#[derive(Debug)]
struct OfToxic {
    memory: Memory,
    rng: ChaCha8Rng,
}

/// What the HTTP toxics of a link remember of one connection.
#[derive(Debug)]
pub(super) struct OfConnection {
    rng: ChaCha8Rng,
    toxics: HashMap<ToxicId, (f64, Memory)>,
}

impl OfConnection {
    /// `rng` decides, with the toxic's number, which toxics act on the connection.
    pub(super) fn new(rng: ChaCha8Rng) -> Self {
        Self {
            rng,
            toxics: HashMap::new(),
        }
    }

    fn of(&mut self, toxic: ToxicId) -> &mut (f64, Memory) {
        let rng = &self.rng;
        self.toxics.entry(toxic).or_insert_with(|| {
            let mut rng = rng.clone();
            rng.set_stream(FIRST_STREAM + toxic.0);
            (rng.random(), Memory::default())
        })
    }
}

impl HttpState {
    /// `rng` is the link's; what is drawn from it here disturbs nobody else's draws.
    pub(in super::super) fn new(rng: ChaCha8Rng) -> Self {
        Self {
            toxics: Mutex::default(),
            rng,
            began: now(),
            passed: AtomicU64::new(0),
            overtaken: Notify::new(),
            counts: Counts::default(),
        }
    }

    /// What all toxics together do to a request.
    pub(super) fn decide(
        &self,
        toxics: &Toxics,
        connection: &mut OfConnection,
        request: &RequestHead,
    ) -> Plan {
        let mut plan = Plan::default();
        let now = now().saturating_duration_since(self.began);
        let mut remembered = self.toxics.lock();
        remembered.retain(|id, _| toxics.get(*id).is_some());
        connection.toxics.retain(|id, _| toxics.get(*id).is_some());
        for installed in toxics.iter() {
            let Toxic::Http(toxic) = &installed.toxic else {
                continue;
            };
            let (draw, on_connection) = connection.of(installed.id);
            if !installed.toxicity.hits(*draw) {
                continue;
            }
            let of_toxic = remembered.entry(installed.id).or_insert_with(|| {
                let mut rng = self.rng.clone();
                rng.set_stream(FIRST_STREAM + installed.id.0);
                OfToxic {
                    memory: Memory::default(),
                    rng,
                }
            });
            let verdict = toxic.decide(
                request,
                &mut Moment {
                    link: &mut of_toxic.memory,
                    connection: on_connection,
                    now,
                    rng: &mut of_toxic.rng,
                },
            );
            if !plan.add(installed.id, verdict, request) {
                break;
            }
        }
        plan
    }

    /// Keeps an answer for the toxic that asked for it, if it is still there.
    pub(super) fn keep(&self, toxic: ToxicId, target: &str, answer: Arc<[u8]>) {
        let now = now().saturating_duration_since(self.began);
        if let Some(of_toxic) = self.toxics.lock().get_mut(&toxic) {
            of_toxic.memory.answers.keep(target, answer, now);
        }
    }

    /// Says that the toxic holds no request any more.
    pub(super) fn released(&self, toxic: ToxicId) {
        if let Some(of_toxic) = self.toxics.lock().get_mut(&toxic) {
            of_toxic.memory.holding = false;
        }
    }

    /// Number of requests that have gone up.
    pub(super) fn passed(&self) -> u64 {
        self.passed.load(Ordering::Acquire)
    }

    /// Says that so many more have gone up.
    pub(super) fn pass(&self, requests: u64) {
        if requests > 0 {
            self.passed.fetch_add(requests, Ordering::Release);
            self.overtaken.notify_waiters();
        }
    }

    /// Resolves at the next [`Self::pass`] after its making.
    pub(super) fn overtaken(&self) -> tokio::sync::futures::Notified<'_> {
        self.overtaken.notified()
    }
}

/// The runtime's time, so that a test may hold it.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
