//! Calls to programs outside: connections over plain HTTP and HTTPS, what a failure means, when to call again, and a queue for
//! those who call. Knows no protocol above.

mod queue;
mod tls;

use std::time::Duration;

use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::ClientConfig;

pub(crate) use queue::{Lane, Limits, Outcome, Queue, Recipient};
pub(crate) use tls::{Authorities, Remedy, TlsProblem, failure, tls};

/// Who calls.
pub(crate) const AGENT: &str = concat!("drill-telemetry/", env!("CARGO_PKG_VERSION"));

/// Opens connections for `http://` and `https://`.
pub(crate) type Connector = HttpsConnector<HttpConnector>;

/// What is spoken on a connection; a server of HTTPS is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    Http1,
    Http2,
}

/// A connector that gives up after `timeout`; `tls` is what holds for `https://`.
pub(crate) fn connector(timeout: Duration, tls: ClientConfig, speaks: Speaks) -> Connector {
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(timeout));
    tcp.enforce_http(false);
    let both = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http();
    match speaks {
        Speaks::Http1 => both.enable_http1().wrap_connector(tcp),
        Speaks::Http2 => both.enable_http2().wrap_connector(tcp),
    }
}

/// Whether an address is `https://`.
pub(crate) fn is_https(uri: &Uri) -> bool {
    uri.scheme() == Some(&http::uri::Scheme::HTTPS)
}

/// Why something did not arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Trying again may help; not before the given time if there is one.
    Passing(String, Option<Duration>),
    /// It will never be taken.
    Lasting(String),
}

/// Seconds, or a date: that is measured against the answer's own, so that no clock is needed here.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| jiff::fmt::rfc2822::parse(text).ok();
    let until = date(text)?.timestamp();
    let now = date(headers.get(DATE)?.to_str().ok()?)?.timestamp();
    Duration::try_from(until.duration_since(now)).ok()
}

/// An address without what may be secret in it: scheme and host; path, query and credentials stay away.
pub(crate) fn shown(uri: &Uri) -> String {
    let host = uri.authority().map_or("", |authority| {
        let whole = authority.as_str();
        whole.rsplit_once('@').map_or(whole, |(_, host)| host)
    });
    let rest = if matches!(uri.path(), "" | "/") && uri.query().is_none() {
        ""
    } else {
        "/…"
    };
    format!("{}://{host}{rest}", uri.scheme_str().unwrap_or("http"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        let shown = |text: &str| shown(&text.parse().unwrap());
        assert_eq!(
            shown("https://hooks.example.com/services/T0/B0/secret"),
            "https://hooks.example.com/…"
        );
        assert_eq!(
            shown("http://me:secret@127.0.0.1:9/?key=secret"),
            "http://127.0.0.1:9/…"
        );
        assert_eq!(shown("http://127.0.0.1:9"), "http://127.0.0.1:9");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let delay = |after: &str, date: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, after.parse().unwrap());
            if let Some(date) = date {
                headers.insert(DATE, date.parse().unwrap());
            }
            retry_after(&headers)
        };
        let now = Some("Wed, 21 Oct 2015 07:27:30 GMT");
        assert_eq!(delay("7", None), Some(Duration::from_secs(7)));
        assert_eq!(
            delay("Wed, 21 Oct 2015 07:28:00 GMT", now),
            Some(Duration::from_secs(30))
        );
        assert_eq!(delay("Wed, 21 Oct 2015 07:27:00 GMT", now), None);
        assert_eq!(delay("Wed, 21 Oct 2015 07:28:00 GMT", None), None);
        assert_eq!(delay("soon", now), None);
    }
}
