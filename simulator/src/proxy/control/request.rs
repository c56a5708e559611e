//! What the API and a configuration file may say: bodies into specs, with Toxiproxy's defaults and error texts. Fields that it
//! does not know are ignored, as there; attributes of toxics that do not exist are not, since a slip would do nothing.

use std::{collections::BTreeSet, time::Duration};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use scenarios::toxic::{Stream, Toxic, ToxicError, Toxicity};

use super::answer::ApiError;
use crate::proxy::{
    scheduled::{Schedule, ToxicSpec},
    spec::{ProxyEntry, ProxySpec},
};

/// Longest name; it stands in answers, metrics and logs.
const NAME_BYTES: usize = 256;
/// Longest time of a schedule: a day.
const LONGEST_MS: u64 = 86_400_000;

#[derive(Deserialize)]
struct WireProxy {
    name: Option<String>,
    listen: Option<String>,
    upstream: Option<String>,
    enabled: Option<bool>,
    toxics: Option<Vec<Value>>,
}

#[derive(Deserialize)]
struct WireToxic {
    name: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    stream: Option<String>,
    toxicity: Option<f64>,
    #[serde(default)]
    attributes: Value,
    start_after: Option<u64>,
    duration: Option<u64>,
    ramp: Option<u64>,
}

fn json(body: &[u8]) -> Result<Value, ApiError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(ApiError::body("EOF"));
    }
    serde_json::from_slice(body).map_err(ApiError::body)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    object(json(body)?)
}

/// Fields by their names: a list of values would be taken for them in their order.
fn object<T: DeserializeOwned>(value: Value) -> Result<T, ApiError> {
    let found = match &value {
        Value::Object(_) => return serde_json::from_value(value).map_err(ApiError::body),
        Value::Array(_) => "a list",
        Value::String(_) => "a string",
        Value::Number(_) => "a number",
        Value::Bool(_) => "true or false",
        Value::Null => "null",
    };
    Err(ApiError::body(format!(
        "it must be an object, as in {{\"name\": …}}, not {found}"
    )))
}

/// `POST /proxies`.
pub(super) fn proxy(body: &[u8]) -> Result<ProxySpec, ApiError> {
    let wire: WireProxy = parse(body)?;
    let name = required(wire.name, "name")?;
    let upstream = required(wire.upstream, "upstream")?;
    checked(ProxySpec {
        name,
        listen: wire.listen.unwrap_or_default(),
        upstream,
        enabled: wire.enabled.unwrap_or(true),
    })
}

/// `PATCH /proxies/{name}`: what is not said stays; a name cannot be changed.
pub(super) fn proxy_change(now: ProxySpec, body: &[u8]) -> Result<ProxySpec, ApiError> {
    let wire: WireProxy = parse(body)?;
    let next = ProxySpec {
        name: now.name.clone(),
        listen: wire.listen.unwrap_or_else(|| now.listen.clone()),
        upstream: wire.upstream.unwrap_or_else(|| now.upstream.clone()),
        enabled: wire.enabled.unwrap_or(now.enabled),
    };
    // a lab's upstream is a list: only what is new has to be right
    if (&next.listen, &next.upstream) == (&now.listen, &now.upstream) {
        return Ok(next);
    }
    checked(next)
}

/// A list of proxies, as `POST /populate` and `-config` take it; ours may have toxics besides.
///
/// # Errors
/// The first thing that is wrong; nothing is made of a list with a mistake.
pub fn parse_config(body: &[u8]) -> Result<Vec<ProxyEntry>, ApiError> {
    let Value::Array(wires) = json(body)? else {
        return Err(ApiError::body("it must be a list of proxies"));
    };
    let mut names = BTreeSet::new();
    let mut entries = Vec::new();
    for (k, wire) in wires.into_iter().enumerate() {
        let wire: WireProxy = object(wire)?;
        let at = |field: &str| format!("{field} at proxy {}", k + 1);
        let spec = ProxySpec {
            name: required(wire.name, at("name"))?,
            upstream: required(wire.upstream, at("upstream"))?,
            listen: wire.listen.unwrap_or_default(),
            enabled: wire.enabled.unwrap_or(true),
        };
        if !names.insert(spec.name.clone()) {
            return Err(ApiError::body(format!(
                "duplicate proxy name {:?}",
                spec.name
            )));
        }
        let toxics = wire.toxics.map(|toxics| {
            let specs: Result<Vec<_>, _> = toxics.into_iter().map(parse_toxic).collect();
            specs.and_then(|specs| unique(&spec.name, specs))
        });
        entries.push(ProxyEntry {
            toxics: toxics.transpose()?.unwrap_or_default(),
            spec: checked(spec)?,
        });
    }
    Ok(entries)
}

/// `POST /proxies/{name}/toxics`.
pub(super) fn toxic(body: &[u8]) -> Result<ToxicSpec, ApiError> {
    parse_toxic(json(body)?)
}

/// A toxic as on the wire.
///
/// # Errors
/// What is wrong with it.
pub fn parse_toxic(value: Value) -> Result<ToxicSpec, ApiError> {
    let wire: WireToxic = object(value)?;
    let stream = stream(wire.stream.as_deref())?;
    let kind = wire.kind.unwrap_or_default();
    let toxic = Toxic::from_wire(&kind, wire.attributes).map_err(|error| match error {
        ToxicError::UnknownKind { .. } => ApiError::bad("invalid toxic type"),
        other => ApiError::body(other),
    })?;
    let named = wire.name.filter(|name| !name.is_empty());
    let ms = |time: Option<u64>, field: &str| match time.unwrap_or(0) {
        ms @ 0..=LONGEST_MS => Ok(Duration::from_millis(ms)),
        ms => Err(ApiError::body(format!(
            "{field} must be 0 to {LONGEST_MS} ms, not {ms}"
        ))),
    };
    Ok(ToxicSpec {
        name: name(named.unwrap_or_else(|| format!("{kind}_{stream}")))?,
        stream,
        toxicity: toxicity(wire.toxicity)?.unwrap_or_default(),
        schedule: Schedule {
            start_after: ms(wire.start_after, "start_after")?,
            duration: Some(ms(wire.duration, "duration")?).filter(|time| !time.is_zero()),
            ramp: ms(wire.ramp, "ramp")?,
        },
        toxic,
    })
}

/// `PATCH /proxies/{name}/toxics/{toxic}`: attributes to merge, and the toxicity.
pub(super) fn toxic_change(body: &[u8]) -> Result<(Value, Option<Toxicity>), ApiError> {
    let wire: WireToxic = parse(body)?;
    if wire.start_after.or(wire.duration).or(wire.ramp).is_some() {
        return Err(ApiError::body(
            "start_after, duration and ramp are set when the toxic is put on",
        ));
    }
    Ok((wire.attributes, toxicity(wire.toxicity)?))
}

fn toxicity(share: Option<f64>) -> Result<Option<Toxicity>, ApiError> {
    share.map(Toxicity::new).transpose().map_err(ApiError::body)
}

/// `both` is ours; a client that knows the other two never says it.
fn stream(text: Option<&str>) -> Result<Stream, ApiError> {
    match text {
        None | Some("downstream") => Ok(Stream::Downstream),
        Some("upstream") => Ok(Stream::Upstream),
        Some("both") => Ok(Stream::Both),
        Some(_) => Err(ApiError::bad(
            "stream was invalid, can be either upstream or downstream",
        )),
    }
}

fn required(field: Option<String>, what: impl std::fmt::Display) -> Result<String, ApiError> {
    field
        .filter(|text| !text.is_empty())
        .ok_or_else(|| ApiError::missing(what))
}

fn unique(proxy: &str, specs: Vec<ToxicSpec>) -> Result<Vec<ToxicSpec>, ApiError> {
    let mut names = BTreeSet::new();
    match specs.iter().find(|spec| !names.insert(&spec.name)) {
        Some(twice) => Err(ApiError::body(format!(
            "duplicate toxic name {:?} at proxy {proxy:?}",
            twice.name
        ))),
        None => Ok(specs),
    }
}

fn name(name: String) -> Result<String, ApiError> {
    if name.len() > NAME_BYTES || name.chars().any(char::is_control) {
        return Err(ApiError::body(format!(
            "a name has at most {NAME_BYTES} bytes and no control characters"
        )));
    }
    Ok(name)
}

/// Whether name and addresses can be ones.
fn checked(spec: ProxySpec) -> Result<ProxySpec, ApiError> {
    name(spec.name.clone())?;
    let wrong = |field: &str, text: &str, example: &str| {
        let shown: String = text.chars().take(80).collect();
        ApiError::body(format!(
            "{field} must be host:port, as in {example}, not {shown:?}"
        ))
    };
    let listen = spec.listen.rsplit_once(':').map(|(_, port)| port);
    let good_listen = listen.is_some_and(|port| port.is_empty() || port.parse::<u16>().is_ok());
    if !spec.listen.is_empty() && !good_listen {
        return Err(wrong("listen", &spec.listen, "127.0.0.1:0"));
    }
    let upstream = spec.upstream.rsplit_once(':');
    if !upstream.is_some_and(|(host, port)| {
        !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
    }) {
        return Err(wrong("upstream", &spec.upstream, "127.0.0.1:6379"));
    }
    Ok(spec)
}
