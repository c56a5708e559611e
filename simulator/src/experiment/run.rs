//! The course of a run: the hypothesis as a gate, the method with the hypothesis beside it, the hypothesis again, rollbacks.
//! All of it is one task: who drops it, or stops it, ends what is under way at once, programs included.

use std::time::Duration;

use futures_util::{StreamExt, stream::FuturesUnordered};
use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    Problem, Vars,
    activity::{execute, provide},
    hypothesis, journal,
    journal::Runs,
    looks::Looks,
    scene::{Level, Scene, Tell},
    values,
};

/// The least time between two looks at the hypothesis during the method. The Toolkit takes 0 and less, too, and then never
/// pauses: that measures itself.
pub const SHORTEST_FREQUENCY: Duration = Duration::from_millis(1);

/// How to run an experiment.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Values for the configuration.
    pub vars: Vars,
    /// What not to execute really.
    pub dry: Option<Dry>,
    /// When to look at the hypothesis; none is as the experiment says, or the default.
    pub hypothesis: Option<HypothesisStrategy>,
    /// How long to wait between two looks during the method; less than [`SHORTEST_FREQUENCY`] is taken as that.
    pub frequency: Duration,
    /// End as soon as the hypothesis is not met during the method.
    pub fail_fast: bool,
    /// When to play rollbacks; none is as the experiment says, or: always, once the method has begun.
    pub rollbacks: Option<RollbackStrategy>,
}

/// Ends a run early: once for what is under way, with rollbacks, and once more for these, too.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// No more activities; then rollbacks, as their strategy says.
    pub stop: CancellationToken,
    /// No more rollbacks either.
    pub give_up: CancellationToken,
}

/// A set of words that name the variants of an enumeration.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$each])* $variant),+ }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its word.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// By its word.
            #[must_use]
            pub fn named(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|each| each.name() == word)
            }
        }
    };
}

words! {
    /// What is not executed, only journalled.
    Dry {
        /// Probes; tolerances are not looked at.
        Probes = "probes",
        /// Actions.
        Actions = "actions",
        /// Both.
        Activities = "activities",
        /// Pauses.
        Pause = "pause",
    }
}

words! {
    /// When to look at the hypothesis.
    HypothesisStrategy {
        /// Before and after the method.
        Default = "default",
        /// Before.
        Before = "before-method-only",
        /// After.
        After = "after-method-only",
        /// Again and again beside the method.
        During = "during-method-only",
        /// Before, beside and after.
        Continuously = "continuously",
        /// Never.
        Skip = "skip",
    }
}

words! {
    /// When to play rollbacks.
    RollbackStrategy {
        /// Unless the run failed or was interrupted.
        Default = "default",
        /// In any case.
        Always = "always",
        /// In no case.
        Never = "never",
        /// Only when the steady state was lost.
        Deviated = "deviated",
    }
}

impl HypothesisStrategy {
    const fn before(self) -> bool {
        matches!(self, Self::Default | Self::Before | Self::Continuously)
    }

    const fn during(self) -> bool {
        matches!(self, Self::During | Self::Continuously)
    }

    const fn after(self) -> bool {
        matches!(self, Self::Default | Self::After | Self::Continuously)
    }
}

pub(super) async fn run(
    written: &Map<String, Value>,
    options: &Options,
    tell: Tell,
    stop: &Stop,
) -> Result<Map<String, Value>, Vec<Problem>> {
    let start = Timestamp::now();
    let scene = Scene::new(written, options, tell)?;
    let strategy = |part: &str| written.get("runtime")?.get(part)?.get("strategy")?.as_str();
    let course = Course {
        hypothesis: options
            .hypothesis
            .or_else(|| strategy("hypothesis").and_then(HypothesisStrategy::named))
            .unwrap_or(HypothesisStrategy::Default),
        rollbacks: options
            .rollbacks
            .or_else(|| strategy("rollbacks").and_then(RollbackStrategy::named)),
        scene,
        runs: Runs::default(),
        report: Mutex::default(),
    };
    let mut experiment = written.clone();
    let title = experiment
        .get("title")
        .map_or(Value::Null, |title| course.scene.fill(title));
    experiment.insert("title".to_owned(), title);
    let mut journal = journal::begin(&experiment, options.dry, start);
    course.announce(&experiment["title"]);
    let interrupted = tokio::select! {
        biased;
        () = stop.stop.cancelled() => true,
        () = course.play() => false,
    };
    if interrupted {
        course.report.lock().status = Some(Status::Interrupted);
    }
    let rolled_back = Runs::default();
    if course.plays_rollbacks() {
        tokio::select! {
            biased;
            () = stop.give_up.cancelled() => {
                course.report.lock().status = Some(Status::Interrupted);
                course.scene.warn("Terminating now without running the remaining rollbacks.");
            }
            () = course.roll_back(&rolled_back) => {}
        }
    }
    course.close(&mut journal, &rolled_back, start);
    Ok(journal)
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Completed,
    Failed,
    Interrupted,
}

impl Status {
    const fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// What is known so far; it outlives a course that is cut short.
#[derive(Debug, Default)]
struct Report {
    status: Option<Status>,
    deviated: bool,
    /// Something of the method may have been done.
    begun: bool,
    before: Option<Value>,
    during: Looks,
    after: Option<Value>,
}

struct Course<'a> {
    scene: Scene<'a>,
    hypothesis: HypothesisStrategy,
    rollbacks: Option<RollbackStrategy>,
    runs: Runs,
    report: Mutex<Report>,
}

impl Course<'_> {
    fn announce(&self, title: &Value) {
        let scene = &self.scene;
        scene.info(&format!("Running experiment: {}", values::text(title)));
        if let Some(dry) = scene.options.dry {
            scene.warn(&format!("Running experiment with dry {}", dry.name()));
        }
        scene.info(&format!(
            "Steady-state strategy: {}",
            self.hypothesis.name()
        ));
        let rollbacks = self.rollbacks.map_or(
            "default, and whatever happens once the method has begun",
            RollbackStrategy::name,
        );
        scene.info(&format!("Rollbacks strategy: {rollbacks}"));
    }

    async fn play(&self) {
        self.configure().await;
        let scene = &self.scene;
        let probes = match self.hypothesis {
            HypothesisStrategy::Skip => {
                scene.info("Skipping Steady-State Hypothesis as requested");
                None
            }
            _ => {
                let probes = hypothesis::probes(scene.experiment);
                if probes.is_none() {
                    scene.info("No steady state hypothesis defined. That's ok, just exploring.");
                }
                probes
            }
        };
        if let Some(probes) = probes.filter(|_| self.hypothesis.before()) {
            let state = hypothesis::look(scene, probes).await;
            let status = self.verdict(&state);
            let mut report = self.report.lock();
            report.before = Some(state);
            if let Some(status) = status {
                report.status = Some(status);
                return;
            }
        }
        match probes.filter(|_| self.hypothesis.during()) {
            None => self.method().await,
            Some(probes) => {
                let over = CancellationToken::new();
                let method = async {
                    self.method().await;
                    over.cancel();
                };
                tokio::join!(self.look_continuously(probes, &over), method);
            }
        }
        if let Some(probes) = probes.filter(|_| self.hypothesis.after()) {
            let state = hypothesis::look(scene, probes).await;
            let status = self.verdict(&state);
            let mut report = self.report.lock();
            report.after = Some(state);
            if let Some(status) = status {
                report.deviated = true;
                report.status = Some(status);
            }
        }
    }

    /// Values of the configuration that are probes: what they give stands in their place; one that fails leaves none.
    async fn configure(&self) {
        let mut had_errors = false;
        for (name, value) in self.scene.configuration() {
            if value.get("type").and_then(Value::as_str) != Some("probe") {
                continue;
            }
            self.scene.forget(&name);
            let given = provide(&self.scene, &value).await;
            let value = match (given, value["provider"]["type"].as_str()) {
                (Ok(output), Some("http")) => Some(output["body"].clone()),
                (Ok(output), Some("process")) => (output["status"] == 0)
                    .then(|| json!(output["stdout"].as_str().unwrap_or_default().trim())),
                (Ok(output), _) => Some(output),
                (Err(_), _) => None,
            };
            match value {
                Some(value) => self.scene.configure(&name, value),
                None => had_errors = true,
            }
        }
        if had_errors {
            self.scene
                .warn("Some of the dynamic configuration failed to be loaded.");
        }
    }

    /// What a look at the hypothesis ends the run with, if it was not met.
    fn verdict(&self, state: &Value) -> Option<Status> {
        if state["steady_state_met"] == true {
            return None;
        }
        let probes = state["probes"].as_array()?;
        let name = values::text(&probes.last()?["activity"]["name"]);
        (self.scene.tell)(
            Level::Critical,
            &format!(
                "Steady state probe '{name}' is not in the given tolerance so failing this experiment"
            ),
        );
        let failed = probes.iter().any(|probe| probe["status"] != "succeeded");
        Some(if failed {
            Status::Failed
        } else {
            Status::Completed
        })
    }

    async fn look_continuously(&self, probes: &[Value], over: &CancellationToken) {
        let every = self.scene.options.frequency.max(SHORTEST_FREQUENCY);
        self.scene.info(&format!(
            "Executing the steady-state hypothesis continuously every {} seconds",
            every.as_secs_f64()
        ));
        while !over.is_cancelled() {
            let state = hypothesis::look(&self.scene, probes).await;
            let met = state["steady_state_met"] == true;
            if !met {
                let last = state["probes"].as_array().and_then(|probes| probes.last());
                let name = last.map(|probe| values::text(&probe["activity"]["name"]));
                self.scene.warn(&format!(
                    "Continuous steady state probe '{}' is not in the given tolerance",
                    name.unwrap_or_default()
                ));
            }
            let share = {
                let mut report = self.report.lock();
                report.during.add(state);
                report.during.lost_percent()
            };
            if !met && self.scene.options.fail_fast {
                self.scene.info(&format!(
                    "Terminating immediately the experiment after {share:.1}% hypothesis deviated"
                ));
                self.report.lock().status = Some(Status::Failed);
                break;
            }
            tokio::select! {
                () = over.cancelled() => {}
                () = tokio::time::sleep(every) => {}
            }
        }
        self.scene
            .info("Continuous steady state hypothesis terminated");
    }

    async fn method(&self) {
        self.scene.info("Playing your experiment's method now...");
        let activities = list(self.scene.experiment, "method");
        if activities.is_empty() {
            self.scene.info("No declared activities, let's move on.");
        }
        self.report.lock().begun = !activities.is_empty();
        let failed = || self.report.lock().status == Some(Status::Failed);
        self.all(activities, &self.runs, failed, |_| {}).await;
    }

    async fn roll_back(&self, runs: &Runs) {
        self.scene.info("Let's rollback...");
        let activities = list(self.scene.experiment, "rollbacks");
        if activities.is_empty() {
            self.scene.info("No declared rollbacks, let's move on.");
        }
        let before = |activity: &Value| {
            let name = activity.get("name").map_or(Value::Null, Clone::clone);
            self.scene
                .info(&format!("Rollback: {}", values::text(&name)));
        };
        self.all(activities, runs, || false, before).await;
    }

    /// Executes activities one after another, those in the background beside the others; waits for all of them.
    async fn all(
        &self,
        activities: &[Value],
        runs: &Runs,
        enough: impl Fn() -> bool,
        before: impl Fn(&Value),
    ) {
        let mut background = FuturesUnordered::new();
        for activity in activities {
            before(activity);
            let work = execute(&self.scene, activity, runs);
            if activity.get("background") == Some(&Value::Bool(true)) {
                background.push(work);
                continue;
            }
            let mut work = std::pin::pin!(work);
            loop {
                tokio::select! {
                    biased;
                    Some(_) = background.next(), if !background.is_empty() => {}
                    _ = &mut work => break,
                }
            }
            if enough() {
                break;
            }
        }
        while background.next().await.is_some() {}
    }

    fn plays_rollbacks(&self) -> bool {
        let (status, deviated, begun) = {
            let report = self.report.lock();
            (report.status, report.deviated, report.begun)
        };
        let cut_short = matches!(status, Some(Status::Failed | Status::Interrupted));
        let scene = &self.scene;
        match self.rollbacks {
            Some(RollbackStrategy::Always) => {
                scene.warn("Rollbacks were explicitly requested to be played");
                true
            }
            Some(RollbackStrategy::Never) => {
                scene.warn("Rollbacks were explicitly requested to not be played");
                false
            }
            Some(RollbackStrategy::Deviated) if deviated => {
                scene.warn("Rollbacks will be played only because the experiment deviated");
                true
            }
            Some(RollbackStrategy::Deviated) => {
                scene.warn(
                    "Rollbacks were explicitly requested to be played only if the experiment deviated. Since this is not the \
                     case, we will not play them.",
                );
                false
            }
            Some(RollbackStrategy::Default) => !cut_short,
            None if cut_short && begun => {
                scene.warn("Rollbacks are played, since the method had begun");
                true
            }
            None => !cut_short,
        }
    }

    fn close(&self, journal: &mut Map<String, Value>, rolled_back: &Runs, start: Timestamp) {
        let report = std::mem::take(&mut *self.report.lock());
        let status = report.status.unwrap_or(Status::Completed).name();
        journal["status"] = json!(status);
        journal["deviated"] = json!(report.deviated);
        journal["steady_states"] = report.during.journal(report.before, report.after);
        journal["run"] = Value::Array(self.runs.close());
        journal["rollbacks"] = Value::Array(rolled_back.close());
        journal.insert("end".to_owned(), json!(journal::moment(Timestamp::now())));
        journal.insert("duration".to_owned(), json!(journal::since(start)));
        let shown = if report.deviated { "deviated" } else { status };
        self.scene
            .info(&format!("Experiment ended with status: {shown}"));
        if report.deviated {
            self.scene
                .info("The steady-state has deviated, a weakness may have been discovered");
        }
    }
}

fn list<'a>(experiment: &'a Map<String, Value>, name: &str) -> &'a [Value] {
    let list = experiment.get(name).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}
