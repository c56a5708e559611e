//! Parameters of a request: those of the URL and, for a POST, those of a form body. Shared by the
//! endpoints whose clients send either.

use axum::extract::{FromRequest, Query, Request};
use http::{Method, StatusCode, Uri};

use super::instant::time_or;
use crate::attributes::unhex;
use crate::time::TraceId;

/// Bytes of a form body. Longer ones are refused; the longest query has 16 KiB, a third of this when
/// every byte is percent-encoded.
const FORM_BYTES_MAX: usize = 60 * 1024;

/// A trace id; leading zeros may be left out, as Tempo and Jaeger allow.
pub(super) fn trace_id(text: &str) -> Result<TraceId, String> {
    let fits = !text.is_empty() && text.len() <= 32;
    let id = fits.then(|| unhex(&format!("{text:0>32}"))).flatten();
    id.ok_or_else(|| format!("{text:?} is not a trace id: give up to 32 hexadecimal digits"))
}

/// Named values in order; a name may come more than once.
#[derive(Debug, Clone, Default)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// The first value of a name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let named = self.0.iter().find(|(other, _)| other == name);
        named.map(|(_, value)| value.as_str())
    }

    /// All values of a name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(other, _)| other == name);
        named.map(|(_, value)| value.as_str())
    }

    /// The window from `start` to `end`, ns: the last `width_ns` before `now_ns` where they are not given.
    pub(super) fn window(&self, now_ns: i64, width_ns: i64) -> Result<(i64, i64), String> {
        let end_ns = time_or("end", self.get("end"), now_ns)?;
        let start_ns = time_or("start", self.get("start"), end_ns.saturating_sub(width_ns))?;
        if start_ns > end_ns {
            return Err("start is after end: swap them".into());
        }
        Ok((start_ns, end_ns))
    }

    /// A whole number from 0 to `max`, or `default` when it is not given.
    pub(super) fn number(&self, name: &str, default: usize, max: usize) -> Result<usize, String> {
        let Some(text) = self.get(name).filter(|text| !text.is_empty()) else {
            return Ok(default);
        };
        match text.parse() {
            Ok(number) if number <= max => Ok(number),
            Ok(number) => Err(format!(
                "{name}={number} is over the limit of {max}: ask for less"
            )),
            Err(_) => Err(format!(
                "{name}={text:?} is not a whole number from 0 to {max}"
            )),
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for Parameters {
    type Rejection = (StatusCode, String);

    async fn from_request(request: Request, _state: &S) -> Result<Self, Self::Rejection> {
        let bad = |message: String| (StatusCode::BAD_REQUEST, message);
        let mut parameters = pairs(request.uri()).map_err(bad)?;
        if request.method() == Method::POST {
            let body = axum::body::to_bytes(request.into_body(), FORM_BYTES_MAX).await;
            let body = body.map_err(|_| {
                (
                    StatusCode::PAYLOAD_TOO_LARGE,
                    format!("the form has more than {FORM_BYTES_MAX} bytes"),
                )
            })?;
            // a form body is written as the query of a URL is
            let form = Uri::builder()
                .path_and_query([b"/?", &*body].concat())
                .build();
            let form = form.map_err(|_| bad("the body is not a URL-encoded form".into()))?;
            parameters.extend(pairs(&form).map_err(bad)?);
        }
        Ok(Self(parameters))
    }
}

fn pairs(uri: &Uri) -> Result<Vec<(String, String)>, String> {
    match Query::try_from_uri(uri) {
        Ok(Query(pairs)) => Ok(pairs),
        Err(rejection) => Err(rejection.body_text()),
    }
}
