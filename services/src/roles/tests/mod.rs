//! Roles through their routers, with databases in a folder of their own and other roles, or small
//! stand-ins, behind real sockets.

mod checkout;
mod database;
mod edge;
mod harms;
mod history;
mod money_flow;
mod vocabulary;

use std::{collections::BTreeMap, net::Ipv4Addr, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use http_body_util::BodyExt;
use scenarios::{
    control::ServiceConfig,
    setting::{Latency, Setting},
    shop::{CartLine, Role},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tower::ServiceExt;

use super::{Running, start};
use crate::{
    ServiceError, clock::Clock, control::Change, database::Database, health, serve::serve,
    service::Service, settings::Settings, wire::PricedLine,
};

/// A latency too small to notice.
pub fn quick() -> Setting {
    Setting::Latency(Latency {
        median_ms: 0.1,
        p99_ms: 0.2,
    })
}

/// Some roles of a shop, each served on a port of its own.
pub struct Shop {
    folder: tempfile::TempDir,
    addresses: BTreeMap<Role, String>,
    services: BTreeMap<Role, (Arc<Service>, Running)>,
    serving: Vec<DropGuard>,
}

impl Shop {
    /// Without any role.
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            addresses: BTreeMap::new(),
            services: BTreeMap::new(),
            serving: Vec::new(),
        }
    }

    /// Adds a role that calls those added before it.
    pub async fn with(mut self, role: Role, settings: &[Setting]) -> Self {
        let config = ServiceConfig {
            role,
            instance: format!("{role}-1"),
            version: "1.0.0".to_owned(),
            otlp_endpoint: String::new(),
            peers: role
                .calls()
                .iter()
                .filter_map(|peer| Some((*peer, self.addresses.get(peer)?.clone())))
                .collect(),
            database: Some(
                self.folder
                    .path()
                    .join(format!("{role}.db"))
                    .display()
                    .to_string(),
            ),
            fresh_database: false,
            database_round_trip_ms: 0.0,
            trace_share: 1.0,
            seed: 7,
            settings: settings.to_vec(),
            runtime_threads: 1,
        };
        let service = Service::open(&config, Clock::default()).await.unwrap();
        let running = start(&service).await.unwrap();
        let router = running
            .router
            .clone()
            .merge(health::routes(Arc::clone(&service)));
        self.listen(role, router).await;
        self.services.insert(role, (service, running));
        self
    }

    /// Adds a stand-in for a role.
    pub async fn stand_in(mut self, role: Role, router: Router) -> Self {
        self.listen(role, router).await;
        self
    }

    async fn listen(&mut self, role: Role, router: Router) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        self.addresses.insert(role, address);
        let stop = CancellationToken::new();
        tokio::spawn(serve(listener, router, stop.clone()));
        self.serving.push(stop.drop_guard());
    }

    /// Changes settings as the control socket does.
    pub async fn set(&self, role: Role, changes: &[Setting]) {
        self.change(role, changes, false).await.unwrap();
    }

    /// Sets everything back to its default but these.
    pub async fn replace(&self, role: Role, settings: &[Setting]) {
        self.change(role, settings, true).await.unwrap();
    }

    /// The database of a role.
    pub fn database(&self, role: Role) -> &Database {
        self.services[&role].0.database()
    }

    /// Cancelled when a task of the role has panicked.
    pub fn broken(&self, role: Role) -> CancellationToken {
        self.services[&role].0.broken.clone()
    }

    /// Settings in force.
    pub fn settings(&self, role: Role) -> Settings {
        Settings::clone(&self.services[&role].0.settings.now())
    }

    async fn change(
        &self,
        role: Role,
        settings: &[Setting],
        from_defaults: bool,
    ) -> Result<(), ServiceError> {
        let (service, running) = &self.services[&role];
        let change = Change {
            id: 0,
            settings: settings.to_vec(),
            from_defaults,
        };
        running.adapt(service.settings_after(&change)?).await
    }

    /// Sends a request to a role's router; gives status and JSON answer (null without one).
    pub async fn send(
        &self,
        role: Role,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (StatusCode, Value) {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let (service, running) = &self.services[&role];
        let router = running
            .router
            .clone()
            .merge(health::routes(Arc::clone(service)));
        let answer = router.oneshot(request).await.unwrap();
        let status = answer.status();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        (
            status,
            serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        )
    }

    /// POSTs JSON.
    pub async fn post(&self, role: Role, path: &str, body: Value) -> (StatusCode, Value) {
        self.send(role, "POST", path, &[], &body.to_string()).await
    }

    /// Value of a series of a role; the line must be there.
    pub fn metric(&self, role: Role, series: &str) -> f64 {
        let text = self.services[&role].0.metrics.text().unwrap();
        let line = text
            .lines()
            .find(|line| line.starts_with(series))
            .unwrap_or_else(|| panic!("no {series} in\n{text}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }
}

/// Files an order of two lines for customer 700, who has few.
pub async fn file_order(shop: &Shop, order_id: &str) -> (StatusCode, Value) {
    let order = json!({
        "order_id": order_id, "customer": 700, "charged_minor_units": 1_500,
        "lines": [priced(500, 1), priced(1_000, 1)],
    });
    shop.post(Role::Orders, "/orders", order).await
}

/// A line of a cart.
pub fn line(sku: u32, quantity: u32) -> CartLine {
    CartLine { sku, quantity }
}

/// A basket as JSON.
pub fn basket(order_id: &str, lines: &[CartLine]) -> Value {
    json!({ "order_id": order_id, "customer": 50, "lines": lines })
}

/// A line without discount and tax.
pub fn priced(unit_price_minor_units: i64, quantity: u32) -> PricedLine {
    PricedLine {
        sku: 30,
        quantity,
        unit_price_minor_units,
        discount_basis_points: 0,
        tax_basis_points: 0,
    }
}
