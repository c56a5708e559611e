//! Toxiproxy's control API over [`Proxies`]: the same paths, shapes, status codes, defaults and error texts, so that its
//! clients, libraries and scripts drive us unchanged. It knows how things are said, not what they do.

mod answer;
mod exposition;
mod request;

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, Request, State, rejection::BytesRejection},
    http::{HeaderValue, StatusCode, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::registry::Proxies;
use answer::{proxy_json, toxic_json};

pub use answer::ApiError;
pub use exposition::Exposed;
pub use request::{parse_config, parse_toxic};

/// The version of Toxiproxy whose API this is.
pub const API_VERSION: &str = "2.12.0";
/// Largest body: a configuration of some ten thousand proxies.
const BODY_BYTES: usize = 8 << 20;
/// How long a request may take, as in Toxiproxy.
const TIME: Duration = Duration::from_secs(25);

#[derive(Clone)]
struct Api {
    proxies: Arc<Proxies>,
    exposed: Exposed,
}

/// The API. `exposed` says which metrics are there; without any there is no `/metrics`.
pub fn router(proxies: Arc<Proxies>, exposed: Exposed) -> Router {
    let mut router = Router::new()
        .route("/proxies", get(proxy_index).post(proxy_create))
        .route("/populate", post(populate))
        .route("/reset", post(reset))
        .route("/version", get(version))
        .route(
            "/proxies/{proxy}",
            get(proxy_show)
                .post(proxy_update)
                .patch(proxy_update)
                .delete(proxy_delete),
        )
        .route(
            "/proxies/{proxy}/toxics",
            get(toxic_index).post(toxic_create),
        )
        .route(
            "/proxies/{proxy}/toxics/{toxic}",
            get(toxic_show)
                .post(toxic_update)
                .patch(toxic_update)
                .delete(toxic_delete),
        );
    if exposed.any() {
        router = router.route("/metrics", get(metrics));
    }
    router
        .fallback(|| async { ApiError::new(StatusCode::NOT_FOUND, "404 page not found") })
        .method_not_allowed_fallback(|| async {
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method not allowed")
        })
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(from_fn(in_time))
        .layer(from_fn(no_browsers))
        .with_state(Api { proxies, exposed })
}

/// A web page must not be able to break what a person on the same machine tests.
async fn no_browsers(request: Request, next: Next) -> Response {
    let agent = request.headers().get(header::USER_AGENT);
    if agent.is_some_and(|agent| agent.as_bytes().starts_with(b"Mozilla/")) {
        return (StatusCode::FORBIDDEN, "User agent not allowed\n").into_response();
    }
    next.run(request).await
}

async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(TIME, next.run(request)).await {
        Ok(answer) => answer,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

type Answer = Result<Response, ApiError>;
type Body = Result<Bytes, BytesRejection>;

fn body(body: Body) -> Result<Bytes, ApiError> {
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("bad request body: larger than {BODY_BYTES} bytes"),
        ),
        status => ApiError::new(status, format!("bad request body: {rejection}")),
    })
}

async fn proxy_index(State(api): State<Api>) -> Json<Value> {
    let all = api.proxies.list();
    let named = all
        .iter()
        .map(|proxy| (proxy.spec.name.clone(), proxy_json(proxy)));
    Json(Value::Object(named.collect()))
}

async fn proxy_create(State(api): State<Api>, bytes: Body) -> Answer {
    let spec = request::proxy(&body(bytes)?)?;
    let view = api.proxies.create(spec).await?;
    Ok((StatusCode::CREATED, Json(proxy_json(&view))).into_response())
}

async fn populate(State(api): State<Api>, bytes: Body) -> Answer {
    let applied = match body(bytes).and_then(|bytes| request::parse_config(&bytes)) {
        Ok(entries) => api.proxies.populate(entries).await.map_err(ApiError::from),
        Err(error) => Err(error),
    };
    Ok(match applied {
        Ok(views) => {
            let shown: Vec<_> = views.iter().map(proxy_json).collect();
            (StatusCode::CREATED, Json(json!({ "proxies": shown }))).into_response()
        }
        // as there: what was wrong stands beside the list
        Err(ApiError { status, message }) => {
            let told = json!({ "error": message, "status": status.as_u16(), "proxies": null });
            (status, Json(told)).into_response()
        }
    })
}

async fn reset(State(api): State<Api>) -> Answer {
    api.proxies.reset().await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn version() -> Response {
    let kind = HeaderValue::from_static("application/json;charset=utf-8");
    let text = format!("{{\"version\": \"{API_VERSION}\"}}\n");
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

async fn metrics(State(api): State<Api>) -> Response {
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    let text = exposition::text(&api.proxies, api.exposed);
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

async fn proxy_show(State(api): State<Api>, Path(proxy): Path<String>) -> Answer {
    Ok(Json(proxy_json(&api.proxies.get(&proxy)?)).into_response())
}

async fn proxy_update(State(api): State<Api>, Path(proxy): Path<String>, bytes: Body) -> Answer {
    let now = api.proxies.get(&proxy)?;
    let spec = request::proxy_change(now.spec, &body(bytes)?)?;
    Ok(Json(proxy_json(&api.proxies.update(&proxy, spec).await?)).into_response())
}

async fn proxy_delete(State(api): State<Api>, Path(proxy): Path<String>) -> Answer {
    api.proxies.delete(&proxy).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn toxic_index(State(api): State<Api>, Path(proxy): Path<String>) -> Answer {
    let toxics = api.proxies.get(&proxy)?.toxics;
    let shown: Vec<_> = toxics.iter().map(toxic_json).collect();
    Ok(Json(shown).into_response())
}

async fn toxic_create(State(api): State<Api>, Path(proxy): Path<String>, bytes: Body) -> Answer {
    // a vanished proxy is told of before a wrong body
    api.proxies.get(&proxy)?;
    let spec = request::toxic(&body(bytes)?)?;
    let view = api.proxies.poison(&proxy, spec)?;
    Ok(Json(toxic_json(&view)).into_response())
}

async fn toxic_show(
    State(api): State<Api>,
    Path((proxy, toxic)): Path<(String, String)>,
) -> Answer {
    let toxics = api.proxies.get(&proxy)?.toxics;
    let found = toxics.iter().find(|one| one.name == toxic);
    let found = found.ok_or_else(|| ApiError::new(StatusCode::NOT_FOUND, "toxic not found"))?;
    Ok(Json(toxic_json(found)).into_response())
}

async fn toxic_update(
    State(api): State<Api>,
    Path((proxy, toxic)): Path<(String, String)>,
    bytes: Body,
) -> Answer {
    let there = api.proxies.get(&proxy)?.toxics;
    if !there.iter().any(|one| one.name == toxic) {
        return Err(ApiError::new(StatusCode::NOT_FOUND, "toxic not found"));
    }
    let (attributes, toxicity) = request::toxic_change(&body(bytes)?)?;
    let view = api
        .proxies
        .change_toxic(&proxy, &toxic, attributes, toxicity)?;
    Ok(Json(toxic_json(&view)).into_response())
}

async fn toxic_delete(
    State(api): State<Api>,
    Path((proxy, toxic)): Path<(String, String)>,
) -> Answer {
    api.proxies.heal(&proxy, &toxic)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[cfg(test)]
mod tests;
