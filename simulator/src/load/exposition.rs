//! `GET /metrics` of the load generator, on a port of its own, for the same scraper that asks the services.

use std::{convert::Infallible, io, net::Ipv4Addr, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// Connections at once; more wait in the kernel's queue. One scraper and a curious person need two.
const CONNECTIONS: usize = 16;
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A listener that answers with a text made anew for each request.
#[derive(Debug)]
pub(super) struct Exposition {
    listener: TcpListener,
    pub(super) address: SocketAddr,
}

impl Exposition {
    /// Listens on a port of 127.0.0.1 chosen by the kernel.
    pub(super) async fn bind() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Serves until cancelled.
    pub(super) async fn serve<F>(self, text: F, cancel: CancellationToken)
    where
        F: Fn() -> String + Send + Sync + 'static,
    {
        let text = Arc::new(text);
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        let mut connections = JoinSet::new();
        loop {
            let permit = tokio::select! {
                () = cancel.cancelled() => return,
                Some(_) = connections.join_next() => continue,
                permit = room.clone().acquire_owned() => permit,
            };
            let accepted = tokio::select! {
                () = cancel.cancelled() => return,
                accepted = self.listener.accept() => accepted,
            };
            let Ok((stream, _)) = accepted else { continue };
            let text = text.clone();
            connections.spawn(async move {
                let _permit = permit;
                let service = service_fn(move |request| {
                    let answer = answer(&request, &*text);
                    async move { Ok::<_, Infallible>(answer) }
                });
                // who has asked and closed its side still waits for the answer
                if let Err(error) = http1::Builder::new()
                    .half_close(true)
                    .serve_connection(TokioIo::new(stream), service)
                    .await
                {
                    tracing::trace!(%error, "a scrape ended early");
                }
            });
        }
    }
}

fn answer(request: &Request<Incoming>, text: &dyn Fn() -> String) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::default());
    if request.uri().path() != "/metrics" {
        *answer.status_mut() = StatusCode::NOT_FOUND;
    } else if request.method() == Method::GET {
        *answer.body_mut() = Full::from(text());
        let kind = header::HeaderValue::from_static(CONTENT_TYPE);
        answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    } else {
        *answer.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    }
    answer
}
