//! The accept loop. It is the shop's own and not axum's, because a service must be able to hang up
//! without an answer, and to end connections in a way that its callers do not notice.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request, Response, header},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

/// Connections at once; beyond it new ones wait in the kernel's queue.
const CONNECTIONS: usize = 4_096;
/// How long answers ask callers not to come back on this connection before idle ones are closed: a pool of callers has then
/// turned to another instance, and closes no connection under a request.
const FAREWELL: Duration = Duration::from_millis(200);
/// Pause after a failed accept (out of file descriptors), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Put into a response's extensions: the connection is closed and nothing of the response is sent.
#[derive(Debug, Clone, Copy)]
pub struct HangUp;

/// The service hung up.
#[derive(Debug, thiserror::Error)]
#[error("hung up")]
struct HungUp;

/// Serves until `stop`, then finishes what is in flight and returns.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let connections = TaskTracker::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let farewell = Arc::new(AtomicBool::new(false));
    let close = CancellationToken::new();
    loop {
        let place = Arc::clone(&places).acquire_owned();
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = async { (place.await, listener.accept().await) } => accepted,
        };
        let (place, Ok((stream, _))) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let connection = connection(stream, router.clone(), Arc::clone(&farewell), close.clone());
        connections.spawn(async move {
            connection.await;
            drop(place);
        });
    }
    farewell.store(true, Ordering::Relaxed);
    tokio::time::sleep(FAREWELL).await;
    drop(listener);
    close.cancel();
    connections.close();
    connections.wait().await;
}

async fn connection(
    stream: TcpStream,
    router: Router,
    farewell: Arc<AtomicBool>,
    close: CancellationToken,
) {
    // only an optimisation: a socket without it is slower, not wrong
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request: Request<Incoming>| {
        answer(router.clone(), request, Arc::clone(&farewell))
    });
    let mut connection =
        std::pin::pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    // an error here is a caller that went away or a hang-up: both are told of where they happen
    tokio::select! {
        _ = connection.as_mut() => return,
        () = close.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn answer(
    router: Router,
    request: Request<Incoming>,
    farewell: Arc<AtomicBool>,
) -> Result<Response<Body>, HungUp> {
    let Ok(mut response) = router.oneshot(request.map(Body::new)).await;
    if response.extensions().get::<HangUp>().is_some() {
        return Err(HungUp);
    }
    if farewell.load(Ordering::Relaxed) {
        response
            .headers_mut()
            .insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}
