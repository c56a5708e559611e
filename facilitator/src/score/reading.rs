//! Reads a journal once into the facts that the parts of the score need: submissions, pins,
//! hypotheses, actions, proofs. It judges nothing but whether a submission is right, and believes
//! the journal's own word on nothing that the plan can tell.

use api::HypothesisState;
use rust_decimal::Decimal;
use scenarios::{
    plan::Plan,
    scenario::{Remedy, Truth},
};
use simulator::journal::{Entry, Event, InvariantResult};

/// Most minutes that one hint can add, a day: no scenario asks more, and a journal that says more must not
/// overflow the arithmetic.
const LONGEST_HINT_MIN: Decimal = Decimal::from_parts(1_440, 0, 0, false, 0);

/// A diagnosis that was submitted.
pub(super) struct Submission<'a> {
    pub seq: u64,
    pub at_ms: i64,
    pub component: &'a str,
    pub mechanism: &'a str,
    pub trigger: &'a str,
    pub scope: &'a str,
    /// 0 to 1.
    pub confidence: Decimal,
    pub pins: &'a [u32],
    pub right: bool,
}

/// A pin, and when it was taken back.
pub(super) struct PinFact<'a> {
    pub seq: u64,
    pub at_ms: i64,
    pub id: u32,
    pub classes: &'a [String],
    pub removed: Option<u64>,
}

/// A hypothesis as it stood when the right diagnosis was submitted, or at the end.
pub(super) struct HypothesisFact<'a> {
    pub seq: u64,
    pub id: u32,
    pub text: &'a str,
    pub component: Option<&'a str>,
    pub mechanism: Option<&'a str>,
    pub state: HypothesisState,
    pub pins: &'a [u32],
}

/// A remedy that was applied or taken back.
pub(super) struct ActionFact<'a> {
    pub seq: u64,
    pub at_ms: i64,
    pub remedy: &'a Remedy,
    pub undo: bool,
}

/// A proof that ended.
pub(super) struct ProofFact<'a> {
    pub seq: u64,
    pub at_ms: i64,
    pub passed: bool,
    pub invariants: &'a [InvariantResult],
}

/// The facts of one drill.
pub(super) struct Reading<'a> {
    pub plan: &'a Plan,
    pub entries: &'a [Entry],
    /// When the page fired, with its entry.
    pub page: Option<(u64, i64)>,
    pub acknowledged: Option<(u64, i64)>,
    pub submissions: Vec<Submission<'a>>,
    pub pins: Vec<PinFact<'a>>,
    pub hypotheses: Vec<HypothesisFact<'a>>,
    pub actions: Vec<ActionFact<'a>>,
    pub proofs: Vec<ProofFact<'a>>,
    /// Entry, drill time, minutes.
    pub hints: Vec<(u64, i64, Decimal)>,
    /// Begin and end of each pause; one that never ended lasts until the last entry.
    pub pauses: Vec<(i64, i64)>,
    /// Entry, whys, guardrails: the last that was written.
    pub learning: Option<(u64, &'a [String], &'a [String])>,
}

impl<'a> Reading<'a> {
    /// Reads the journal in its order, up to the end of the drill: who has read the debrief earns nothing more.
    pub fn new(plan: &'a Plan, entries: &'a [Entry]) -> Self {
        let mut reading = Self {
            plan,
            entries,
            page: None,
            acknowledged: None,
            submissions: Vec::new(),
            pins: Vec::new(),
            hypotheses: Vec::new(),
            actions: Vec::new(),
            proofs: Vec::new(),
            hints: Vec::new(),
            pauses: Vec::new(),
            learning: None,
        };
        let mut paused_ms = None;
        let ended = entries
            .iter()
            .position(|entry| matches!(entry.event, Event::Finished { .. }))
            .map_or(entries.len(), |place| place + 1);
        let entries = &entries[..ended];
        reading.entries = entries;
        for entry in entries {
            reading.take_notebook(entry);
            reading.take_work(entry);
            match entry.event {
                Event::Paused => paused_ms = paused_ms.or(Some(entry.at_ms)),
                Event::Resumed => {
                    if let Some(from_ms) = paused_ms.take() {
                        reading.pauses.push((from_ms, entry.at_ms));
                    }
                }
                _ => {}
            }
        }
        if let (Some(from_ms), Some(last)) = (paused_ms, entries.last()) {
            reading.pauses.push((from_ms, last.at_ms));
        }
        reading
    }

    /// The first right submission.
    pub fn right(&self) -> Option<&Submission<'a>> {
        self.submissions.iter().find(|submission| submission.right)
    }

    /// The submission that localisation, mechanism, trigger, scope and evidence are read from: the
    /// first right one, else the last.
    pub fn counted(&self) -> Option<&Submission<'a>> {
        self.right().or(self.submissions.last())
    }

    /// Milliseconds of `from..to` that were not paused; none is negative.
    pub fn running_ms(&self, from_ms: i64, to_ms: i64) -> i64 {
        let paused = self
            .pauses
            .iter()
            .map(|&(begin, end)| end.min(to_ms).saturating_sub(begin.max(from_ms)).max(0))
            .fold(0, i64::saturating_add);
        to_ms.saturating_sub(from_ms).saturating_sub(paused).max(0)
    }

    /// Milliseconds from the page to the first right submission: pauses taken out, the minutes of
    /// the hints taken before it put in.
    pub fn root_cause_ms(&self) -> Option<Decimal> {
        let (right, (_, page_ms)) = (self.right()?, self.page?);
        let hints: Decimal = self
            .hints
            .iter()
            .filter(|(seq, ..)| *seq < right.seq)
            .map(|(.., minutes)| *minutes)
            .sum();
        Some(Decimal::from(self.running_ms(page_ms, right.at_ms)) + hints * Decimal::from(60_000))
    }

    /// Remedies in force before the entry `seq`, with the entry that applied each.
    pub fn in_force(&self, seq: u64) -> Vec<(u64, &'a Remedy)> {
        let mut force: Vec<(u64, &Remedy)> = Vec::new();
        for action in self.actions.iter().filter(|action| action.seq < seq) {
            force.retain(|(_, remedy)| remedy.id != action.remedy.id);
            if !action.undo {
                force.push((action.seq, action.remedy));
            }
        }
        force
    }

    fn take_notebook(&mut self, entry: &'a Entry) {
        let settled = self.right().is_some();
        match &entry.event {
            Event::PinAdded { pin, classes, .. } => self.pins.push(PinFact {
                seq: entry.seq,
                at_ms: entry.at_ms,
                id: *pin,
                classes,
                removed: None,
            }),
            Event::PinRemoved { pin } => {
                if let Some(found) = self.pins.iter_mut().find(|fact| fact.id == *pin) {
                    found.removed = found.removed.or(Some(entry.seq));
                }
            }
            Event::HypothesisOpened {
                hypothesis,
                text,
                component,
                mechanism,
            } if !settled => self.hypotheses.push(HypothesisFact {
                seq: entry.seq,
                id: *hypothesis,
                text,
                component: component.as_deref(),
                mechanism: mechanism.as_deref(),
                state: HypothesisState::Open,
                pins: &[],
            }),
            Event::HypothesisChanged {
                hypothesis,
                state,
                pins,
            } if !settled => {
                if let Some(found) = self.hypotheses.iter_mut().find(|h| h.id == *hypothesis) {
                    (found.state, found.pins, found.seq) = (*state, pins, entry.seq);
                }
            }
            Event::Hint { cost_min, .. } => {
                let minutes = decimal(*cost_min).clamp(Decimal::ZERO, LONGEST_HINT_MIN);
                self.hints.push((entry.seq, entry.at_ms, minutes));
            }
            Event::Learning { whys, guardrails } => {
                self.learning = Some((entry.seq, whys, guardrails));
            }
            _ => {}
        }
    }

    fn take_work(&mut self, entry: &'a Entry) {
        match &entry.event {
            Event::PageFired { .. } => self.page = self.page.or(Some((entry.seq, entry.at_ms))),
            Event::Acknowledged => {
                self.acknowledged = self.acknowledged.or(Some((entry.seq, entry.at_ms)));
            }
            Event::Diagnosis {
                component,
                mechanism,
                trigger,
                scope,
                confidence,
                pins,
                ..
            } => self.submissions.push(Submission {
                seq: entry.seq,
                at_ms: entry.at_ms,
                component,
                mechanism,
                trigger,
                scope,
                confidence: decimal(*confidence).clamp(Decimal::ZERO, Decimal::ONE),
                pins,
                right: is_right(&self.plan.scenario.truth, component, mechanism),
            }),
            Event::Action {
                remedy, undo, done, ..
            } if *done => {
                if let Some(remedy) = self.plan.scenario.remedies.iter().find(|r| r.id == *remedy) {
                    self.actions.push(ActionFact {
                        seq: entry.seq,
                        at_ms: entry.at_ms,
                        remedy,
                        undo: *undo,
                    });
                }
            }
            Event::Proof { passed, invariants } => self.proofs.push(ProofFact {
                seq: entry.seq,
                at_ms: entry.at_ms,
                passed: *passed,
                invariants,
            }),
            _ => {}
        }
    }
}

/// Whether component and mechanism are both right.
#[must_use]
pub fn is_right(truth: &Truth, component: &str, mechanism: &str) -> bool {
    truth.component == component && is_mechanism(truth, mechanism)
}

/// Whether the mechanism is one of those that count as right.
pub(super) fn is_mechanism(truth: &Truth, mechanism: &str) -> bool {
    truth.mechanism == mechanism || truth.also.iter().any(|also| also == mechanism)
}

/// The decimal nearest to a float; zero for what is no number.
pub(super) fn decimal(value: f64) -> Decimal {
    Decimal::try_from(value).unwrap_or_default()
}
