//! A person's own request to a service of the shop: checked, sent through the service's door as traffic of the shop is, with a
//! trace of its own, and answered within limits. It reaches no other address, and nothing but the shop's HTTP.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use api::{ReadyRequest, ShopAnswer, ShopRequest};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use parking_lot::Mutex;
use scenarios::shop::{LONG_TIME_CUSTOMERS, Role};
use tokio::time::Instant;

use super::{Core, Lab};
use crate::{journal::Event, load::trace_headers, wire::WireError};

/// How long an answer is waited for: as long as a customer does.
const PATIENCE: Duration = Duration::from_secs(10);
/// Requests within [`PER`]; one more is refused. Enough for a person, and no load.
const MOST: usize = 20;
/// See [`MOST`].
const PER: Duration = Duration::from_secs(10);
/// Longest path with its query, bytes.
const LONGEST_PATH_BYTES: usize = 2_048;
/// Most headers, and longest of all their names and values together, bytes.
const MOST_HEADERS: usize = 20;
/// See [`MOST_HEADERS`].
const LONGEST_HEADERS_BYTES: usize = 4_096;
/// Longest body that is sent, bytes.
const LONGEST_BODY_BYTES: usize = 16 * 1024;
/// Bytes of an answer's body that are shown; the whole is read, up to the limit of the lab's client.
const SHOWN_BYTES: usize = 32 * 1024;
/// Headers that say how a message is carried, or that the lab sets: they are not a person's to choose.
const KEPT: [&str; 9] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "te",
    "traceparent",
    "tracestate",
    "transfer-encoding",
    "upgrade",
];
const METHODS: [Method; 7] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::DELETE,
    Method::PATCH,
    Method::HEAD,
    Method::OPTIONS,
];

/// Why a request was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// No such service here.
    #[error("no service of this shop is called `{said}`; there are {all}")]
    NoService {
        /// What was said.
        said: String,
        /// The services that run.
        all: String,
    },
    /// A part of it is not what it can be.
    #[error("field `{field}`: {why}")]
    Unfit {
        /// Which.
        field: &'static str,
        /// What it can be.
        why: String,
    },
    /// Too many at once.
    #[error("{MOST} requests within {} s are sent at most; wait a moment", PER.as_secs())]
    TooMany,
    /// It was sent, and nobody can say what came of it.
    #[error("the request was sent, and its answer was lost: {0}")]
    Lost(String),
}

/// When the last requests were sent, oldest first.
#[derive(Debug, Default)]
pub(super) struct Counter(Mutex<VecDeque<Instant>>);

impl Counter {
    /// Counts one, unless there are too many.
    fn take(&self, now: Instant) -> Result<(), SendError> {
        let mut sent = self.0.lock();
        while sent
            .front()
            .is_some_and(|at| now.duration_since(*at) >= PER)
        {
            sent.pop_front();
        }
        if sent.len() >= MOST {
            return Err(SendError::TooMany);
        }
        sent.push_back(now);
        Ok(())
    }
}

impl Lab {
    /// Requests that are ready to be sent to the services that run here.
    #[must_use]
    pub fn ready_requests(&self) -> Vec<ReadyRequest> {
        let order = format!("probe-{}", &uuid::Uuid::new_v4().simple().to_string()[..8]);
        let roles = self.core.roles();
        let ready = roles.into_iter().flat_map(|role| ready(role, &order));
        ready.collect()
    }

    /// Sends a request to a service through its door and waits for the answer. Journals it. A service that does not answer is
    /// an answer that says so. A caller that goes away does not take it back: what it did to the shop is journalled.
    ///
    /// # Errors
    /// When it is not sent: no such service, a part that cannot be, too many.
    pub async fn send(&self, request: ShopRequest) -> Result<ShopAnswer, SendError> {
        let core = &self.core;
        let fit = core.fit(&request)?;
        core.counter.take(Instant::now())?;
        let sender = core.clone();
        let sent = core
            .loose
            .spawn(async move { sender.exchange(request, fit).await });
        sent.await
            .map_err(|error| SendError::Lost(error.to_string()))
    }
}

impl Core {
    /// Sends what is fit, waits for the answer, and journals it.
    async fn exchange(self: Arc<Self>, request: ShopRequest, fit: Fit) -> ShopAnswer {
        let core = &self;
        let clock = &core.floor.clock;
        let trace = *uuid::Uuid::new_v4().as_bytes();
        let trace_id = crate::journal::hex(&trace);
        let mut headers = trace_headers(&trace_id, None);
        headers.extend(fit.headers);
        let (at_ms, wall_ns) = (clock.now_ms(), clock.wall_now_ns());
        let instruments = &core.floor.instruments;
        instruments.anchor(trace, wall_ns, clock.map_wall_ns(wall_ns));
        let body = (!request.body.is_empty()).then(|| request.body.clone().into_bytes());
        let began = Instant::now();
        let exchange = core
            .floor
            .client
            .send(fit.method, &fit.url, headers, body, PATIENCE);
        let answer = tokio::select! {
            answer = exchange => answer.map_err(|error| why(&error)),
            () = core.cancel.cancelled() => Err("the lab was shut down".to_owned()),
        };
        let duration_ms = began.elapsed().as_secs_f64() * 1e3;
        let mut told = ShopAnswer {
            request,
            at_ms,
            status: None,
            error: None,
            headers: Vec::new(),
            body: String::new(),
            body_bytes: 0,
            shown_bytes: 0,
            duration_ms,
            trace_id,
        };
        match answer {
            Ok(answer) => {
                told.status = Some(answer.status.as_u16());
                told.headers = shown(&answer.headers);
                told.body_bytes = answer.body.len() as u64;
                let part = part(&answer.body);
                told.shown_bytes = part.len() as u64;
                told.body = String::from_utf8_lossy(part).into_owned();
            }
            Err(error) => told.error = Some(error),
        }
        core.floor.journal.append(
            clock.now_ms(),
            Event::Request {
                service: told.request.service.clone(),
                method: told.request.method.clone(),
                path: told.request.path.clone(),
                status: told.status,
                duration_ms,
                trace_id: told.trace_id.clone(),
            },
        );
        told
    }
}

/// What is shown of a body, with no character cut in two.
fn part(body: &[u8]) -> &[u8] {
    if body.len() <= SHOWN_BYTES {
        return body;
    }
    let begins_one = |end: &usize| body[*end] & 0b1100_0000 != 0b1000_0000;
    // of a character at most three bytes follow the first; whatever has more is no UTF-8
    let end = (SHOWN_BYTES - 3..=SHOWN_BYTES).rev().find(begins_one);
    &body[..end.unwrap_or(SHOWN_BYTES)]
}

/// What goes over the wire.
#[derive(Debug)]
struct Fit {
    method: Method,
    url: String,
    headers: HeaderMap,
}

impl Core {
    /// The services that run here.
    fn roles(&self) -> Vec<Role> {
        let services = self.plan.scenario.services.iter();
        services.map(|spec| spec.service).collect()
    }

    fn fit(&self, request: &ShopRequest) -> Result<Fit, SendError> {
        let roles = self.roles();
        let stranger = || SendError::NoService {
            said: request.service.chars().take(64).collect(),
            all: roles
                .iter()
                .map(|role| role.name())
                .collect::<Vec<_>>()
                .join(", "),
        };
        let role = roles.iter().find(|role| role.name() == request.service);
        let role = role.ok_or_else(stranger)?;
        let (method, headers) = parts(request)?;
        // every service that runs has a door
        let door = self.floor.network.door(*role).map_err(|_| stranger())?;
        Ok(Fit {
            method,
            url: format!("{door}{}", request.path),
            headers,
        })
    }
}

/// Checks everything of a request but where it goes.
fn parts(request: &ShopRequest) -> Result<(Method, HeaderMap), SendError> {
    let unfit = |field, why: &str| SendError::Unfit {
        field,
        why: why.to_owned(),
    };
    let mut methods = METHODS.iter();
    let method = methods.find(|method| method.as_str() == request.method);
    let method = method.ok_or_else(|| {
        unfit(
            "method",
            "one of GET, POST, PUT, DELETE, PATCH, HEAD, OPTIONS, in capitals",
        )
    })?;
    let path = &request.path;
    let plain = path
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'#');
    // whatever follows the port must be a path, or it would be another host
    if !path.starts_with('/') || !plain || path.len() > LONGEST_PATH_BYTES {
        return Err(unfit(
            "path",
            "begins with a slash, has no spaces, and at most 2048 letters of ASCII; others are written as %20",
        ));
    }
    if path.parse::<http::uri::PathAndQuery>().is_err() {
        return Err(unfit("path", "is no path of HTTP"));
    }
    if request.body.len() > LONGEST_BODY_BYTES {
        return Err(unfit("body", "at most 16384 bytes"));
    }
    let bytes: usize = request
        .headers
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if request.headers.len() > MOST_HEADERS || bytes > LONGEST_HEADERS_BYTES {
        return Err(unfit("headers", "at most 20, of 4096 bytes together"));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(value),
        ) else {
            return Err(unfit(
                "headers",
                "a name of letters and hyphens, and a value of one line of ASCII",
            ));
        };
        if KEPT.contains(&name.as_str()) {
            return Err(SendError::Unfit {
                field: "headers",
                why: format!("`{name}` is set by the lab"),
            });
        }
        headers.append(name, value);
    }
    Ok((method.clone(), headers))
}

/// Headers as text.
fn shown(headers: &HeaderMap) -> Vec<(String, String)> {
    let shown = |(name, value): (&HeaderName, &HeaderValue)| {
        let value = value.as_bytes().escape_ascii().to_string();
        (name.to_string(), value)
    };
    headers.iter().take(MOST_HEADERS * 2).map(shown).collect()
}

/// Why there was no answer, with what it came from.
fn why(error: &WireError) -> String {
    let mut said = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        said = format!("{said}: {error}");
        source = error.source();
    }
    said
}

/// The ready requests of a service: those of the edge that customers send, what can be asked elsewhere without changing
/// anything, and whether the process is ready.
fn ready(role: Role, order: &str) -> Vec<ReadyRequest> {
    let ready = |title: &str, method: &str, path: String, body: &str| ReadyRequest {
        title: title.to_owned(),
        request: ShopRequest {
            service: role.to_string(),
            method: method.to_owned(),
            path,
            headers: Vec::new(),
            body: body.to_owned(),
        },
    };
    let (loyal, new) = (LONG_TIME_CUSTOMERS / 2, LONG_TIME_CUSTOMERS * 20);
    let mut all = match role {
        Role::Storefront => vec![
            ready(
                "a page of goods",
                "GET",
                format!("/browse?page=0&customer={new}"),
                "",
            ),
            ready(
                "history of a loyal customer",
                "GET",
                format!("/orders/{loyal}"),
                "",
            ),
            ready(
                "history of a new customer",
                "GET",
                format!("/orders/{new}"),
                "",
            ),
            ready(
                "log in",
                "POST",
                "/login".into(),
                &format!("{{\"customer\":{new}}}"),
            ),
            ready(
                "put two articles into a cart",
                "PUT",
                format!("/carts/{new}"),
                r#"{"lines":[{"sku":3,"quantity":1},{"sku":150,"quantity":2}]}"#,
            ),
            ready(
                "check the cart out, which really charges",
                "POST",
                "/checkout".into(),
                &format!("{{\"customer\":{new},\"order_id\":\"{order}\"}}"),
            ),
        ],
        Role::Orders => vec![
            ready(
                "orders of a loyal customer",
                "GET",
                format!("/customers/{loyal}/orders"),
                "",
            ),
            ready(
                "orders of a new customer",
                "GET",
                format!("/customers/{new}/orders"),
                "",
            ),
        ],
        Role::Shipping => vec![ready("a shipping quote", "GET", "/quotes/3".into(), "")],
        _ => Vec::new(),
    };
    all.push(ready("whether it is ready", "GET", "/readyz".into(), ""));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, path: &str) -> ShopRequest {
        ShopRequest {
            service: "orders".into(),
            method: method.into(),
            path: path.into(),
            ..ShopRequest::default()
        }
    }

    #[test]
    fn what_could_leave_the_shop_or_break_the_message_is_refused() {
        for (method, path) in [
            ("get", "/"),
            ("CONNECT", "/"),
            ("GET", ""),
            ("GET", "orders"),
            ("GET", "@example.com/"),
            ("GET", "http://example.com/"),
            ("GET", "/a b"),
            ("GET", "/a\r\nx: y"),
            ("GET", "/\u{1b}[31m"),
            ("GET", "/ä"),
            ("GET", "/a#b"),
        ] {
            assert!(parts(&request(method, path)).is_err(), "{method} {path}");
        }
        let long = format!("/{}", "a".repeat(LONGEST_PATH_BYTES));
        assert!(parts(&request("GET", &long)).is_err());
        let fine = format!("/{}", "a".repeat(LONGEST_PATH_BYTES - 1));
        assert!(parts(&request("GET", &fine)).is_ok());
    }

    #[test]
    fn headers_and_bodies_have_limits_and_those_of_the_lab_are_not_to_be_set() {
        let with = |headers: &[(&str, &str)]| {
            let headers = headers
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
            parts(&ShopRequest {
                headers: headers.collect(),
                ..request("GET", "/")
            })
        };
        assert!(with(&[("x-correlation-id", "c-1"), ("accept", "*/*")]).is_ok());
        for wrong in [
            ("Host", "example.com"),
            ("traceparent", "00-1-2-01"),
            ("Content-Length", "7"),
            ("a b", "c"),
            ("", "c"),
            ("a", "b\r\nc: d"),
        ] {
            assert!(with(&[wrong]).is_err(), "{wrong:?}");
        }
        assert!(with(&[("a", "b"); MOST_HEADERS + 1]).is_err());
        let body = ShopRequest {
            body: "x".repeat(LONGEST_BODY_BYTES + 1),
            ..request("POST", "/")
        };
        assert!(parts(&body).is_err());
    }

    #[test]
    fn what_is_shown_of_a_body_cuts_no_character_and_counts_its_own_bytes() {
        assert_eq!(part(b"{}"), b"{}");
        let whole = vec![b'x'; SHOWN_BYTES];
        assert_eq!(part(&whole).len(), SHOWN_BYTES);
        for (text, before) in [("x", 0), ("ä", 1), ("€", 1), ("€", 2), ("🦀", 3)] {
            let mut body = vec![b'x'; SHOWN_BYTES - before];
            body.extend(text.repeat(4).into_bytes());
            let shown = part(&body);
            let cut = SHOWN_BYTES - before * usize::from(text.len() > before);
            assert_eq!(shown.len(), cut, "{text} {before}");
            assert!(std::str::from_utf8(shown).is_ok(), "{text} {before}");
        }
        // what is no text is shown as far as the limit
        assert_eq!(part(&vec![0x80; SHOWN_BYTES + 9]).len(), SHOWN_BYTES);
        assert_eq!(part(&vec![0xff; SHOWN_BYTES + 9]).len(), SHOWN_BYTES);
    }

    #[tokio::test(start_paused = true)]
    async fn a_person_sends_some_and_a_script_not_many() {
        let counter = Counter::default();
        for _ in 0..MOST {
            counter.take(Instant::now()).unwrap();
        }
        assert_eq!(counter.take(Instant::now()), Err(SendError::TooMany));
        tokio::time::advance(PER).await;
        assert!(counter.take(Instant::now()).is_ok());
    }

    #[test]
    fn every_ready_request_is_one_that_can_be_sent() {
        for role in Role::ALL {
            for ready in ready(role, "probe-1") {
                parts(&ready.request).unwrap();
                let body = &ready.request.body;
                assert!(body.is_empty() || serde_json::from_str::<serde_json::Value>(body).is_ok());
            }
        }
    }
}
