//! Answers of the lab, put where they belong. A failure keeps the last good result.

use api::Phase;

use super::{App, Effect, Loaded};
use crate::Failure;
use crate::ask::{Answer, Ask, Reply, Slot};
use crate::client::Asker;
use crate::views::{self, ViewId};

impl App {
    /// Takes an answer; one to a question that was superseded is dropped.
    pub fn receive(&mut self, reply: Reply) {
        if let Some(slot) = reply.request.ask.slot() {
            match self.flights.get(&slot) {
                Some(flight) if flight.number == reply.request.number => {
                    self.flights.remove(&slot);
                }
                _ => return,
            }
        }
        let handed_in = self.taken_back(reply.request.number);
        match reply.result {
            Ok(answer) => {
                (self.lost, self.absent_ms) = (None, None);
                self.good(answer, &reply.request.ask);
            }
            Err(failure) => {
                views::act::state::failed(self, &reply.request.ask);
                self.bad(failure.clone(), &reply.request.ask);
                if let Some(form) = handed_in {
                    self.comes_back(form, &failure);
                }
            }
        }
    }

    fn good(&mut self, answer: Answer, ask: &Ask) {
        match answer {
            Answer::Drill(drill) => {
                self.drill_arrived(*drill);
                if *ask == Ask::Ack {
                    self.say("the page is acknowledged");
                }
            }
            Answer::Changes(changes) => views::overview::state::keep_selected(self, |app| {
                views::changes::state::arrived(app, changes);
            }),
            Answer::Case(case) => {
                views::case::state::case_arrived(self, *case);
                match ask {
                    Ask::Unpin(id) => self.say(format!("pin #{id} dropped")),
                    Ask::NotePin(id, _) => self.say(format!("noted on pin #{id}")),
                    _ => {}
                }
            }
            Answer::Vocabulary(words) => self.known.vocabulary.good(words),
            Answer::Remedies(remedies) => views::act::rollout::arrived(self, remedies),
            Answer::Proof(proof) => {
                views::act::state::proof_arrived(self, proof);
                if *ask == Ask::StartProof {
                    self.say("the stress test has begun");
                }
            }
            Answer::Debrief(debrief) => self.debrief_arrived(*debrief, ask),
            Answer::LearningChoices(choices) => self.known.learning.good(choices),
            Answer::Pinned(pin) => {
                let (at, said) = (views::case::pins::when(&pin), views::case::pins::said(&pin));
                self.say(format!("pinned as #{}, at {at}: {said}", pin.id));
                self.ask(Ask::Case, Asker::Screen);
            }
            Answer::HypothesisKept(id) => {
                self.views.case.wanted = Some(id);
                self.say(views::case::state::kept(id, ask));
                self.ask(Ask::Case, Asker::Screen);
            }
            Answer::Verdict(verdict) => views::case::state::verdict_arrived(self, &verdict),
            Answer::Hint(hint) => views::case::state::hint_arrived(self, &hint),
            Answer::Outcome(outcome) => views::act::state::outcome_arrived(self, &outcome),
            Answer::ReadyRequests(ready) => self.views.act.ready.good(ready),
            Answer::Shop(answer) => views::act::probe::arrived(self, *answer),
            Answer::Done => self.done(ask),
            found => self.found(found, ask),
        }
    }

    /// What the telemetry holds.
    fn found(&mut self, answer: Answer, ask: &Ask) {
        match answer {
            Answer::Golden(golden) => self.views.overview.golden.good(golden),
            Answer::Objectives(found) => self.views.overview.objectives.good(found),
            Answer::Logs(lines) => views::logs::tail::arrived(self, lines, ask),
            Answer::OlderLogs(lines) => views::logs::tail::older_arrived(self, lines, ask),
            Answer::Context(lines) => views::logs::tail::context_arrived(self, lines),
            Answer::LogFields(lines) => self.views.logs.see(&lines),
            Answer::Histogram(histogram) => self.views.logs.histogram.good(histogram),
            Answer::Patterns(found) => views::logs::patterns::arrived(self, found),
            Answer::Traces(found) => views::traces::arrive::hits_arrived(self, found),
            Answer::Trace(id, spans, derived) => {
                views::traces::arrive::trace_arrived(self, id, spans, derived);
            }
            Answer::TraceLogs(lines) => self.views.traces.logs = lines,
            Answer::Compare(found) => views::traces::compare::arrived(self, *found),
            Answer::Differs(found) => views::traces::differs::arrived(self, *found),
            Answer::Metrics(series) => views::metrics::state::arrived(self, series),
            Answer::Exemplars(found) => views::metrics::exemplars::arrived(self, found, ask),
            Answer::MetricNames { metrics, labels } => {
                self.known.metrics = metrics;
                self.known.labels = labels;
            }
            Answer::Panels(answers) => views::metrics::panels::arrived(self, answers),
            Answer::Labels(metric, labels) => {
                views::metrics::complete::arrived(self, metric, labels);
            }
            Answer::Graph(graph) => views::map::state::arrived(self, graph),
            _ => {}
        }
    }

    /// A remedy of the drill's API in the words of whoever sits here: its paths are views or commands.
    fn at_hand(&self, remedy: &str) -> String {
        let ways = [
            ("GET /api/v1/drill/case", self.way("7 Case", "case")),
            (
                "GET /api/v1/drill/changes",
                self.way("6 Changes", "changes"),
            ),
            (
                "POST /api/v1/drill/finish",
                self.way("F in 9 Debrief", "finish"),
            ),
        ];
        ways.iter().fold(remedy.to_owned(), |said, (path, way)| {
            said.replace(path, way)
        })
    }

    fn done(&mut self, ask: &Ask) {
        match ask {
            Ask::Note(note) => {
                self.say(if note.status_update {
                    "status update sent"
                } else {
                    "noted"
                });
                self.ask(Ask::Case, Asker::Screen);
            }
            Ask::Learn(_) => {
                self.views.case.learned = true;
                self.say("five whys and guardrails handed in");
            }
            _ => {}
        }
    }

    fn drill_arrived(&mut self, drill: api::DrillView) {
        let before = self
            .known
            .drill
            .value
            .as_ref()
            .map(|d| (d.page.is_some(), d.phase));
        let paged = drill.page.is_some();
        let ended = drill.phase == Phase::Ended;
        let title = drill.page.as_ref().map(|p| p.title.clone());
        views::overview::state::keep_selected(self, |app| app.known.drill.good(drill));
        self.drill_told();
        if let (Some((false, _)), true, Some(title)) = (before, paged, title) {
            self.effects.push(Effect::Bell);
            self.flash_until_ms = self.mono_ms + super::tick::FLASH_MS;
            self.say_bad(format!("PAGE {title}"));
        }
        match before {
            None => self.arrived(),
            Some((_, Phase::Ended)) => {}
            Some(_) if ended => self.ask(Ask::Debrief, Asker::Screen),
            Some(_) => {}
        }
    }

    fn debrief_arrived(&mut self, debrief: api::Debrief, ask: &Ask) {
        self.known.debrief.good(debrief);
        if *ask == Ask::Finish {
            self.ask(Ask::Drill, Asker::Screen);
            self.open(ViewId::Debrief);
            self.say("the drill has ended");
        }
    }

    fn bad(&mut self, mut failure: Failure, ask: &Ask) {
        let typed = match ask.slot() {
            Some(Slot::Traces) => &self.views.traces.query,
            Some(Slot::Metrics) => &self.views.metrics.query,
            _ => &self.views.logs.query,
        };
        // a place in what words were translated into is none in the words
        if ask.query().is_some_and(|sent| sent != typed.ran) {
            failure.position = None;
        }
        if failure.is_lost() {
            self.lost = Some(failure.message.clone());
            let since = self.absent_ms.unwrap_or(self.mono_ms);
            self.absent_ms = failure.absent.then_some(since);
        }
        let Some(slot) = ask.slot() else {
            let said = match &failure.remedy {
                Some(remedy) => format!("{}: {}", failure.message, self.at_hand(remedy)),
                None => failure.message,
            };
            if !matches!(ask, Ask::Opened(_)) {
                self.say_bad(said);
            }
            return;
        };
        let known = &mut self.known;
        match slot {
            Slot::Drill => known.drill.failure = Some(failure),
            Slot::Changes => known.changes.failure = Some(failure),
            Slot::Case => known.case.failure = Some(failure),
            Slot::Vocabulary => known.vocabulary.failure = Some(failure),
            Slot::Remedies => known.remedies.failure = Some(failure),
            Slot::Proof => known.proof.failure = Some(failure),
            Slot::Debrief => known.debrief.failure = Some(failure),
            Slot::Learning => known.learning.failure = Some(failure),
            Slot::Golden => self.views.overview.golden.failure = Some(failure),
            Slot::Objectives => self.views.overview.objectives.failure = Some(failure),
            Slot::Histogram => views::logs::state::count_what_is_there(self),
            Slot::Logs | Slot::OlderLogs | Slot::Context => {
                self.views.logs.query.failure = Some(failure)
            }
            Slot::Patterns => self.views.logs.patterns.found.failure = Some(failure),
            Slot::Compare => self.views.traces.compared.failure = Some(failure),
            Slot::Differs => self.views.traces.differs.failure = Some(failure),
            Slot::Traces | Slot::Trace => self.views.traces.query.failure = Some(failure),
            Slot::TraceLogs => self.views.traces.logs.clear(),
            Slot::Metrics => self.views.metrics.query.failure = Some(failure),
            // without them a chart has no dots
            Slot::Exemplars => self.views.metrics.exemplars.clear(),
            Slot::ReadyRequests => self.views.act.ready.failure = Some(failure),
            Slot::Panels | Slot::MetricNames | Slot::LogFields => {}
            Slot::Labels => views::metrics::complete::failed(self),
            Slot::Graph => self.views.map.graph.failure = Some(failure),
        }
    }
}

/// A refusal in one line, for panes that show it in place.
#[must_use]
pub fn refusal<T>(loaded: &Loaded<T>) -> Option<String> {
    loaded.failure.as_ref().map(|f| match &f.remedy {
        Some(remedy) => format!("✗ {}: {remedy}", f.message),
        None => format!("✗ {}", f.message),
    })
}
