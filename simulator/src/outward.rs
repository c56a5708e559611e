//! HTTP/1.1 to whomever a person names, by plain HTTP and by HTTPS: one connection at a time, with what went wrong told apart.
//! The lab's own calls go through `wire`, which never leaves this machine.

use std::{sync::OnceLock, time::Duration};

use bytes::{Bytes, BytesMut};
use display_full_error::DisplayFullErrorExt;
use http::{Request, Response, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, client::conn::http1};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::{ClientConfig, RootCertStore};
use tokio_util::task::AbortOnDropHandle;
use tower::Service;

type Connector = HttpsConnector<HttpConnector>;

/// Why a call got no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallError {
    /// No `http://` or `https://` address with a host.
    #[error("`{0}` is no http:// or https:// address")]
    Address(String),
    /// No connection: nobody listens, no such host, or no trust.
    #[error("no connection to {to}: {why}")]
    Connect { to: String, why: String },
    /// The connection ended before the answer did.
    #[error("the connection ended: {0}")]
    Reset(String),
    /// The answer is no HTTP.
    #[error("the answer is no HTTP: {0}")]
    Protocol(String),
    /// Not within the time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
}

impl CallError {
    pub(crate) fn of(error: &hyper::Error) -> Self {
        let why = error.to_string_full();
        if error.is_parse() {
            Self::Protocol(why)
        } else {
            Self::Reset(why)
        }
    }
}

/// Opens connections.
#[derive(Debug)]
pub(crate) struct Dialer {
    plain: Connector,
    /// With the authorities that the machine trusts, which are read when they are needed first.
    secure: OnceLock<Result<Connector, String>>,
}

impl Dialer {
    pub(crate) fn new() -> Self {
        let nobody = config().map(|builder| builder.with_root_certificates(RootCertStore::empty()));
        Self {
            plain: connector(
                nobody
                    .expect("the provider has the protocol versions that are safe")
                    .with_no_client_auth(),
            ),
            secure: OnceLock::new(),
        }
    }

    /// Connects to the host of an address.
    ///
    /// # Errors
    /// [`CallError::Address`], [`CallError::Connect`], [`CallError::Reset`].
    pub(crate) async fn dial(&self, uri: &Uri) -> Result<Link, CallError> {
        let failed = |why: String| CallError::Connect {
            to: place(uri),
            why,
        };
        let mut connector = match (uri.scheme_str(), uri.host()) {
            (Some("http"), Some(_)) => self.plain.clone(),
            (Some("https"), Some(_)) => self
                .secure
                .get_or_init(|| {
                    let trusted = config()?.with_native_roots();
                    let trusted = trusted.map_err(|error| {
                        format!("the authorities that this machine trusts: {error}")
                    })?;
                    Ok(connector(trusted.with_no_client_auth()))
                })
                .clone()
                .map_err(failed)?,
            _ => return Err(CallError::Address(uri.to_string())),
        };
        let stream = connector
            .call(uri.clone())
            .await
            .map_err(|error| failed(error.as_ref().to_string_full()))?;
        let (sender, connection) = http1::handshake(stream)
            .await
            .map_err(|error| CallError::of(&error))?;
        let driver = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::trace!(%error, "a connection ended");
            }
        });
        Ok(Link {
            sender,
            _driver: AbortOnDropHandle::new(driver),
        })
    }
}

fn config() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, String> {
    ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())
}

fn connector(tls: ClientConfig) -> Connector {
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp)
}

/// Host and port of an address.
pub(crate) fn place(uri: &Uri) -> String {
    let host = uri.host().unwrap_or_default();
    let port = uri
        .port_u16()
        .unwrap_or(if uri.scheme_str() == Some("https") {
            443
        } else {
            80
        });
    format!("{host}:{port}")
}

/// One connection; dropping it closes it.
#[derive(Debug)]
pub(crate) struct Link {
    sender: http1::SendRequest<Full<Bytes>>,
    _driver: AbortOnDropHandle<()>,
}

impl Link {
    /// Whether it can carry a request now.
    pub(crate) fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }

    /// Sends a request, whose address is whole, and waits for the head of the answer.
    pub(crate) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, CallError> {
        let sent = self.try_send(request).await;
        sent.map_err(|(error, _)| error)
    }

    /// As [`Link::send`]; a request of which nothing was sent comes back.
    #[allow(clippy::result_large_err, reason = "it comes back as it went in")]
    pub(crate) async fn try_send(
        &mut self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, (CallError, Option<Request<Full<Bytes>>>)> {
        let uri = request.uri().clone();
        if !request.headers().contains_key(header::HOST)
            && let Some(authority) = uri.authority()
        {
            // credentials are no part of it
            let host = authority.as_str().rsplit('@').next().unwrap_or_default();
            if let Ok(host) = header::HeaderValue::from_str(host) {
                request.headers_mut().insert(header::HOST, host);
            }
        }
        *request.uri_mut() = uri
            .path_and_query()
            .map_or_else(|| Uri::from_static("/"), |path| Uri::from(path.clone()));
        let sent = self.sender.try_send_request(request).await;
        sent.map_err(|mut error| {
            let unsent = error.take_message().map(|mut request| {
                *request.uri_mut() = uri;
                request
            });
            (CallError::of(error.error()), unsent)
        })
    }
}

/// Reads a body up to a limit; says whether it is whole. What is beyond is not read.
pub(crate) async fn read(
    mut body: Incoming,
    most_bytes: usize,
) -> Result<(Bytes, bool), CallError> {
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| CallError::of(&error))?;
        if let Some(data) = frame.data_ref() {
            let room = most_bytes - read.len();
            read.extend_from_slice(&data[..data.len().min(room)]);
            if data.len() > room {
                return Ok((read.freeze(), false));
            }
        }
    }
    Ok((read.freeze(), true))
}
