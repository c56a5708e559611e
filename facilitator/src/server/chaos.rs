//! The instructor's routes: chaos in the lab. Every one needs the drill's instructor key.

use std::sync::Arc;

use api::{ChaosPreview, InjectRequest, InjectionView, MechanismView};
use axum::{
    Json, Router,
    extract::{FromRequestParts, Path, State},
    http::{StatusCode, header, request::Parts},
    routing::{get, post},
};
use display_full_error::DisplayFullErrorExt;
use simulator::lab::chaos::{ChaosError, ChaosOrder};

use super::{body::Body, routes::number};
use crate::{
    desk::Desk,
    refusal::{Refusal, RefusalKind},
};

type Answer<T> = Result<Json<T>, Refusal>;
type At = State<Arc<Desk>>;

/// The routes.
pub(super) fn router() -> Router<Arc<Desk>> {
    Router::new()
        .route("/api/v1/drills/{id}/chaos", get(list).post(inject))
        .route("/api/v1/drills/{id}/chaos/mechanisms", get(mechanisms))
        .route("/api/v1/drills/{id}/chaos/preview", post(preview))
        .route(
            "/api/v1/drills/{id}/chaos/stop-everything",
            post(stop_everything),
        )
        .route(
            "/api/v1/drills/{id}/chaos/{injection}",
            get(injection).delete(heal),
        )
        .route("/api/v1/drills/{id}/chaos/{injection}/renew", post(renew))
}

/// Who asks: the key that was sent, and the name.
struct Instructor {
    key: Option<String>,
    name: String,
}

/// Header with the name of who asks, for the journal.
const NAME_HEADER: &str = "x-drill-instructor";

impl<S: Send + Sync> FromRequestParts<S> for Instructor {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let text = |name: &str| {
            parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let key = text(header::AUTHORIZATION.as_str())
            .and_then(|value| value.strip_prefix("Bearer "))
            .map(|key| key.trim().to_owned());
        let name = text(NAME_HEADER).unwrap_or("the instructor");
        Ok(Self {
            key,
            name: name.chars().take(80).collect(),
        })
    }
}

impl From<ChaosError> for Refusal {
    fn from(error: ChaosError) -> Self {
        let kind = match error {
            ChaosError::NoInjection { .. } => RefusalKind::NotFound,
            ChaosError::Rail { .. } | ChaosError::Many(_) | ChaosError::Lease { .. } => {
                RefusalKind::NotNow
            }
            ChaosError::Lab(simulator::LabError::Down) => RefusalKind::NotNow,
            _ => RefusalKind::Invalid,
        };
        let remedy = match error {
            ChaosError::NoInjection { .. } => "GET /api/v1/drills/current/chaos lists them",
            ChaosError::Rail { .. } | ChaosError::Many(_) => {
                "heal what is in force first, or ask for less"
            }
            ChaosError::Lease { .. } => "inject it again, with lease_s",
            _ => {
                "GET /api/v1/drills/current/chaos/mechanisms tells what there is, `drill chaos list` too"
            }
        };
        Self::new(kind, error.to_string_full(), remedy)
    }
}

async fn mechanisms(
    State(desk): At,
    Path(drill): Path<String>,
    who: Instructor,
) -> Answer<Vec<MechanismView>> {
    Ok(Json(desk.lab(&drill, who.key.as_deref())?.mechanisms()))
}

async fn list(
    State(desk): At,
    Path(drill): Path<String>,
    who: Instructor,
) -> Answer<Vec<InjectionView>> {
    Ok(Json(desk.lab(&drill, who.key.as_deref())?.injections()))
}

async fn preview(
    State(desk): At,
    Path(drill): Path<String>,
    who: Instructor,
    Body(request): Body<InjectRequest>,
) -> Answer<ChaosPreview> {
    let lab = desk.lab(&drill, who.key.as_deref())?;
    Ok(Json(lab.preview(&ChaosOrder::read(&request)?)?))
}

async fn inject(
    State(desk): At,
    Path(drill): Path<String>,
    who: Instructor,
    Body(mut request): Body<InjectRequest>,
) -> Result<(StatusCode, Json<InjectionView>), Refusal> {
    let lab = desk.lab(&drill, who.key.as_deref())?;
    if request.by.is_empty() {
        request.by = who.name;
    }
    let injection = lab.inject(ChaosOrder::read(&request)?).await?;
    Ok((StatusCode::CREATED, Json(injection)))
}

async fn stop_everything(
    State(desk): At,
    Path(drill): Path<String>,
    who: Instructor,
) -> Answer<Vec<InjectionView>> {
    let lab = desk.lab(&drill, who.key.as_deref())?;
    Ok(Json(lab.stop_everything(&who.name).await))
}

async fn injection(
    State(desk): At,
    Path((drill, id)): Path<(String, String)>,
    who: Instructor,
) -> Answer<InjectionView> {
    let lab = desk.lab(&drill, who.key.as_deref())?;
    Ok(Json(lab.injection(number(&id)?)?))
}

async fn heal(
    State(desk): At,
    Path((drill, id)): Path<(String, String)>,
    who: Instructor,
) -> Answer<InjectionView> {
    let lab = desk.lab(&drill, who.key.as_deref())?;
    Ok(Json(lab.heal(number(&id)?, &who.name).await?))
}

async fn renew(
    State(desk): At,
    Path((drill, id)): Path<(String, String)>,
    who: Instructor,
) -> Answer<InjectionView> {
    let lab = desk.lab(&drill, who.key.as_deref())?;
    Ok(Json(lab.renew(number(&id)?)?))
}
