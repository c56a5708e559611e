//! Where to forward to: the standard variables of OpenTelemetry exporters (opentelemetry.io/docs/specs/otel/protocol/exporter),
//! given by the caller, as this crate reads no environment; only files of certificates are read here. Knows no queue.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use rustls::ClientConfig;

use crate::outbound::{self, Authorities, TlsProblem, is_https};
use crate::receive::Signal;

/// Base URL of a collector. A signal's own, `OTEL_EXPORTER_OTLP_LOGS_ENDPOINT` say, is the whole URL of that signal (over gRPC the
/// base all the same). As with every variable here, a signal's own goes before the one of all.
pub const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// `http/protobuf` (taken when it is not set) or `grpc`.
pub const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
/// Headers of every request: `name=value,name=value`, percent-encoded.
pub const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
/// Milliseconds that one attempt may take.
pub const TIMEOUT: &str = "OTEL_EXPORTER_OTLP_TIMEOUT";
/// `gzip` or `none`.
pub const COMPRESSION: &str = "OTEL_EXPORTER_OTLP_COMPRESSION";
/// `true`: a gRPC endpoint without a scheme is plain HTTP.
pub const INSECURE: &str = "OTEL_EXPORTER_OTLP_INSECURE";
/// A PEM file: the certificates that are trusted over HTTPS, instead of the machine's.
pub const CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_CERTIFICATE";
/// A PEM file: the certificate that is shown to a collector that asks for one.
pub const CLIENT_CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE";
/// A PEM file: its key.
pub const CLIENT_KEY: &str = "OTEL_EXPORTER_OTLP_CLIENT_KEY";

/// What the name of every variable begins with.
const PREFIX: &str = "OTEL_EXPORTER_OTLP_";
/// What one attempt may take unless [`TIMEOUT`] says otherwise: the specification's ten seconds.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);
/// First wait before a batch is sent again; it doubles with each attempt.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// Bytes of a file of certificates: all that a machine trusts are some 200 KB.
const PEM_BYTES_MAX: u64 = 4 * 1024 * 1024;
const EXAMPLE: &str = "write http://127.0.0.1:4318, say (4317 for grpc)";

/// How batches are sent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// OTLP over HTTP, protobuf.
    Http,
    /// OTLP over gRPC.
    Grpc,
}

/// Where to, and how, for each signal.
#[derive(Debug, Clone)]
pub struct ForwardConfig {
    /// By [`Signal`]; one that has no endpoint stays here.
    pub(super) targets: [Option<Target>; 3],
    /// See [`FIRST_RETRY`].
    pub(super) first_retry: Duration,
}

/// Where one signal goes.
#[derive(Clone)]
pub(super) struct Target {
    /// What is shown of the address: without a query, which may be secret, and without a slash at its end.
    pub shown: String,
    /// The whole URL over HTTP, the origin over gRPC.
    pub uri: Uri,
    /// Over which protocol.
    pub protocol: Protocol,
    /// Headers of every request; they may hold secrets.
    pub headers: HeaderMap,
    /// What one attempt may take.
    pub timeout: Duration,
    /// Whether bodies are compressed.
    pub gzip: bool,
    /// What holds for an `https://` address.
    pub tls: ClientConfig,
}

/// Why the variables cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {problem}")]
pub struct ForwardConfigError {
    /// Which variable.
    pub variable: String,
    /// What is wrong with it, and what to write instead; values that may be secret are not in it.
    pub problem: String,
}

impl ForwardConfig {
    /// Reads the variables; none when no endpoint is set. An empty variable is one that is not set.
    ///
    /// # Errors
    /// The variable that cannot be used, or names a file that cannot be.
    pub fn read(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, ForwardConfigError> {
        let mut known = Vec::new();
        let mut targets = [None, None, None];
        for signal in Signal::ALL {
            let variables = Variables {
                variable: &variable,
                signal,
            };
            targets[signal as usize] = variables.target(&mut known)?;
        }
        let any = targets.iter().any(Option::is_some);
        Ok(any.then_some(Self {
            targets,
            first_retry: FIRST_RETRY,
        }))
    }

    /// Where to, in words: the base URL, or a list when signals have different ones. No password or key is in it.
    #[must_use]
    pub fn endpoint(&self) -> String {
        let of = |signal: Signal| Some(self.targets[signal as usize].as_ref()?.shown.as_str());
        let first = of(Signal::ALL[0]);
        if let Some(one) = first
            && Signal::ALL.into_iter().all(|signal| of(signal) == first)
        {
            return one.to_owned();
        }
        let each = Signal::ALL
            .into_iter()
            .filter_map(|signal| Some(format!("{} to {}", signal.name(), of(signal)?)));
        each.collect::<Vec<_>>().join(", ")
    }

    /// What is left without what would go to one of these addresses, if anything: one's own, where it would go in a circle.
    #[must_use]
    pub fn without(mut self, own: &[SocketAddr]) -> Option<Self> {
        for target in &mut self.targets {
            target.take_if(|target| own.iter().any(|address| target.is(*address)));
        }
        self.targets.iter().any(Option::is_some).then_some(self)
    }
}

impl Target {
    fn is(&self, address: SocketAddr) -> bool {
        let host = self.uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let same_host = match host.parse::<IpAddr>() {
            Ok(ip) => ip == address.ip() || (address.ip().is_unspecified() && ip.is_loopback()),
            Err(_) => {
                let here = address.ip().is_loopback() || address.ip().is_unspecified();
                host.eq_ignore_ascii_case("localhost") && here
            }
        };
        let usual = if is_https(&self.uri) { 443 } else { 80 };
        same_host && self.uri.port_u16().unwrap_or(usual) == address.port()
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // headers and a query may be secret
        f.debug_struct("Target")
            .field("shown", &self.shown)
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}

/// The variables as they hold for one signal.
struct Variables<'a, F> {
    variable: &'a F,
    signal: Signal,
}

/// A variable that is set: its name, and what it is set to.
type Set = (String, String);
/// What was read of certificates, by the names of the files.
type Known = Vec<([Option<Set>; 3], ClientConfig)>;

fn wrong(variable: impl Into<String>, problem: impl Into<String>) -> ForwardConfigError {
    ForwardConfigError {
        variable: variable.into(),
        problem: problem.into(),
    }
}

impl<F: Fn(&str) -> Option<String>> Variables<'_, F> {
    /// The signal's own, or else the one of all.
    fn get(&self, general: &str) -> Option<Set> {
        let set = |name: String| {
            let value = (self.variable)(&name)?.trim().to_owned();
            (!value.is_empty()).then_some((name, value))
        };
        set(self.own(general)).or_else(|| set(general.to_owned()))
    }

    /// Name of the signal's own variable.
    fn own(&self, general: &str) -> String {
        let what = general.strip_prefix(PREFIX).unwrap_or(general);
        format!("{PREFIX}{}_{what}", self.signal.name().to_uppercase())
    }

    fn target(&self, known: &mut Known) -> Result<Option<Target>, ForwardConfigError> {
        let Some((name, endpoint)) = self.get(ENDPOINT) else {
            return Ok(None);
        };
        let protocol = match self.get(PROTOCOL) {
            None => Protocol::Http,
            Some((name, text)) => match text.as_str() {
                "http/protobuf" => Protocol::Http,
                "grpc" => Protocol::Grpc,
                _ => {
                    return Err(wrong(
                        name,
                        format!("is {text:?}: use http/protobuf or grpc"),
                    ));
                }
            },
        };
        let own = name != ENDPOINT;
        let (shown, uri) = self
            .address(&endpoint, protocol, own)
            .map_err(|problem| wrong(name.as_str(), problem))?;
        let headers = match self.get(HEADERS) {
            None => HeaderMap::new(),
            Some((name, text)) => headers(&text).map_err(|problem| wrong(name, problem))?,
        };
        let timeout = match self.get(TIMEOUT) {
            None => TIMEOUT_DEFAULT,
            Some((name, text)) => match text.parse() {
                Ok(ms @ 1..=600_000) => Duration::from_millis(ms),
                _ => {
                    let problem = format!("is {text:?}: use milliseconds from 1 to 600000");
                    return Err(wrong(name, problem));
                }
            },
        };
        let gzip = match self.get(COMPRESSION) {
            None => false,
            Some((name, text)) => match text.as_str() {
                "none" => false,
                "gzip" => true,
                _ => return Err(wrong(name, format!("is {text:?}: use gzip or none"))),
            },
        };
        let tls = self.tls(&name, &uri, known)?;
        Ok(Some(Target {
            shown,
            uri,
            protocol,
            headers,
            timeout,
            gzip,
            tls,
        }))
    }

    /// What is shown of an address, and where requests go; `own` when it is the signal's own.
    fn address(&self, text: &str, protocol: Protocol, own: bool) -> Result<(String, Uri), String> {
        let text = match protocol {
            // gRPC's own clients write HOST:PORT
            Protocol::Grpc if !text.contains("://") => {
                let scheme = match self.get(INSECURE) {
                    Some((_, set)) if set.eq_ignore_ascii_case("true") => "http",
                    Some((_, set)) if !set.eq_ignore_ascii_case("false") => {
                        return Err(format!(
                            "has no scheme, and {INSECURE} is {set:?}: use true or false"
                        ));
                    }
                    _ => "https",
                };
                format!("{scheme}://{text}")
            }
            _ => text.to_owned(),
        };
        let no_url = |error: http::uri::InvalidUri| format!("is no URL ({error}): {EXAMPLE}");
        let uri: Uri = text.parse().map_err(no_url)?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(format!("is no http or https URL: {EXAMPLE}"));
        }
        let authority = uri.authority().map_or("", http::uri::Authority::as_str);
        if authority.contains('@') {
            return Err(format!("holds a user name: put it into {HEADERS}"));
        }
        let whole = own && protocol == Protocol::Http;
        if authority.is_empty() || (uri.query().is_some() && !whole) {
            return Err(format!("is no base URL: {EXAMPLE}"));
        }
        if protocol == Protocol::Grpc && uri.path() != "/" {
            return Err(format!("has a path, which grpc has not: {EXAMPLE}"));
        }
        let shown = text.split('?').next().unwrap_or_default();
        let shown = shown.trim_end_matches('/').to_owned();
        if whole || protocol == Protocol::Grpc {
            return Ok((shown, uri));
        }
        let uri = format!("{shown}{}", self.signal.http_path());
        Ok((shown, uri.parse().map_err(no_url)?))
    }

    /// Whom to trust at an address, and how to show who calls.
    fn tls(
        &self,
        endpoint: &str,
        uri: &Uri,
        known: &mut Known,
    ) -> Result<ClientConfig, ForwardConfigError> {
        let wrong_endpoint = |problem: String| wrong(endpoint, problem);
        if !is_https(uri) {
            return outbound::tls(Authorities::None, None)
                .map_err(|problem| wrong_endpoint(format!("cannot be called: {problem:?}")));
        }
        let files = [CERTIFICATE, CLIENT_CERTIFICATE, CLIENT_KEY].map(|name| self.get(name));
        if let Some((_, tls)) = known.iter().find(|(of, _)| *of == files) {
            return Ok(tls.clone());
        }
        let [authorities, certificate, key] = &files;
        let pem = authorities.as_ref().map(read_pem).transpose()?;
        let client = match (certificate, key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some((read_pem(certificate)?, read_pem(key)?)),
            (Some((set, _)), None) => {
                return Err(wrong(
                    set,
                    format!("is set and {CLIENT_KEY} is not: name the file of its key"),
                ));
            }
            (None, Some((set, _))) => {
                let problem = format!("is set and {CLIENT_CERTIFICATE} is not: name its file");
                return Err(wrong(set, problem));
            }
        };
        let trusted = pem
            .as_deref()
            .map_or(Authorities::Machine, Authorities::Pem);
        let client = client
            .as_ref()
            .map(|(one, two)| (one.as_slice(), two.as_slice()));
        let tls = outbound::tls(trusted, client).map_err(|problem| match (problem, &files) {
            (TlsProblem::Authorities(why), [Some(file), ..]) => wrong(&file.0, of_file(file, &why)),
            (TlsProblem::Client(why), [_, Some(file), _]) => wrong(&file.0, of_file(file, &why)),
            (TlsProblem::Authorities(why) | TlsProblem::Client(why), _) => wrong_endpoint(format!(
                "is an https URL, and this machine has no certificates to trust ({why}): name a file in {CERTIFICATE}"
            )),
        })?;
        known.push((files, tls.clone()));
        Ok(tls)
    }
}

fn of_file((_, path): &Set, why: &str) -> String {
    format!("names {path}, which cannot be used: {why}")
}

fn read_pem(file: &Set) -> Result<Vec<u8>, ForwardConfigError> {
    use std::io::Read;
    let cannot = |why: &dyn std::fmt::Display| wrong(&file.0, of_file(file, &why.to_string()));
    let mut pem = Vec::new();
    let read = std::fs::File::open(&file.1)
        .and_then(|open| open.take(PEM_BYTES_MAX + 1).read_to_end(&mut pem));
    read.map_err(|error| cannot(&error))?;
    if pem.len() as u64 > PEM_BYTES_MAX {
        return Err(cannot(&format!("it has more than {PEM_BYTES_MAX} bytes")));
    }
    Ok(pem)
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
pub(super) mod tests {
    use super::*;

    /// Any authority: what the machine of a test trusts is its own affair.
    const AUTHORITY: &str = "-----BEGIN CERTIFICATE-----\n\
MIIBlDCCATmgAwIBAgIURlUbubZpL2/zJ14RrFpS0LatgmEwCgYIKoZIzj0EAwIw\n\
HjEcMBoGA1UEAwwTYXV0aG9yaXR5IG9mIGEgdGVzdDAgFw0yNjExMjExODU2MzZa\n\
GA8yMTI2MTAyODE4NTYzNlowHjEcMBoGA1UEAwwTYXV0aG9yaXR5IG9mIGEgdGVz\n\
dDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABBaS8r1udejNoUtsQjdJVZerSJHS\n\
/SrT2YG42Xr7Iar+Xx/wgSTRgu1APEAYcDC2cXDWQ0fz0zEAO3heV0kft+ajUzBR\n\
MB0GA1UdDgQWBBQomtY70WNrGlRq29njOtmh7u+wajAfBgNVHSMEGDAWgBQomtY7\n\
0WNrGlRq29njOtmh7u+wajAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kA\n\
MEYCIQCucq32kt8BdAwxtqjXhCB7XTUA2RNGiQdYwoDga5Lu8QIhAMtYKdvNbdnV\n\
qB3T3luHXOqPuwdMSKx+SV73dtK2ugZU\n\
-----END CERTIFICATE-----\n";

    /// A file with it, and the folder in which it lives.
    pub fn authority() -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("authority.pem");
        std::fs::write(&file, AUTHORITY).unwrap();
        (folder, file.to_str().unwrap().to_owned())
    }

    fn read(set: &[(&str, &str)]) -> Result<Option<ForwardConfig>, ForwardConfigError> {
        ForwardConfig::read(|name| {
            let found = set.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn target(config: &ForwardConfig, signal: Signal) -> &Target {
        config.targets[signal as usize].as_ref().unwrap()
    }

    #[test]
    fn the_standard_variables_are_read() {
        assert!(read(&[]).unwrap().is_none());
        assert!(read(&[(ENDPOINT, "  ")]).unwrap().is_none());
        let plain = read(&[(ENDPOINT, "http://localhost:4318/")]);
        let plain = plain.unwrap().unwrap();
        assert_eq!(plain.endpoint(), "http://localhost:4318");
        let logs = target(&plain, Signal::Logs);
        assert_eq!((logs.protocol, logs.gzip), (Protocol::Http, false));
        assert_eq!(logs.uri, "http://localhost:4318/v1/logs");
        let full = read(&[
            (ENDPOINT, "collector:4317"),
            (PROTOCOL, "grpc"),
            (HEADERS, "authorization=Basic%20dTpw, x-tenant = a ,"),
            (TIMEOUT, "250"),
            (COMPRESSION, "gzip"),
            (INSECURE, "True"),
        ]);
        let full = full.unwrap().unwrap();
        assert_eq!(full.endpoint(), "http://collector:4317");
        for signal in Signal::ALL {
            let of = target(&full, signal);
            assert_eq!((of.protocol, of.gzip), (Protocol::Grpc, true));
            assert_eq!(of.headers["authorization"], "Basic dTpw");
            assert_eq!(of.headers["x-tenant"], "a");
            assert_eq!(of.timeout, Duration::from_millis(250));
        }
        assert!(!format!("{full:?}").contains("dTpw"));
        // as the specification has it, an endpoint of gRPC without a scheme is secure unless it is said not to be
        let (_folder, file) = authority();
        let secure = read(&[
            (ENDPOINT, "collector:4317"),
            (PROTOCOL, "grpc"),
            (CERTIFICATE, &file),
        ]);
        let secure = secure.unwrap().unwrap();
        assert_eq!(secure.endpoint(), "https://collector:4317");
    }

    #[test]
    fn a_signals_own_variables_go_before_those_of_all() {
        let (_folder, file) = authority();
        let own = read(&[
            (CERTIFICATE, &file),
            (ENDPOINT, "http://all:4318"),
            (HEADERS, "a=1,b=2"),
            (TIMEOUT, "100"),
            (
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
                "https://traces/in?key=secret",
            ),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "a=3"),
            ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "200"),
        ]);
        let own = own.unwrap().unwrap();
        let shown =
            "logs to http://all:4318, traces to https://traces/in, metrics to http://all:4318";
        assert_eq!(own.endpoint(), shown);
        let [logs, traces, metrics] = Signal::ALL.map(|signal| target(&own, signal));
        assert_eq!(logs.uri, "http://all:4318/v1/logs");
        assert_eq!(traces.uri, "https://traces/in?key=secret", "as it stands");
        assert_eq!(traces.headers["a"], "3");
        assert!(!traces.headers.contains_key("b") && traces.gzip && !logs.gzip);
        assert_eq!(
            (metrics.protocol, metrics.timeout.as_millis()),
            (Protocol::Grpc, 200)
        );
        assert_eq!(logs.timeout.as_millis(), 100);

        // what has no endpoint goes nowhere
        let one = read(&[("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://logs:1")]);
        let one = one.unwrap().unwrap();
        assert_eq!(one.endpoint(), "logs to http://logs:1");
        assert_eq!(target(&one, Signal::Logs).uri, "http://logs:1/");
        assert!(one.targets.iter().flatten().count() == 1);
    }

    #[test]
    fn certificates_are_read_where_they_are_needed_and_a_file_that_is_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, "hello").unwrap();
        let (file, gone) = (file.to_str().unwrap(), "/no/such/file.pem");
        let https = (ENDPOINT, "https://localhost:4318");
        for (set, variable, part) in [
            (vec![https, (CERTIFICATE, gone)], CERTIFICATE, gone),
            (vec![https, (CERTIFICATE, file)], CERTIFICATE, "PEM"),
            (
                vec![https, (CLIENT_KEY, file)],
                CLIENT_KEY,
                CLIENT_CERTIFICATE,
            ),
            (
                vec![https, (CLIENT_CERTIFICATE, file)],
                CLIENT_CERTIFICATE,
                CLIENT_KEY,
            ),
            (
                vec![https, (CLIENT_CERTIFICATE, file), (CLIENT_KEY, file)],
                CLIENT_CERTIFICATE,
                "PEM",
            ),
            (
                vec![https, ("OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE", gone)],
                "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE",
                gone,
            ),
        ] {
            let error = read(&set).unwrap_err();
            assert_eq!(error.variable, variable);
            assert!(error.problem.contains(part), "{error}");
        }
        let plain = read(&[(ENDPOINT, "http://localhost:4318"), (CERTIFICATE, gone)]);
        assert!(plain.unwrap().is_some(), "nobody needs it");
    }

    #[test]
    fn what_cannot_be_used_is_named_and_no_secret_is_told() {
        let endpoint = (ENDPOINT, "http://127.0.0.1:4318");
        for (set, variable, part) in [
            (vec![(ENDPOINT, "ftp://x")], ENDPOINT, "https"),
            (vec![(ENDPOINT, "https://x?secret")], ENDPOINT, "base URL"),
            (
                vec![("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "x:1/secret")],
                "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
                "http",
            ),
            (vec![(ENDPOINT, "127.0.0.1:4318")], ENDPOINT, "http"),
            (vec![(ENDPOINT, "http://u:secret@x")], ENDPOINT, HEADERS),
            (
                vec![(ENDPOINT, "http://x/p"), (PROTOCOL, "grpc")],
                ENDPOINT,
                "path",
            ),
            (
                vec![(ENDPOINT, "x:1"), (PROTOCOL, "grpc"), (INSECURE, "maybe")],
                ENDPOINT,
                "use true or false",
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
        let (_folder, file) = authority();
        let is = |endpoint, own: &str| {
            let config = read(&[(ENDPOINT, endpoint), (CERTIFICATE, &file)]);
            let config = config.unwrap().unwrap();
            config.without(&[own.parse().unwrap()]).is_none()
        };
        let own = "127.0.0.1:4318";
        assert!(is("http://127.0.0.1:4318", own));
        assert!(is("http://LOCALHOST:4318/", own));
        assert!(!is("http://127.0.0.1:4319", own));
        assert!(!is("http://collector:4318", own));
        assert!(is("http://[::1]:4318", "[::1]:4318"));
        assert!(is("http://127.0.0.1", "127.0.0.1:80"));
        assert!(is("https://127.0.0.1", "127.0.0.1:443"));
        let mixed = read(&[
            (ENDPOINT, "http://127.0.0.1:4318"),
            ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://logs"),
        ]);
        let left = mixed.unwrap().unwrap().without(&[own.parse().unwrap()]);
        assert_eq!(left.unwrap().endpoint(), "logs to http://logs");
    }
}
