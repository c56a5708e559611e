//! The table of routes of the drill API, and their handlers, each a line or two.

use std::sync::Arc;

use api::{
    ActionOutcome, ActionRequest, Case, Change, Debrief, DiagnosisRequest, DrillView, Hint,
    Hypothesis, HypothesisRequest, HypothesisUpdate, Learning, LearningChoices, Note, Pin, PinNote,
    PinRequest, ProofView, ReadyRequest, Remedy, ShopAnswer, ShopRequest, Verdict, ViewOpened,
    Vocabulary,
};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, State},
    http::{Method, StatusCode, Uri},
    routing::{delete, get, post},
};

use super::body::{Body, LONGEST_BODY_BYTES};
use crate::{
    desk::Desk,
    refusal::{Refusal, RefusalKind},
};

type Answer<T> = Result<Json<T>, Refusal>;
type At = State<Arc<Desk>>;

/// The drill API. What is no route of it is answered as a problem too.
pub(super) fn router(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/api/v1/drill", get(view))
        .route("/api/v1/drill/changes", get(changes))
        .route("/api/v1/drill/vocabulary", get(vocabulary))
        .route("/api/v1/drill/case", get(case))
        .route("/api/v1/drill/ack", post(ack))
        .route("/api/v1/drill/pins", post(pin))
        .route("/api/v1/drill/pins/{id}", delete(unpin).post(note_pin))
        .route("/api/v1/drill/hypotheses", post(suspect))
        .route("/api/v1/drill/hypotheses/{id}", post(settle))
        .route("/api/v1/drill/diagnosis", post(diagnose))
        .route("/api/v1/drill/hints", post(hint))
        .route("/api/v1/drill/remedies", get(remedies))
        .route("/api/v1/drill/actions", post(act))
        .route("/api/v1/drill/requests", get(ready_requests).post(send))
        .route("/api/v1/drill/proof", get(proof).post(prove))
        .route("/api/v1/drill/views", post(view_opened))
        .route("/api/v1/drill/notes", post(note))
        .route("/api/v1/drill/learning", get(learning_choices).post(learn))
        .route("/api/v1/drill/finish", post(finish))
        .route("/api/v1/drill/debrief", get(debrief))
        .merge(super::chaos::router())
        .layer(DefaultBodyLimit::max(LONGEST_BODY_BYTES))
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .with_state(desk)
}

async fn no_such_path(uri: Uri) -> Refusal {
    Refusal::not_found(
        format!("there is nothing at {}", uri.path()),
        "the drill is at /api/v1/drill; telemetry at /loki, /prometheus, /tempo, /jaeger, /graph and /derived",
    )
}

async fn no_such_method(method: Method, uri: Uri) -> Refusal {
    Refusal::new(
        RefusalKind::Method,
        format!("{} does not take {method}", uri.path()),
        "GET reads, POST does, DELETE takes a pin back",
    )
}

async fn view(State(desk): At) -> Json<DrillView> {
    Json(desk.view())
}

async fn changes(State(desk): At) -> Json<Vec<Change>> {
    Json(desk.changes())
}

async fn vocabulary(State(desk): At) -> Json<Vocabulary> {
    Json(desk.vocabulary())
}

async fn case(State(desk): At) -> Json<Case> {
    Json(desk.case())
}

async fn ack(State(desk): At) -> Answer<DrillView> {
    desk.acknowledge().map(Json)
}

async fn pin(State(desk): At, Body(request): Body<PinRequest>) -> Answer<Pin> {
    blocking(move || desk.pin(request)).await.map(Json)
}

async fn note_pin(
    State(desk): At,
    Path(id): Path<String>,
    Body(said): Body<PinNote>,
) -> Answer<Case> {
    desk.note_pin(number(&id)?, said).map(Json)
}

async fn unpin(State(desk): At, Path(id): Path<String>) -> Answer<Case> {
    desk.unpin(number(&id)?).map(Json)
}

async fn suspect(State(desk): At, Body(request): Body<HypothesisRequest>) -> Answer<Hypothesis> {
    desk.suspect(request).map(Json)
}

async fn settle(
    State(desk): At,
    Path(id): Path<String>,
    Body(update): Body<HypothesisUpdate>,
) -> Answer<Hypothesis> {
    desk.settle(number(&id)?, update).map(Json)
}

async fn diagnose(State(desk): At, Body(request): Body<DiagnosisRequest>) -> Answer<Verdict> {
    desk.diagnose(request).map(Json)
}

async fn hint(State(desk): At) -> Answer<Hint> {
    desk.hint().map(Json)
}

async fn remedies(State(desk): At) -> Answer<Vec<Remedy>> {
    Ok(Json(desk.shop()?.remedies()))
}

async fn act(State(desk): At, Body(request): Body<ActionRequest>) -> Answer<ActionOutcome> {
    let shop = desk.shop_to_act_on()?;
    shop.act(&request).await.map(Json)
}

async fn ready_requests(State(desk): At) -> Answer<Vec<ReadyRequest>> {
    Ok(Json(desk.shop()?.ready_requests()))
}

async fn send(State(desk): At, Body(request): Body<ShopRequest>) -> Answer<ShopAnswer> {
    desk.shop_to_act_on()?.send(request).await.map(Json)
}

async fn proof(State(desk): At) -> Answer<ProofView> {
    Ok(Json(desk.shop()?.proof()))
}

async fn prove(State(desk): At) -> Answer<ProofView> {
    let shop = desk.shop_to_act_on()?;
    shop.start_proof()?;
    Ok(Json(shop.proof()))
}

async fn view_opened(
    State(desk): At,
    Body(opened): Body<ViewOpened>,
) -> Result<StatusCode, Refusal> {
    desk.view_opened(opened).map(|()| StatusCode::NO_CONTENT)
}

async fn note(State(desk): At, Body(note): Body<Note>) -> Result<StatusCode, Refusal> {
    desk.note(note).map(|()| StatusCode::NO_CONTENT)
}

async fn learning_choices(State(desk): At) -> Answer<LearningChoices> {
    desk.learning_choices().map(Json)
}

async fn learn(State(desk): At, Body(learning): Body<Learning>) -> Result<StatusCode, Refusal> {
    desk.learn(learning).map(|()| StatusCode::NO_CONTENT)
}

async fn finish(State(desk): At) -> Answer<Debrief> {
    // whoever asked may go away: an end that is begun is written
    let end = tokio::spawn(async move { desk.finish("the trainee finished it").await });
    end.await.map(Json).map_err(|error| broke_off(&error))
}

async fn debrief(State(desk): At) -> Answer<Debrief> {
    desk.debrief().await.map(Json)
}

/// An id in a path.
pub(super) fn number(text: &str) -> Result<u32, Refusal> {
    text.parse().map_err(|_| {
        Refusal::not_found(
            format!("`{text}` is no id"),
            "ids are whole numbers, as the lists show them",
        )
    })
}

/// Runs what asks the telemetry off the threads that answer requests.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(broke_off(&error)))
}

fn broke_off(error: &tokio::task::JoinError) -> Refusal {
    Refusal::new(
        RefusalKind::Failed,
        format!("the drill failed to answer: {error}"),
        "try again; if it happens again, report it with the journal",
    )
}
