//! The task that speaks with the lab, so that drawing never waits. One question may be under way per
//! slot: a newer one for the same slot cancels the older; what changes the drill has no slot and is never cancelled.
//! Knows no views: it turns an [`Ask`] into an [`Answer`].

use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::Failure;
use crate::ask::{Answer, Ask, Golden, Reply, Request, Slot};
use crate::client::loki::{Lines, LogLine, quoted};
use crate::client::prometheus::Series;
use crate::client::{Asker, Client};
use crate::time::Window;

/// Questions and answers that may wait; a full channel makes the asker keep its question and try again.
pub const WAITING: usize = 64;

/// Time for the state of the drill, which is asked for each second: a lab that hangs is noticed by it, while a query or a
/// rollout may take its time.
const HEARTBEAT: Duration = Duration::from_millis(2_500);

/// Lines of one trace that are shown beside its spans, the oldest.
pub const TRACE_LOGS: usize = 500;

/// PromQL of the golden signals; the same expressions stand in the presets of the metrics view.
pub mod golden {
    /// Requests per second and service.
    pub const RATE: &str =
        "sum by (service) (rate(http_server_request_duration_seconds_count[30s]))";
    /// Share of requests answered with a server error; zero, not nothing, where none failed.
    pub const ERRORS: &str = "(sum by (service) (rate(http_server_request_duration_seconds_count{status=~\"5..\"}[30s])) \
         or sum by (service) (rate(http_server_request_duration_seconds_count[30s])) * 0) \
         / sum by (service) (rate(http_server_request_duration_seconds_count[30s]))";
    /// 95th percentile of the duration of requests.
    pub const P95: &str = "histogram_quantile(0.95, sum by (service, le) (rate(http_server_request_duration_seconds_bucket[30s])))";
    /// Processor cores in use.
    pub const CPU: &str = "sum by (service) (rate(process_cpu_seconds_total[30s]))";
}

/// Points of a golden-signal sparkline: more than a terminal shows beside the figures.
const GOLDEN_POINTS: usize = 60;

/// Asks the lab and waits for the answer.
///
/// # Errors
/// When the lab is not reached, refuses, or answers with something else.
pub async fn perform(client: &Client, ask: Ask, asker: Asker) -> Result<Answer, Failure> {
    const NO_BODY: Option<&()> = None;
    Ok(match ask {
        Ask::Drill => Answer::Drill(client.drill("drill").await?),
        Ask::Changes => Answer::Changes(client.drill("drill/changes").await?),
        Ask::Case => Answer::Case(client.drill("drill/case").await?),
        Ask::Vocabulary => Answer::Vocabulary(client.drill("drill/vocabulary").await?),
        Ask::Remedies => Answer::Remedies(client.drill("drill/remedies").await?),
        Ask::Proof => Answer::Proof(client.drill("drill/proof").await?),
        Ask::ReadyRequests => Answer::ReadyRequests(client.drill("drill/requests").await?),
        Ask::Debrief => Answer::Debrief(client.drill("drill/debrief").await?),
        Ask::LearningChoices => Answer::LearningChoices(client.drill("drill/learning").await?),
        Ask::Ack => Answer::Drill(client.tell("drill/ack", NO_BODY).await?),
        Ask::Pin(pin) => Answer::Pinned(client.tell("drill/pins", Some(&pin)).await?),
        Ask::NotePin(id, note) => {
            let path = format!("drill/pins/{id}");
            Answer::Case(client.tell(&path, Some(&note)).await?)
        }
        Ask::Unpin(id) => Answer::Case(client.remove(&format!("drill/pins/{id}")).await?),
        Ask::Hypothesis(new) => {
            let kept: api::Hypothesis = client.tell("drill/hypotheses", Some(&new)).await?;
            Answer::HypothesisKept(kept.id)
        }
        Ask::Settle(id, update) => {
            let path = format!("drill/hypotheses/{id}");
            let kept: api::Hypothesis = client.tell(&path, Some(&update)).await?;
            Answer::HypothesisKept(kept.id)
        }
        Ask::Diagnose(diagnosis) => {
            Answer::Verdict(client.tell("drill/diagnosis", Some(&diagnosis)).await?)
        }
        Ask::Hint => Answer::Hint(client.tell("drill/hints", NO_BODY).await?),
        Ask::Act(action) => Answer::Outcome(client.tell("drill/actions", Some(&action)).await?),
        Ask::Send(request) => Answer::Shop(client.tell("drill/requests", Some(&request)).await?),
        Ask::StartProof => Answer::Proof(client.tell("drill/proof", NO_BODY).await?),
        Ask::Finish => Answer::Debrief(client.tell("drill/finish", NO_BODY).await?),
        Ask::Note(note) => client
            .tell_only("drill/notes", &note)
            .await
            .map(|()| Answer::Done)?,
        Ask::Learn(learning) => client
            .tell_only("drill/learning", &learning)
            .await
            .map(|()| Answer::Done)?,
        Ask::Opened(view) => client
            .tell_only("drill/views", &view)
            .await
            .map(|()| Answer::Done)?,
        query => telemetry(client, query, asker).await?,
    })
}

async fn telemetry(client: &Client, ask: Ask, asker: Asker) -> Result<Answer, Failure> {
    Ok(match ask {
        Ask::Golden(window) => Answer::Golden(golden_signals(client, window).await?),
        Ask::Objectives(at_ms) => Answer::Objectives(client.objectives(at_ms).await?),
        Ask::Logs(lines) => Answer::Logs(client.loki_lines(&lines, asker).await?),
        Ask::OlderLogs(lines) => Answer::OlderLogs(client.loki_lines(&lines, asker).await?),
        Ask::Context {
            query,
            at_ns,
            limit,
        } => Answer::Context(context(client, query, at_ns, limit, asker).await?),
        Ask::Histogram {
            query,
            window,
            bins,
        } => {
            let step_s = window.step_s(bins);
            Answer::Histogram(client.loki_histogram(&query, window, step_s).await?)
        }
        Ask::LogFields { services, window } => {
            Answer::LogFields(log_fields(client, &services, window).await?)
        }
        Ask::Patterns {
            query,
            window,
            since_ms,
        } => Answer::Patterns(client.patterns(&query, window, since_ms, asker).await?),
        Ask::Traces {
            query,
            window,
            wanted,
            limit,
        } => {
            let found = client.tempo_search(&query, window, wanted, limit, asker);
            Answer::Traces(found.await?)
        }
        Ask::Trace(id) => {
            let spans = client.tempo_trace(&id, asker).await?;
            // a lab that cannot derive, an older one perhaps, shows its traces all the same
            let derived = client.derived(&id).await.unwrap_or_default();
            Answer::Trace(id, spans, derived)
        }
        Ask::TraceLogs { trace_id, window } => {
            let query = format!("{{service=~\".+\"}} | trace_id=\"{trace_id}\"");
            let lines = Lines {
                newest: false,
                ..Lines::newest(query, window, TRACE_LOGS)
            };
            Answer::TraceLogs(client.loki_lines(&lines, Asker::Screen).await?)
        }
        Ask::Compare { a, b } => Answer::Compare(Box::new(client.compare(&a, &b, asker).await?)),
        Ask::Differs { of, query, window } => {
            Answer::Differs(Box::new(client.differs(of, &query, window, asker).await?))
        }
        Ask::Graph(window) => Answer::Graph(client.graph(window, asker).await?),
        query => figures(client, query, asker).await?,
    })
}

/// What charts are made of.
async fn figures(client: &Client, ask: Ask, asker: Asker) -> Result<Answer, Failure> {
    Ok(match ask {
        Ask::Metrics {
            query,
            window,
            step_s,
        } => Answer::Metrics(client.prom_range(&query, window, step_s, asker).await?),
        Ask::Exemplars { query, window } => {
            Answer::Exemplars(client.prom_exemplars(&query, window).await?)
        }
        Ask::MetricNames => {
            let (metrics, labels) = tokio::try_join!(client.prom_metrics(), client.prom_labels())?;
            Answer::MetricNames { metrics, labels }
        }
        Ask::Panels {
            queries,
            window,
            step_s,
        } => Answer::Panels(panels(client, queries, window, step_s).await?),
        Ask::Labels { metric, window } => {
            let labels = client.prom_labels_of(&metric, window).await?;
            Answer::Labels(metric, labels)
        }
        _ => Answer::Done,
    })
}

/// Series of several expressions; one that fails does not take the others' answers away, unless the lab is gone.
async fn panels(
    client: &Client,
    queries: Vec<String>,
    window: Window,
    step_s: i64,
) -> Result<Vec<(String, Result<Vec<Series>, String>)>, Failure> {
    let ask = |query: String| async move {
        let found = client.prom_range(&query, window, step_s, Asker::Screen);
        match found.await {
            Err(failure) if failure.is_lost() => Err(failure),
            found => Ok((query, found.map_err(|failure| failure.message))),
        }
    };
    futures_util::future::try_join_all(queries.into_iter().map(ask)).await
}

/// Lines before and after a time, half of the limit each.
async fn context(
    client: &Client,
    query: String,
    at_ns: i64,
    limit: usize,
    asker: Asker,
) -> Result<Vec<LogLine>, Failure> {
    /// How far around a line its context is looked for, nanoseconds of drill time.
    const AROUND_NS: i64 = 60_000_000_000;
    let limit = limit / 2;
    let (start_ns, end_ns) = (at_ns - AROUND_NS, at_ns);
    let before = Lines {
        query: query.clone(),
        start_ns,
        end_ns,
        limit,
        newest: true,
    };
    let (start_ns, end_ns) = (at_ns, at_ns + AROUND_NS);
    let after = Lines {
        query,
        start_ns,
        end_ns,
        limit,
        newest: false,
    };
    let mut lines = client.loki_lines(&before, asker).await?;
    lines.extend(client.loki_lines(&after, Asker::Screen).await?);
    Ok(lines)
}

/// The newest lines of every service, and of what went wrong: enough to know which fields there are.
async fn log_fields(
    client: &Client,
    services: &[String],
    window: Window,
) -> Result<Vec<LogLine>, Failure> {
    /// Lines that are looked at, of each service and of warnings and errors.
    const LINES: usize = 60;
    let selectors = services
        .iter()
        .map(|service| format!("{{service={}}}", quoted(service)))
        .chain([r#"{service=~".+", level=~"warn|error"}"#.to_owned()]);
    let mut lines = Vec::new();
    for selector in selectors {
        let asked = Lines::newest(selector, window, LINES);
        lines.extend(client.loki_lines(&asked, Asker::Screen).await?);
    }
    Ok(lines)
}

async fn golden_signals(client: &Client, window: Window) -> Result<Golden, Failure> {
    let step = window.step_s(GOLDEN_POINTS);
    let ask = |query: &'static str| client.prom_range(query, window, step, Asker::Screen);
    let (rate, errors, p95, cpu) = tokio::try_join!(
        ask(golden::RATE),
        ask(golden::ERRORS),
        ask(golden::P95),
        ask(golden::CPU)
    )?;
    Ok(Golden {
        rate,
        errors,
        p95,
        cpu,
    })
}

/// Asks the lab; the state of the drill only as long as a sign of life may take.
pub async fn answer(client: &Client, request: Request) -> Reply {
    let found = perform(client, request.ask.clone(), request.asker);
    match request.ask {
        Ask::Drill => reply(request, heard(client, found)).await,
        _ => reply(request, found).await,
    }
}

/// The reply to a question, whatever becomes of its answer: a panic is one too, as whoever asked would wait for ever.
async fn reply(request: Request, answer: impl Future<Output = Result<Answer, Failure>>) -> Reply {
    let caught = AssertUnwindSafe(answer).catch_unwind().await;
    let result = caught.unwrap_or_else(|_| {
        Err(Failure::own(
            "a part of this program failed on this question, the rest goes on",
        ))
    });
    Reply { request, result }
}

/// An answer that comes within the time of a sign of life, or that the lab does not answer.
async fn heard<T>(
    client: &Client,
    answer: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let answer = tokio::time::timeout(HEARTBEAT, answer).await;
    answer.unwrap_or_else(|_| Err(client.silent()))
}

/// Ends when the lab gives no sign of life while something else is waited for; looks at once where it is `lost` already.
pub async fn silence(client: &Client, lost: bool) -> Failure {
    let mut looks = lost;
    loop {
        if looks {
            let drill = client.drill::<serde::de::IgnoredAny>("drill");
            if let Err(failure) = heard(client, drill).await
                && failure.is_lost()
            {
                return failure;
            }
        }
        looks = true;
        tokio::time::sleep(HEARTBEAT).await;
    }
}

/// Serves questions until `stop`, then cancels what is under way and returns.
pub async fn serve(
    client: Client,
    mut questions: mpsc::Receiver<Request>,
    replies: mpsc::Sender<Reply>,
    stop: CancellationToken,
) {
    let mut tasks: JoinSet<()> = JoinSet::new();
    let mut under_way: HashMap<Slot, AbortHandle> = HashMap::new();
    loop {
        let request = tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = tasks.join_next(), if !tasks.is_empty() => continue,
            request = questions.recv() => match request {
                Some(request) => request,
                None => break,
            },
        };
        let slot = request.ask.slot();
        let (client, replies) = (client.clone(), replies.clone());
        let handle = tasks.spawn(async move {
            // a receiver that is gone means that the screen is closed
            let _ = replies.send(answer(&client, request).await).await;
        });
        if let Some(older) = slot.and_then(|slot| under_way.insert(slot, handle)) {
            older.abort();
        }
    }
    tasks.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::App;

    #[tokio::test]
    async fn a_lab_that_hangs_is_told_by_the_heartbeat_and_not_by_the_limit_of_a_query() {
        // connections are taken by the kernel, and nobody ever answers
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (questions, asked) = mpsc::channel(1);
        let (answers, mut replies) = mpsc::channel(1);
        let stop = CancellationToken::new();
        let client = Client::new(&address).unwrap();
        let network = tokio::spawn(serve(client, asked, answers, stop.clone()));
        let request = Request {
            ask: Ask::Drill,
            asker: Asker::Screen,
            number: 1,
        };
        questions.send(request).await.unwrap();
        let reply = replies.recv().await.expect("an answer");
        let failure = reply.result.expect_err("nobody answers");
        assert!(failure.is_lost() && !failure.absent, "{failure:?}");
        assert_eq!(
            failure.message,
            format!("the lab at {address} does not answer")
        );
        stop.cancel();
        network.await.unwrap();
    }

    #[tokio::test]
    async fn a_question_that_makes_the_program_panic_is_answered_and_can_be_asked_again() {
        let mut app = App::new("http://lab", crate::ThemeName::None, false);
        let ask = Ask::Graph(app.range.window());
        app.ask(ask.clone(), Asker::Screen);
        let request = app.questions.pop().expect("a question");
        let answered = reply(request, async { panic!("a bug") }).await;
        app.receive(answered);
        assert!(app.flights.is_empty(), "the slot is frozen");
        let failure = app.views.map.graph.failure.as_ref().expect("it is told");
        assert!(failure.message.contains("failed"), "{failure}");
        assert_eq!(app.lost, None, "the lab is there");
        app.ask_quietly(ask);
        assert_eq!(app.questions.len(), 1);
    }
}
