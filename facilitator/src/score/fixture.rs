//! A small plan and a journal writer for tests: a scenario with two decoys, three classes of
//! evidence, four remedies and a chain of five causes.

use std::collections::BTreeMap;

use api::{HypothesisState, PinTarget};
use scenarios::{plan::Plan, seed::Seed};
use simulator::journal::{Entry, Event, InvariantResult};

/// The page of every fixture: a drill time, Unix milliseconds.
pub const PAGE_MS: i64 = 1_799_982_000_000;

/// The plan.
pub fn plan() -> Plan {
    Plan {
        seed: Seed(7),
        level: 3,
        draws: BTreeMap::new(),
        rules: Vec::new(),
        scenario: serde_json::from_str(SCENARIO).expect("the fixture is a scenario"),
    }
}

const SCENARIO: &str = r#"{
  "slug": "fixture", "title": "The pool of two", "summary": "checkout is slow", "level": 3,
  "par": "8m", "limit": "40m",
  "services": [{"service": "payments", "version": "1"}, {"service": "worker", "version": "1"}],
  "database": {"round_trip_ms": 0.5},
  "load": {"journeys_per_s": 1.0, "checkout_share": 0.5, "history_share": 0.1, "think": "1s"},
  "history": {"span": "15m", "speed": 120.0, "lead_in": "7s"},
  "brief": {"situation": "slow", "normal": "fast"},
  "page": {"alert": "CheckoutSlow", "title": "checkout is slow", "within": "8s"},
  "rules": [],
  "timeline": [
    {"at": "-7s", "id": "pool", "role": "fault", "says": "the pool was cut to two",
     "change": {"kind": "config", "title": "drop override", "author": "kim"}}
  ],
  "truth": {
    "component": "payments", "near": ["psp", "checkout"], "mechanism": "pool-exhaustion",
    "triggers": ["pool"], "scope": "buyers",
    "graph": {
      "nodes": [{"id":"a","text":"the override was dropped"},{"id":"b","text":"two connections"},{"id":"c","text":"charges wait"},
                {"id":"d","text":"checkouts wait"},{"id":"e","text":"the page"}],
      "edges": [["a","b"],["b","c"],["c","d"],["d","e"]],
      "distractors": [{"id":"x","text":"the report burns a core"}]
    }
  },
  "scopes": [{"id":"buyers","text":"everybody who pays"},{"id":"all","text":"everybody"}],
  "evidence": [
    {"id":"waiting","proves":"charges wait for a connection","decisive":true,"find":{"promql":"connection_pool_waiting{service=\"payments\"} > 0"},
     "also":[{"logql":"{service=\"payments\"} |= \"charge accepted\""}]},
    {"id":"limit","proves":"the pool was cut","decisive":true,"find":{"logql":"{service=\"payments\"} |= \"resized\""}},
    {"id":"idle","proves":"the worker's core is not ours","find":{"promql":"process_cpu_seconds_total"}}
  ],
  "decoys": [
    {"id":"report","says":"the report","component":"worker","alerts":["CpuHigh"],"ruled_out_by":["idle"]},
    {"id":"provider","says":"the provider","component":"psp","ruled_out_by":["waiting"]}
  ],
  "remedies": [
    {"id":"fix","title":"roll back","description":"","kind":"rollback","worth":"right","because":"the cause is gone"},
    {"id":"half","title":"retry less","description":"","kind":"config","worth":"partial","because":"helps a little"},
    {"id":"again","title":"restart payments","description":"","kind":"restart","worth":"wrong","because":"settings persist"},
    {"id":"kill","title":"kill the report","description":"","kind":"job","worth":"harmful","because":"the books are not closed"}
  ],
  "proof": {"description":"load","lasting":"10s","settle":"2s","load":{},
    "invariants":[{"id":"p95","title":"p95 under 1 s","query":"x","at_most":1.0},{"id":"ok","title":"all succeed","query":"y","at_least":0.99},
                  {"id":"wait","title":"nobody waits","query":"z","at_most":0.0},{"id":"up","title":"all up","query":"u","at_least":1.0}]},
  "hints": [{"text":"look at pools","cost_min":2.5}],
  "debrief": {"story":"so it was","questions":["why?"],
    "guardrails":[{"id":"canary","text":"canary","prevents":true},{"id":"review","text":"review","prevents":true},{"id":"disk","text":"more disk"}],
    "kpis":[{"name":"p95","unit":"s","query":"x"}]}
}"#;

/// Writes a journal entry by entry.
#[derive(Debug)]
pub struct Pen {
    /// What was written.
    pub entries: Vec<Entry>,
    pins: u32,
}

impl Pen {
    /// A journal in which the page has just fired.
    pub fn paged() -> Self {
        let mut pen = Self {
            entries: Vec::new(),
            pins: 0,
        };
        pen.at(
            -7,
            Event::Timeline {
                id: "pool".into(),
                role: "fault".into(),
                says: "cut".into(),
            },
        );
        pen.at(
            0,
            Event::PageFired {
                alert: "CheckoutSlow".into(),
                value: 2.0,
                since_ms: PAGE_MS,
            },
        );
        pen
    }

    /// Writes an event so many seconds after the page.
    pub fn at(&mut self, second: i64, event: Event) -> &mut Self {
        self.entries.push(Entry {
            seq: self.entries.len() as u64,
            at_ms: PAGE_MS + second * 1_000,
            event,
            prev: String::new(),
            hash: String::new(),
        });
        self
    }

    /// Pins something of these classes; pins count from 1.
    pub fn pin(&mut self, second: i64, classes: &[&str]) -> &mut Self {
        self.pins += 1;
        self.at(
            second,
            Event::PinAdded {
                pin: self.pins,
                target: PinTarget::Change { id: "pool".into() },
                text: String::new(),
                note: String::new(),
                classes: classes.iter().map(|class| (*class).to_owned()).collect(),
            },
        )
    }

    /// Rejects a hypothesis about a component with these pins.
    pub fn reject(&mut self, second: i64, component: &str, pins: &[u32]) -> &mut Self {
        let hypothesis = self.entries.len() as u32;
        self.at(
            second,
            Event::HypothesisOpened {
                hypothesis,
                text: "a suspicion".into(),
                component: Some(component.into()),
                mechanism: None,
            },
        )
        .at(
            second,
            Event::HypothesisChanged {
                hypothesis,
                state: HypothesisState::Rejected,
                pins: pins.to_vec(),
            },
        )
    }

    /// Submits a diagnosis; the trigger and scope are the right ones.
    pub fn say(
        &mut self,
        second: i64,
        component: &str,
        mechanism: &str,
        confidence: f64,
    ) -> &mut Self {
        self.say_citing(second, component, mechanism, confidence, &[])
    }

    fn say_citing(
        &mut self,
        second: i64,
        component: &str,
        mechanism: &str,
        confidence: f64,
        pins: &[u32],
    ) -> &mut Self {
        self.at(
            second,
            Event::Diagnosis {
                component: component.into(),
                mechanism: mechanism.into(),
                trigger: "pool".into(),
                scope: "buyers".into(),
                confidence,
                pins: pins.to_vec(),
                text: String::new(),
                right: component == "payments" && mechanism == "pool-exhaustion",
            },
        )
    }

    /// Submits the right diagnosis.
    pub fn right(&mut self, second: i64, confidence: f64) -> &mut Self {
        self.right_citing(second, confidence, &[])
    }

    /// Submits the right diagnosis with these pins.
    pub fn right_citing(&mut self, second: i64, confidence: f64, pins: &[u32]) -> &mut Self {
        self.say_citing(second, "payments", "pool-exhaustion", confidence, pins)
    }

    /// Applies or takes back a remedy.
    pub fn act(&mut self, second: i64, remedy: &str, undo: bool) -> &mut Self {
        self.at(
            second,
            Event::Action {
                remedy: remedy.into(),
                undo,
                done: true,
                message: String::new(),
            },
        )
    }

    /// Ends a proof in which the first `held` of four invariants hold.
    pub fn prove(&mut self, second: i64, held: usize) -> &mut Self {
        let invariants = ["p95", "ok", "wait", "up"]
            .iter()
            .enumerate()
            .map(|(index, id)| InvariantResult {
                id: (*id).into(),
                before: None,
                after: Some(1.0),
                holds: index < held,
            })
            .collect();
        self.at(
            second,
            Event::Proof {
                passed: held == 4,
                invariants,
            },
        )
    }
}
