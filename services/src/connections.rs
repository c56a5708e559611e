//! The connections of a process to the services that it calls: one pool for calls that do not block,
//! one for those that do. It knows neither calls nor spans.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::http::{HeaderValue, Request, Uri};
use bytes::Bytes;
use http_body_util::Full;
use hyper_util::{
    client::legacy::{Client, ResponseFuture, connect::HttpConnector},
    rt::TokioExecutor,
};
use parking_lot::RwLock;
use scenarios::shop::Role;
use ureq::unversioned::transport::DefaultConnector;

use crate::{credential, error::ServiceError, names::Names};

/// How long connecting may take: every peer is on this machine.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The connections of a process. Clones share them.
#[derive(Debug, Clone)]
pub struct Connections(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    names: Names,
    credential: HeaderValue,
    pools: RwLock<Pools>,
}

#[derive(Debug)]
struct Pools {
    client: Client<HttpConnector<Names>, Full<Bytes>>,
    blocking: ureq::Agent,
}

impl Connections {
    /// None yet, of a role to others under their names.
    #[must_use]
    pub fn new(of: Role, names: Names) -> Self {
        Self(Arc::new(Inner {
            pools: RwLock::new(Pools::new(&names)),
            names,
            credential: credential::of(of),
        }))
    }

    /// Sends a request.
    pub fn request(&self, request: Request<Full<Bytes>>) -> ResponseFuture {
        self.0.pools.read().client.request(request)
    }

    /// The client that blocks its thread until the answer is there.
    #[must_use]
    pub fn blocking(&self) -> ureq::Agent {
        self.0.pools.read().blocking.clone()
    }

    /// What the process presents with each call.
    #[must_use]
    pub fn credential(&self) -> HeaderValue {
        self.0.credential.clone()
    }

    /// From now on these names cannot be looked up. When that is a change, idle connections are closed, so that it is noticed
    /// by the next call; calls under way keep theirs.
    pub fn lose(&self, roles: &[Role]) {
        if self.0.names.lose(roles) {
            *self.0.pools.write() = Pools::new(&self.0.names);
        }
    }
}

impl Pools {
    fn new(names: &Names) -> Self {
        let mut connector = HttpConnector::new_with_resolver(names.clone());
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let blocking = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .build();
        Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            blocking: ureq::Agent::with_parts(blocking, DefaultConnector::default(), names.clone()),
        }
    }
}

/// Where a base URL points, which must be `http` and an address with a port.
///
/// # Errors
/// [`ServiceError::Address`].
pub fn address(role: Role, url: &str) -> Result<SocketAddr, ServiceError> {
    let parsed = || {
        let uri = url.parse::<Uri>().ok()?;
        let authority = uri.authority()?.as_str().parse().ok()?;
        (uri.scheme_str() == Some("http")).then_some(authority)
    };
    parsed().ok_or_else(|| ServiceError::Address {
        role,
        address: url.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_http_url_with_address_and_port_is_one() {
        let at = |url| address(Role::Psp, url).ok();
        let there = SocketAddr::from(([127, 0, 0, 1], 80));
        assert_eq!(at("http://127.0.0.1:80"), Some(there));
        assert_eq!(at("http://127.0.0.1:80/"), Some(there));
        for other in [
            "",
            "http://",
            "127.0.0.1:80",
            "http://127.0.0.1",
            "http://psp:80",
            "https://127.0.0.1:80",
            "http://127.0.0.1:65536",
        ] {
            assert_eq!(at(other), None, "{other}");
        }
    }
}
