//! The HTTP server of one drill: the drill API under `/api/v1`, and beside it the public telemetry
//! APIs. It turns HTTP into the desk's verbs and back; it decides nothing about a drill.

mod body;
mod chaos;
mod overhear;
mod routes;

#[cfg(test)]
mod tests;

use std::{io, net::SocketAddr, sync::Arc};

use axum::{Router, middleware};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::desk::Desk;

/// Where a drill listens unless told otherwise: loopback only, a port of the kernel's choice.
pub const DEFAULT_BIND: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// Why the server cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody else does.
    #[error("port {} of {} is taken; choose another one, or port 0 for a free one", .0.port(), .0.ip())]
    Taken(SocketAddr),
    /// The system refuses.
    #[error("cannot listen on {address}")]
    Refused {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// A server that listens and does not answer yet: its address is known before the drill begins.
#[derive(Debug)]
pub struct DrillServer {
    listener: TcpListener,
    address: SocketAddr,
}

impl DrillServer {
    /// Binds an address.
    ///
    /// # Errors
    /// When the port is taken or may not be used.
    pub async fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let refused = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => BindError::Taken(address),
            _ => BindError::Refused { address, source },
        };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The listener itself, for what is not served from here.
    #[must_use]
    pub fn into_listener(self) -> TcpListener {
        self.listener
    }

    /// Base URL, without a slash at its end.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers until cancelled; requests under way are finished.
    ///
    /// # Errors
    /// When the listener breaks.
    pub async fn serve(
        self,
        desk: Arc<Desk>,
        telemetry: Router,
        cancel: CancellationToken,
    ) -> io::Result<()> {
        axum::serve(self.listener, router(desk, telemetry))
            .with_graceful_shutdown(cancel.cancelled_owned())
            .await
    }
}

/// All routes: the drill API, and the telemetry's own at the root, whose queries are journalled.
pub fn router(desk: Arc<Desk>, telemetry: Router) -> Router {
    let heard = telemetry.layer(middleware::from_fn_with_state(
        desk.clone(),
        overhear::overhear,
    ));
    routes::router(desk).merge(heard)
}
