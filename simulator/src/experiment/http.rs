//! The `http` provider: one call, redirects followed, the answer as `{status, headers, body}`.

use std::time::Duration;

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use bytes::Bytes;
use http_body_util::Full;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::{Problem, scene::Scene, values};
use crate::outward::{self, CallError, Dialer};

/// Longest answer that is read, bytes: it goes into the journal.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Redirects that are followed.
const REDIRECTS_MAX: usize = 30;
/// Who calls, where the experiment does not say.
const AGENT: &str = concat!("drill-chaos/", env!("CARGO_PKG_VERSION"));
/// What stays as it is in a query and a form.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'_')
    .remove(b'.')
    .remove(b'-')
    .remove(b'~')
    .remove(b' ');

/// What is wrong with a provider of this type.
pub(super) fn check(provider: &Map<String, Value>, problem: &mut impl FnMut(&str, String)) {
    match provider.get("url") {
        Some(Value::String(url)) if !url.is_empty() => {
            if !url.contains('$') && address(url).is_err() {
                problem("url", CallError::Address(url.clone()).to_string());
            }
        }
        Some(Value::String(_) | Value::Null) | None => {
            problem("url", "a HTTP activity must have a URL".to_owned());
        }
        Some(_) => problem("url", "the URL must be a text".to_owned()),
    }
    if provider
        .get("headers")
        .is_some_and(|headers| values::truth(headers) && !headers.is_object())
    {
        problem(
            "headers",
            "a HTTP activities expect headers as a mapping".to_owned(),
        );
    }
    match provider.get("method") {
        None => {}
        Some(Value::String(method)) if Method::from_bytes(method.as_bytes()).is_ok() => {}
        Some(other) => problem("method", format!("{other} is no HTTP method")),
    }
    if provider.get("verify_tls") == Some(&Value::Bool(false)) {
        problem(
            "verify_tls",
            "certificates are always looked at here; use an http:// address, or let the machine trust the authority"
                .to_owned(),
        );
    }
}

/// Calls, and answers with `{status, headers, body}`.
///
/// # Errors
/// No connection, no answer in time, or one that cannot be read; any status is an answer.
pub(super) async fn run(scene: &Scene<'_>, activity: &Value) -> Result<Value, String> {
    let provider = &activity["provider"];
    let filled = |key: &str| scene.fill(provider.get(key).unwrap_or(&Value::Null));
    let method = provider["method"].as_str().unwrap_or("GET").to_uppercase();
    let mut call = Call {
        method: Method::from_bytes(method.as_bytes())
            .map_err(|_| format!("`{method}` is no HTTP method"))?,
        url: address(&values::text(&filled("url"))).map_err(|error| error.to_string())?,
        headers: headers(&filled("headers"))?,
        body: Bytes::new(),
        connect: None,
        answer: None,
    };
    call.carry(&filled("arguments"))?;
    (call.connect, call.answer) = timeouts(&filled("timeout"))?;
    let retries = provider["max_retries"].as_u64().unwrap_or(0);
    let mut attempt = 0;
    let answer = loop {
        match exchange(&scene.dialer, call.clone()).await {
            Err(CallError::Connect { .. }) if attempt < retries => attempt += 1,
            done => break done,
        }
    };
    let answer = answer.map_err(|error| match error {
        CallError::Timeout(_) => "activity took too long to complete".to_owned(),
        CallError::Connect { .. } | CallError::Reset(_) => {
            format!("failed to connect to {}: {error}", call.url)
        }
        other => other.to_string(),
    })?;
    if activity.get("tolerance").is_none() && answer.status.as_u16() > 399 {
        scene.warn(
            "This HTTP call returned a response with a HTTP status code above 400. This may indicate some error and not what \
             you expected. Please have a look at the logs.",
        );
    }
    answer.into_value()
}

/// A call as it goes out.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub method: Method,
    pub url: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// How long a connection may take, and how long an answer.
    pub connect: Option<Duration>,
    pub answer: Option<Duration>,
}

impl Call {
    /// Puts arguments into the query (GET), a JSON body where the header says so, or a form.
    fn carry(&mut self, arguments: &Value) -> Result<(), String> {
        if !values::truth(arguments) {
            return Ok(());
        }
        let kind = self.headers.get(header::CONTENT_TYPE);
        if self.method == Method::GET {
            let sign = if self.url.query().is_some() { '&' } else { '?' };
            let more = match arguments {
                Value::String(query) => query.clone(),
                other => form(other),
            };
            let url = format!("{}{sign}{more}", self.url);
            self.url = address(&url).map_err(|error| error.to_string())?;
        } else if kind.is_some_and(|kind| kind == "application/json") {
            self.body = Bytes::from(arguments.to_string());
        } else if let Value::String(text) = arguments {
            self.body = Bytes::from(text.clone());
        } else {
            self.body = Bytes::from(form(arguments));
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            self.headers.entry(header::CONTENT_TYPE).or_insert(form);
        }
        Ok(())
    }

    fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::from(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.url.clone();
        *request.headers_mut() = self.headers.clone();
        request
            .headers_mut()
            .entry(header::USER_AGENT)
            .or_insert(HeaderValue::from_static(AGENT));
        request
            .headers_mut()
            .entry(header::ACCEPT)
            .or_insert(HeaderValue::from_static("*/*"));
        request
    }

    /// The call that a redirect asks for.
    fn redirected(mut self, status: StatusCode, to: &str) -> Result<Self, CallError> {
        let url = if to.contains("://") {
            address(to)?
        } else if let Some(rest) = to.strip_prefix("//") {
            address(&format!(
                "{}://{rest}",
                self.url.scheme_str().unwrap_or("http")
            ))?
        } else {
            let path = self.url.path();
            let folder = &path[..=path.rfind('/').unwrap_or(0)];
            let path = if to.starts_with('/') {
                to.to_owned()
            } else {
                format!("{folder}{to}")
            };
            let mut parts = self.url.clone().into_parts();
            parts.path_and_query = path.parse().ok();
            Uri::from_parts(parts).map_err(|_| CallError::Address(to.to_owned()))?
        };
        let see_other = match status {
            StatusCode::SEE_OTHER | StatusCode::FOUND => self.method != Method::HEAD,
            StatusCode::MOVED_PERMANENTLY => self.method == Method::POST,
            _ => false,
        };
        if see_other {
            self.method = Method::GET;
            self.body = Bytes::new();
            self.headers.remove(header::CONTENT_TYPE);
        }
        if outward::place(&url) != outward::place(&self.url) {
            self.headers.remove(header::AUTHORIZATION);
        }
        self.url = url;
        Ok(self)
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// The body as text: UTF-8, or else byte by byte.
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.body.to_vec())
            .unwrap_or_else(|bytes| bytes.as_bytes().iter().copied().map(char::from).collect())
    }

    fn into_value(self) -> Result<Value, String> {
        let json = self
            .headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind == "application/json");
        let body = if json {
            serde_json::from_slice(&self.body)
                .map_err(|error| format!("the answer says that it is JSON and is not: {error}"))?
        } else {
            json!(self.text())
        };
        let mut headers = Map::new();
        for name in self.headers.keys() {
            let all: Vec<_> = self
                .headers
                .get_all(name)
                .iter()
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
                .collect();
            headers.insert(written(name), json!(all.join(", ")));
        }
        Ok(json!({ "status": self.status.as_u16(), "headers": headers, "body": body }))
    }
}

/// A header's name as it is mostly written, as in `Content-Type`: how it came is not known any more.
fn written(name: &HeaderName) -> String {
    let words = name.as_str().split('-').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + rest
    });
    words.collect::<Vec<_>>().join("-")
}

/// Calls, and follows redirects.
pub(super) async fn exchange(dialer: &Dialer, mut call: Call) -> Result<Answer, CallError> {
    for _ in 0..=REDIRECTS_MAX {
        let dial = dialer.dial(&call.url);
        let mut link = timed(call.connect, dial).await?;
        let answer = timed(call.answer, async {
            let answer = link.send(call.request()).await?;
            let (parts, body) = answer.into_parts();
            let (body, whole) = outward::read(body, ANSWER_BYTES_MAX).await?;
            if whole {
                Ok(Answer {
                    status: parts.status,
                    headers: parts.headers,
                    body,
                })
            } else {
                Err(CallError::Protocol(format!(
                    "it has more than {} MiB",
                    ANSWER_BYTES_MAX / 1024 / 1024
                )))
            }
        })
        .await?;
        let moved = matches!(answer.status.as_u16(), 301 | 302 | 303 | 307 | 308);
        let to = answer
            .headers
            .get(header::LOCATION)
            .and_then(|to| to.to_str().ok());
        match to {
            Some(to) if moved => call = call.redirected(answer.status, to)?,
            _ => return Ok(answer),
        }
    }
    Err(CallError::Protocol(format!(
        "more than {REDIRECTS_MAX} redirects"
    )))
}

async fn timed<T>(
    limit: Option<Duration>,
    work: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    match limit {
        None => work.await,
        Some(limit) => tokio::time::timeout(limit, work)
            .await
            .unwrap_or(Err(CallError::Timeout(limit))),
    }
}

/// An address that can be called.
pub(super) fn address(text: &str) -> Result<Uri, CallError> {
    let text = text.trim();
    let wrong = || CallError::Address(text.to_owned());
    // what a URL may not hold as it is
    let encoded: String = text
        .chars()
        .map(|c| match c {
            ' ' => "%20".to_owned(),
            c if c.is_ascii() => c.to_string(),
            c => utf8_percent_encode(&c.to_string(), NON_ALPHANUMERIC).to_string(),
        })
        .collect();
    let encoded = encoded.split('#').next().unwrap_or_default();
    let uri: Uri = encoded.parse().map_err(|_| wrong())?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http" | "https"), Some(host)) if !host.is_empty() => Ok(uri),
        _ => Err(wrong()),
    }
}

fn headers(written: &Value) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in written.as_object().into_iter().flatten() {
        let wrong = |_| format!("the header `{name}` cannot be sent");
        let text = values::text(value);
        let value = HeaderValue::from_bytes(text.as_bytes()).map_err(|_| wrong(()))?;
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong(()))?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// Seconds for both, or a pair for the connection and the answer.
fn timeouts(written: &Value) -> Result<(Option<Duration>, Option<Duration>), String> {
    let one = |value: &Value| match value {
        Value::Null => Ok(None),
        value => seconds(value).map(Some),
    };
    match written {
        Value::Array(pair) => match pair.as_slice() {
            [connect, answer] => Ok((one(connect)?, one(answer)?)),
            _ => Err("a timeout is a number of seconds, or a pair of them".to_owned()),
        },
        both => Ok((one(both)?, one(both)?)),
    }
}

/// A number of seconds, also as a text, since names may be put in.
pub(super) fn seconds(value: &Value) -> Result<Duration, String> {
    let number = match value {
        Value::String(text) => text.trim().parse().ok(),
        other => values::number(other),
    };
    number
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| format!("{value} is no number of seconds"))
}

/// `name=value&…`; a list repeats its name, nothing is left out.
fn form(arguments: &Value) -> String {
    let encoded = |text: &str| {
        utf8_percent_encode(text, PLAIN)
            .to_string()
            .replace(' ', "+")
    };
    let mut pairs = Vec::new();
    for (name, value) in arguments.as_object().into_iter().flatten() {
        let each = match value {
            Value::Array(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        for value in each.iter().filter(|value| !value.is_null()) {
            pairs.push(format!(
                "{}={}",
                encoded(name),
                encoded(&values::text(value))
            ));
        }
    }
    pairs.join("&")
}

/// A problem's place within a provider.
pub(super) fn within(place: &str, key: &str, message: String) -> Problem {
    Problem {
        place: format!("{place}.provider.{key}"),
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_http_or_https_with_a_host() {
        assert_eq!(
            address(" http://a/ä b?q=1#x ").unwrap(),
            "http://a/%C3%A4%20b?q=1"
        );
        for wrong in [
            "",
            "a",
            "/a",
            "ftp://a",
            "http://",
            "http://[",
            "localhost:80",
        ] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }

    fn call(method: Method, kind: Option<&'static str>) -> Call {
        let mut headers = HeaderMap::new();
        if let Some(kind) = kind {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        Call {
            method,
            url: "http://a/b/c?x=1".parse().unwrap(),
            headers,
            body: Bytes::new(),
            connect: None,
            answer: None,
        }
    }

    #[test]
    fn arguments_go_into_the_query_a_form_or_json() {
        let arguments = json!({"a": "1 & 2", "b": [1, true], "c": null});
        let mut get = call(Method::GET, None);
        get.carry(&arguments).unwrap();
        assert_eq!(get.url, "http://a/b/c?x=1&a=1+%26+2&b=1&b=True");
        let mut post = call(Method::POST, None);
        post.carry(&arguments).unwrap();
        assert_eq!(post.body, "a=1+%26+2&b=1&b=True");
        assert_eq!(
            post.headers[header::CONTENT_TYPE],
            "application/x-www-form-urlencoded"
        );
        let mut json_ = call(Method::PUT, Some("application/json"));
        json_.carry(&arguments).unwrap();
        assert_eq!(
            serde_json::from_slice::<Value>(&json_.body).unwrap(),
            arguments
        );
        let mut text = call(Method::POST, None);
        text.carry(&json!("as it is")).unwrap();
        assert_eq!(text.body, "as it is");
        assert!(text.headers.is_empty());
    }

    #[test]
    fn a_redirect_keeps_or_changes_the_method_and_never_hands_credentials_on() {
        let mut post = call(Method::POST, None);
        post.headers
            .insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer x"));
        let to = |status: u16, to: &str| {
            let status = StatusCode::from_u16(status).unwrap();
            post.clone().redirected(status, to).unwrap()
        };
        assert_eq!(to(302, "d").method, Method::GET);
        assert_eq!(to(301, "/d").url, "http://a/d");
        assert_eq!(to(307, "d?y=2").url, "http://a/b/d?y=2");
        assert_eq!(to(308, "//e/d").url, "http://e/d");
        assert_eq!(to(308, "d").method, Method::POST);
        assert!(to(307, "d").headers.contains_key(header::AUTHORIZATION));
        assert!(
            !to(307, "http://a:81/")
                .headers
                .contains_key(header::AUTHORIZATION)
        );
        assert!(post.redirected(StatusCode::FOUND, "ftp://a/").is_err());
    }

    #[test]
    fn timeouts_are_one_number_or_two() {
        let s = |seconds| Some(Duration::from_secs_f64(seconds));
        assert_eq!(timeouts(&json!(null)), Ok((None, None)));
        assert_eq!(timeouts(&json!(1.5)), Ok((s(1.5), s(1.5))));
        assert_eq!(timeouts(&json!("2")), Ok((s(2.0), s(2.0))));
        assert_eq!(timeouts(&json!([3, null])), Ok((s(3.0), None)));
        for wrong in [json!("soon"), json!(-1), json!([1]), json!({})] {
            assert!(timeouts(&wrong).is_err(), "{wrong}");
        }
    }
}
