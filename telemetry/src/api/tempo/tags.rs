//! Names of tags and their values, for those who complete a query: versions 1 and 2 of Tempo's API.

use std::collections::BTreeSet;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use serde_json::json;

use super::super::parameters::Parameters;
use super::super::refusal::{Refusal, answer};
use super::window;
use crate::attributes::{Value as Typed, unhex};
use crate::facade::Telemetry;
use crate::traces::ast::{Field, Intrinsic, Query, Scope};
use crate::traces::span::{Kind, Status};
use crate::traces::{FieldValue, SpanRow, parse};

/// Names, or values of one tag, at most; further ones are left out.
const TAGS_MAX: usize = 5000;

/// What a tag can stand on; of events, links and instrumentation no tags are kept.
const SCOPES: [&str; 7] = [
    "span",
    "resource",
    "intrinsic",
    "event",
    "link",
    "instrumentation",
    "none",
];

/// The routes.
pub(super) fn router() -> Router<Telemetry> {
    Router::new()
        .route("/tempo/api/search/tags", get(tags_v1))
        .route("/tempo/api/v2/search/tags", get(tags_v2))
        .route("/tempo/api/search/tag/{name}/values", get(tag_values_v1))
        .route("/tempo/api/v2/search/tag/{name}/values", get(tag_values_v2))
}

async fn tags_v1(State(telemetry): State<Telemetry>, parameters: Parameters) -> Response {
    answer(move || {
        let max = limit(&parameters)?;
        let (span, resource) = tags(&telemetry, &parameters)?;
        let names: BTreeSet<_> = span.into_iter().chain(resource).collect();
        Ok(json!({"tagNames": names.iter().take(max).collect::<Vec<_>>()}))
    })
    .await
}

async fn tags_v2(State(telemetry): State<Telemetry>, parameters: Parameters) -> Response {
    answer(move || {
        let max = limit(&parameters)?;
        let wanted = parameters
            .get("scope")
            .filter(|scope| !scope.is_empty() && *scope != "none");
        if let Some(scope) = wanted.filter(|scope| !SCOPES.contains(scope)) {
            let message = format!("scope={scope:?}: give one of {}", SCOPES.join(", "));
            return Err(message.into());
        }
        let (span, resource) = tags(&telemetry, &parameters)?;
        let intrinsics: BTreeSet<String> = Intrinsic::ALL
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect();
        let scopes: Vec<_> = [
            ("span", span),
            ("resource", resource),
            ("intrinsic", intrinsics),
        ]
        .into_iter()
        .filter(|(name, _)| wanted.is_none_or(|wanted| wanted == *name))
        .map(
            |(name, tags)| json!({"name": name, "tags": tags.iter().take(max).collect::<Vec<_>>()}),
        )
        .collect();
        Ok(json!({"scopes": scopes}))
    })
    .await
}

fn limit(parameters: &Parameters) -> Result<usize, String> {
    // 0 is no limit, as in Tempo
    match parameters.number("limit", TAGS_MAX, usize::MAX)? {
        0 => Ok(TAGS_MAX),
        given => Ok(given.min(TAGS_MAX)),
    }
}

/// The names of span and resource attributes in the window.
fn tags(
    telemetry: &Telemetry,
    parameters: &Parameters,
) -> Result<(BTreeSet<String>, BTreeSet<String>), Refusal> {
    let (mut of_span, mut of_resource) = (BTreeSet::new(), BTreeSet::new());
    let note = |names: &mut BTreeSet<String>, key: &str| {
        if names.len() < TAGS_MAX && !names.contains(key) {
            names.insert(key.to_owned());
        }
    };
    each_span(telemetry, parameters, None, |span| {
        span.keys().for_each(|key| note(&mut of_span, key));
        let resource = span.origin().resource.iter();
        resource.for_each(|attribute| note(&mut of_resource, &attribute.key));
    })?;
    Ok((of_span, of_resource))
}

async fn tag_values_v1(
    State(telemetry): State<Telemetry>,
    Path(name): Path<String>,
    parameters: Parameters,
) -> Response {
    answer(move || {
        // version 1 knows no scopes: a plain name is an attribute of either
        let known = Intrinsic::ALL
            .iter()
            .any(|(intrinsic, _)| *intrinsic == name);
        let scoped = ["span.", "resource.", "."]
            .iter()
            .any(|scope| name.starts_with(scope));
        let name = if known || scoped {
            name
        } else {
            format!(".{name}")
        };
        let values = tag_values(&telemetry, &name, &parameters)?;
        let texts: BTreeSet<_> = values.into_iter().map(|(_, text)| text).collect();
        Ok(json!({"tagValues": texts}))
    })
    .await
}

async fn tag_values_v2(
    State(telemetry): State<Telemetry>,
    Path(name): Path<String>,
    parameters: Parameters,
) -> Response {
    answer(move || {
        let values = tag_values(&telemetry, &name, &parameters)?;
        let one = |(kind, text): (&str, String)| json!({"type": kind, "value": text});
        Ok(json!({"tagValues": values.into_iter().map(one).collect::<Vec<_>>()}))
    })
    .await
}

/// Type and text of the values of a field in the window, as TraceQL would write them; among the spans that
/// `q` asks for, where it is TraceQL already (a client asks while it is being typed).
fn tag_values(
    telemetry: &Telemetry,
    name: &str,
    parameters: &Parameters,
) -> Result<BTreeSet<(&'static str, String)>, Refusal> {
    // Grafana encodes a name twice
    let name = twice_encoded(name).unwrap_or_else(|| name.to_owned());
    let asked = parse(&format!("{{}} | select({name})")).map_err(|_| {
        format!("{name:?} is not a tag: give an intrinsic, .x, span.x or resource.x")
    })?;
    let among: Option<Query> = parameters.get("q").and_then(|text| parse(text).ok());
    let max = limit(parameters)?;
    let mut values: BTreeSet<(&'static str, String)> = BTreeSet::new();
    // a closed set is told whole, as in Tempo
    for field in asked.fields() {
        let keyword = |name: &str| ("keyword", name.to_owned());
        match field {
            Field::Intrinsic(Intrinsic::Status) => {
                values.extend(Status::ALL.map(|status| keyword(status.name())));
            }
            Field::Intrinsic(Intrinsic::Kind) => {
                values.extend(Kind::ALL.map(|kind| keyword(kind.name())));
            }
            // every span has its own: nothing to choose from
            Field::Intrinsic(Intrinsic::Duration | Intrinsic::TraceDuration) => return Ok(values),
            _ => {}
        }
    }
    each_span(telemetry, parameters, among.as_ref(), |span| {
        if values.len() >= max {
            return;
        }
        for field in asked.fields() {
            let value = span.field(field);
            if value != FieldValue::Nil {
                values.insert((kind(field, span, &value), value.text()));
            }
        }
    })?;
    Ok(values.into_iter().take(max).collect())
}

/// What a name is that is still percent-encoded; `None` where it is not.
fn twice_encoded(name: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut parts = name.split('%');
    bytes.extend(parts.next()?.bytes());
    for part in parts {
        let [byte] = unhex::<1>(part.get(..2)?)?;
        bytes.push(byte);
        bytes.extend(part[2..].bytes());
    }
    String::from_utf8(bytes).ok()
}

/// The type of a value, in Tempo's words.
fn kind(field: &Field, span: SpanRow<'_>, value: &FieldValue<'_>) -> &'static str {
    match value {
        FieldValue::Nil | FieldValue::Text(_) => "string",
        FieldValue::Bool(_) => "bool",
        FieldValue::Status(_) | FieldValue::Kind(_) => "keyword",
        FieldValue::Number(_) => {
            let Field::Attribute(scope, name) = field else {
                return "float";
            };
            let of_resource = || crate::attributes::find(&span.origin().resource, name).cloned();
            let value = match scope {
                Scope::Any => span.own(name).or_else(of_resource),
                Scope::Span => span.own(name),
                Scope::Resource => of_resource(),
            };
            match value {
                Some(Typed::Int(_)) => "int",
                _ => "float",
            }
        }
    }
}

/// The spans in the window; where a query is given, those that it may select.
fn each_span(
    telemetry: &Telemetry,
    parameters: &Parameters,
    among: Option<&Query>,
    mut each: impl FnMut(SpanRow<'_>),
) -> Result<(), Refusal> {
    let (start_ns, end_ns) = window(telemetry, parameters)?;
    for segment in telemetry.intake().trace_store().snapshot() {
        if segment.overlaps(start_ns, end_ns) {
            let within =
                |span: &SpanRow<'_>| span.start_ns() <= end_ns && span.end_ns() >= start_ns;
            match among {
                None => segment.rows().filter(within).for_each(&mut each),
                Some(query) => {
                    let spans = segment.rows_that_may_match(&query.spans);
                    spans.filter(within).for_each(&mut each);
                }
            }
        }
    }
    Ok(())
}
