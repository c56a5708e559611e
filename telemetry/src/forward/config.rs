//! Where to forward to: the standard variables of OpenTelemetry exporters (opentelemetry.io/docs/specs/otel/protocol/exporter),
//! given by the caller, as this crate reads no environment. Knows no queue.

use std::net::SocketAddr;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Uri};

/// Base URL of a collector.
pub const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// `http/protobuf` (taken when it is not set) or `grpc`.
pub const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
/// Headers of every request: `name=value,name=value`, percent-encoded.
pub const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
/// Milliseconds that one attempt may take.
pub const TIMEOUT: &str = "OTEL_EXPORTER_OTLP_TIMEOUT";
/// `gzip` or `none`.
pub const COMPRESSION: &str = "OTEL_EXPORTER_OTLP_COMPRESSION";

/// What one attempt may take unless [`TIMEOUT`] says otherwise: the specification's ten seconds.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);
/// First wait before a batch is sent again; it doubles with each attempt.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// How batches are sent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// OTLP over HTTP, protobuf.
    Http,
    /// OTLP over gRPC.
    Grpc,
}

/// Where to, and how.
#[derive(Clone, PartialEq)]
pub struct ForwardConfig {
    /// Base URL, plain HTTP, without a slash at its end.
    pub(super) endpoint: String,
    /// Over which protocol.
    pub(super) protocol: Protocol,
    /// Headers of every request; they may hold secrets.
    pub(super) headers: HeaderMap,
    /// What one attempt may take.
    pub(super) timeout: Duration,
    /// Whether bodies are compressed.
    pub(super) gzip: bool,
    /// See [`FIRST_RETRY`].
    pub(super) first_retry: Duration,
}

/// Why the variables cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {problem}")]
pub struct ForwardConfigError {
    /// Which variable.
    pub variable: &'static str,
    /// What is wrong with it, and what to write instead; values that may be secret are not in it.
    pub problem: String,
}

impl ForwardConfig {
    /// Reads the variables; none when no endpoint is set. An empty variable is one that is not set.
    ///
    /// # Errors
    /// The variable that cannot be used.
    pub fn read(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, ForwardConfigError> {
        let set = |name: &str| {
            let value = variable(name).map(|value| value.trim().to_owned());
            value.filter(|value| !value.is_empty())
        };
        let wrong = |variable, problem: String| ForwardConfigError { variable, problem };
        let Some(endpoint) = set(ENDPOINT) else {
            return Ok(None);
        };
        let protocol = match set(PROTOCOL).as_deref() {
            None | Some("http/protobuf") => Protocol::Http,
            Some("grpc") => Protocol::Grpc,
            Some(other) => {
                let problem = format!("is {other:?}: use http/protobuf or grpc");
                return Err(wrong(PROTOCOL, problem));
            }
        };
        let endpoint = base_url(&endpoint, protocol).map_err(|problem| wrong(ENDPOINT, problem))?;
        let headers = set(HEADERS).map_or(Ok(HeaderMap::new()), |text| headers(&text));
        let headers = headers.map_err(|problem| wrong(HEADERS, problem))?;
        let timeout = match set(TIMEOUT) {
            None => TIMEOUT_DEFAULT,
            Some(text) => match text.parse() {
                Ok(ms @ 1..=600_000) => Duration::from_millis(ms),
                _ => {
                    let problem = format!("is {text:?}: use milliseconds from 1 to 600000");
                    return Err(wrong(TIMEOUT, problem));
                }
            },
        };
        let gzip = match set(COMPRESSION).as_deref() {
            None | Some("none") => false,
            Some("gzip") => true,
            Some(other) => {
                let problem = format!("is {other:?}: use gzip or none");
                return Err(wrong(COMPRESSION, problem));
            }
        };
        Ok(Some(Self {
            endpoint,
            protocol,
            headers,
            timeout,
            gzip,
            first_retry: FIRST_RETRY,
        }))
    }

    /// Base URL, without a slash at its end; a password in it is not shown.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Whether it is this address: then forwarding would send everything in a circle.
    #[must_use]
    pub fn is(&self, address: SocketAddr) -> bool {
        let Ok(uri) = self.endpoint.parse::<Uri>() else {
            return false;
        };
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let same_host = match host.parse::<std::net::IpAddr>() {
            Ok(ip) => ip == address.ip() || (address.ip().is_unspecified() && ip.is_loopback()),
            Err(_) => {
                let here = address.ip().is_loopback() || address.ip().is_unspecified();
                host.eq_ignore_ascii_case("localhost") && here
            }
        };
        same_host && uri.port_u16().unwrap_or(80) == address.port()
    }
}

impl std::fmt::Debug for ForwardConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // headers may be secret
        f.debug_struct("ForwardConfig")
            .field("endpoint", &self.endpoint)
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}

fn base_url(text: &str, protocol: Protocol) -> Result<String, String> {
    let text = match protocol {
        // gRPC's own clients write HOST:PORT
        Protocol::Grpc if !text.contains("://") => format!("http://{text}"),
        _ => text.to_owned(),
    };
    let example = "write http://127.0.0.1:4318, say (4317 for grpc)";
    let uri: Uri = text
        .parse()
        .map_err(|error: http::uri::InvalidUri| format!("is no URL ({error}): {example}"))?;
    match uri.scheme_str() {
        Some("http") => {}
        Some("https") => {
            return Err(
                "is an https URL, which this program does not speak: let a collector on this machine forward to it"
                    .into(),
            );
        }
        _ => return Err(format!("is no http URL: {example}")),
    }
    let authority = uri.authority().map_or("", http::uri::Authority::as_str);
    if authority.contains('@') {
        return Err(format!("holds a user name: put it into {HEADERS}"));
    }
    if authority.is_empty() || uri.query().is_some() {
        return Err(format!("is no base URL: {example}"));
    }
    if protocol == Protocol::Grpc && uri.path() != "/" {
        return Err(format!("has a path, which grpc has not: {example}"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn headers(text: &str) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for pair in text
        .split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
    {
        // what stands there may be secret: only the name is told
        let Some((name, value)) = pair.split_once('=') else {
            return Err("is not name=value,name=value".into());
        };
        let name = name.trim();
        let header: HeaderName = name
            .parse()
            .map_err(|_| format!("has {name:?}, which is no name of a header"))?;
        let value = decoded(value.trim()).and_then(|value| HeaderValue::from_bytes(&value).ok());
        let Some(mut value) = value else {
            return Err(format!("has a value for {name} that no header can have"));
        };
        value.set_sensitive(true);
        headers.insert(header, value);
    }
    Ok(headers)
}

/// Resolves `%41`.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[(&str, &str)]) -> Result<Option<ForwardConfig>, ForwardConfigError> {
        ForwardConfig::read(|name| {
            let found = set.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_standard_variables_are_read() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[(ENDPOINT, "  ")]), Ok(None));
        let plain = read(&[(ENDPOINT, "http://localhost:4318/")])
            .unwrap()
            .unwrap();
        assert_eq!(
            (plain.endpoint(), plain.protocol, plain.gzip),
            ("http://localhost:4318", Protocol::Http, false)
        );
        let full = read(&[
            (ENDPOINT, "collector:4317"),
            (PROTOCOL, "grpc"),
            (HEADERS, "authorization=Basic%20dTpw, x-tenant = a ,"),
            (TIMEOUT, "250"),
            (COMPRESSION, "gzip"),
        ]);
        let full = full.unwrap().unwrap();
        assert_eq!(
            (full.endpoint(), full.protocol, full.gzip),
            ("http://collector:4317", Protocol::Grpc, true)
        );
        assert_eq!(full.headers["authorization"], "Basic dTpw");
        assert_eq!(full.headers["x-tenant"], "a");
        assert_eq!(full.timeout, Duration::from_millis(250));
        assert!(!format!("{full:?}").contains("dTpw"));
    }

    #[test]
    fn what_cannot_be_used_is_named_and_no_secret_is_told() {
        let endpoint = (ENDPOINT, "http://127.0.0.1:4318");
        for (set, variable, part) in [
            (vec![(ENDPOINT, "https://x")], ENDPOINT, "collector"),
            (vec![(ENDPOINT, "127.0.0.1:4318")], ENDPOINT, "http"),
            (vec![(ENDPOINT, "http://u:secret@x")], ENDPOINT, HEADERS),
            (
                vec![(ENDPOINT, "http://x/p"), (PROTOCOL, "grpc")],
                ENDPOINT,
                "path",
            ),
            (vec![endpoint, (PROTOCOL, "http/json")], PROTOCOL, "grpc"),
            (vec![endpoint, (HEADERS, "secret")], HEADERS, "name=value"),
            (
                vec![endpoint, (HEADERS, "a=%4secret")],
                HEADERS,
                "a value for a",
            ),
            (vec![endpoint, (TIMEOUT, "soon")], TIMEOUT, "milliseconds"),
            (vec![endpoint, (COMPRESSION, "snappy")], COMPRESSION, "gzip"),
        ] {
            let error = read(&set).unwrap_err();
            assert_eq!(error.variable, variable);
            assert!(error.problem.contains(part), "{error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn its_own_address_is_recognised() {
        let config = |endpoint| read(&[(ENDPOINT, endpoint)]).unwrap().unwrap();
        let own = "127.0.0.1:4318".parse().unwrap();
        assert!(config("http://127.0.0.1:4318").is(own));
        assert!(config("http://LOCALHOST:4318/").is(own));
        assert!(!config("http://127.0.0.1:4319").is(own));
        assert!(!config("http://collector:4318").is(own));
        assert!(config("http://[::1]:4318").is("[::1]:4318".parse().unwrap()));
    }
}
