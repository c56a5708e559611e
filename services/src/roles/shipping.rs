//! shipping: outside. Quotes for sending an article, with a latency of its own.

use std::sync::Arc;

use axum::{Json, extract::State};

use super::Running;
use crate::{
    chance::Chance,
    goods,
    problem::{Problem, Segment},
    route::Routes,
    service::Service,
    wire::Quote,
};

/// Cheapest quote, minor units.
const CHEAPEST_MINOR_UNITS: i64 = 290;

#[derive(Debug, Clone)]
struct Shipping {
    service: Arc<Service>,
    chance: Arc<Chance>,
}

/// Starts it.
pub fn start(service: &Arc<Service>) -> Running {
    let router = Routes::new(service)
        .get("/quotes/{sku}", quote)
        .with_state(Shipping {
            service: Arc::clone(service),
            chance: Arc::new(Chance::new(service.seed, "latency")),
        });
    Running::plain(service, router)
}

async fn quote(
    State(shipping): State<Shipping>,
    Segment(sku): Segment<u32>,
) -> Result<Json<Quote>, Problem> {
    if !goods::exists(sku) {
        return Err(Problem::unknown(
            "unknown_article",
            format!("there is no article {sku}"),
        ));
    }
    let latency = shipping.service.settings.now().latency;
    tokio::time::sleep(shipping.chance.latency(latency)).await;
    let shipping_minor_units = CHEAPEST_MINOR_UNITS + goods::list_price_minor_units(sku) % 400;
    Ok(Json(Quote {
        sku,
        shipping_minor_units,
    }))
}
