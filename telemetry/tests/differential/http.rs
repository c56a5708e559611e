//! Both servers' APIs over HTTP, and ours as a server.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::net::TcpListener;

type Body = Full<bytes::Bytes>;

/// Serves `router` on a port of its own for as long as the runtime lives.
pub async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// One server's API.
#[derive(Clone)]
pub struct Api {
    address: SocketAddr,
    client: Arc<Client<HttpConnector, Body>>,
}

impl Api {
    pub fn new(address: SocketAddr) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            address,
            client: Arc::new(Client::builder(TokioExecutor::new()).build(connector)),
        }
    }

    /// What `/prometheus/api/v1/{path}` answers to a form: HTTP status and JSON.
    pub async fn ask(&self, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let fields: Vec<String> = form
            .iter()
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
            .collect();
        let request =
            http::Request::post(format!("http://{}/prometheus/api/v1/{path}", self.address))
                .header("content-type", "application/x-www-form-urlencoded")
                .body(Full::new(bytes::Bytes::from(fields.join("&"))))
                .unwrap();
        let response = self.client.request(request).await;
        let response = response.unwrap_or_else(|error| panic!("{path} {form:?}: {error:?}"));
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let json = serde_json::from_slice(&body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&body)));
        (status, json)
    }
}
