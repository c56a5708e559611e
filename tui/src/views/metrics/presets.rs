//! Ready expressions, made from the names of the metrics that the lab has, so that one can explore without a query.

use crate::app::App;
use crate::app::menu::{Choice, Item, Menu};
use crate::app::overlay::Overlay;
use crate::client::loki::quoted;
use crate::client::prometheus::{MetricInfo, stretches};
use crate::views::ViewId;

/// A ready expression: what it shows, and its PromQL.
pub type Preset = (String, String);

/// The golden signals and every metric, of one service or of all.
#[must_use]
pub fn presets(metrics: &[MetricInfo], service: Option<&str>) -> Vec<Preset> {
    let only = service.map(|s| format!("service={}", quoted(s)));
    let with = |name: &str, more: &str| {
        let conditions: Vec<&str> = [only.as_deref().unwrap_or(""), more]
            .into_iter()
            .filter(|c| !c.is_empty())
            .collect();
        if conditions.is_empty() {
            name.to_owned()
        } else {
            format!("{name}{{{}}}", conditions.join(","))
        }
    };
    let by = if service.is_some() {
        "service, route"
    } else {
        "service"
    };
    let server = "http_server_request_duration_seconds";
    let count = format!("{server}_count");
    let failed = with(&count, "status=~\"5..\"");
    let mut out: Vec<Preset> = vec![
        (
            "requests per second (rate, traffic)".into(),
            format!("sum by ({by}) (rate({}[30s]))", with(&count, "")),
        ),
        (
            "share of requests that fail (errors)".into(),
            format!(
                "sum by (service) (rate({failed}[30s])) / sum by (service) (rate({}[30s]))",
                with(&count, "")
            ),
        ),
    ];
    for (q, name) in [("0.5", "p50"), ("0.95", "p95"), ("0.99", "p99")] {
        let buckets = with(&format!("{server}_bucket"), "");
        out.push((
            format!("{name} of request duration (latency), s"),
            format!("histogram_quantile({q}, sum by ({by}, le) (rate({buckets}[30s])))"),
        ));
    }
    out.push((
        "processor cores in use (cpu)".into(),
        format!(
            "sum by (service) (rate({}[30s]))",
            with("process_cpu_seconds_total", "")
        ),
    ));
    out.extend(metrics.iter().filter_map(|m| of_metric(m, &with)));
    out
}

fn of_metric(metric: &MetricInfo, with: &impl Fn(&str, &str) -> String) -> Option<Preset> {
    let name = metric.name.as_str();
    if let Some(family) = name.strip_suffix("_bucket") {
        let query = format!(
            "histogram_quantile(0.95, sum by (service, le) (rate({}[30s])))",
            with(name, "")
        );
        return Some((format!("{family} · p95"), query));
    }
    if name.ends_with("_count") || name.ends_with("_sum") || name.ends_with("_created") {
        return None;
    }
    let about = if metric.help.is_empty() {
        name.to_owned()
    } else {
        format!("{name} · {}", metric.help)
    };
    if metric.kind == "counter" || name.ends_with("_total") {
        return Some((
            format!("{about} · per second"),
            format!("rate({}[30s])", with(name, "")),
        ));
    }
    Some((about, with(name, "")))
}

/// Opens the menu of ready expressions, those that were kept first.
pub fn choose(app: &mut App) {
    app.overlay = Some(Overlay::Menu(menu(app)));
}

/// Whether something typed is words and no PromQL: letters alone, and not the name of a metric.
#[must_use]
pub fn is_words(app: &App, typed: &str) -> bool {
    let letters = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ');
    let known = app.known.metrics.iter().any(|m| m.name == typed);
    let begins = typed.starts_with(char::is_alphabetic);
    begins && typed.chars().all(letters) && !known
}

/// Opens the menu on what bare words find.
pub fn search(app: &mut App, words: &str) {
    app.overlay = Some(Overlay::Menu(menu(app).searched(words)));
}

/// The expressions that were kept, then the ready ones.
#[must_use]
pub fn items(app: &App) -> Vec<Item> {
    let service = app.views.metrics.service.clone();
    let kept = app.views.metrics.panels.iter().map(|p| Item {
        label: format!("panel: {}", p.query),
        about: String::new(),
        choice: Choice::Query(ViewId::Metrics, p.query.clone()),
    });
    let ready = presets(&app.known.metrics, service.as_deref())
        .into_iter()
        .map(|(label, query)| Item {
            label: match stretches(&query) {
                moment if moment.is_empty() => label,
                stretch => format!("{label}, over {stretch}"),
            },
            about: String::new(),
            choice: Choice::Query(ViewId::Metrics, query),
        });
    kept.chain(ready).collect()
}

fn menu(app: &App) -> Menu {
    let service = app.views.metrics.service.as_deref();
    let of = service.unwrap_or("all services");
    Menu::new(format!("Show, of {of}"), items(app))
}

/// `v`: the next service that ready expressions are about, then all again.
pub fn next_service(app: &mut App) {
    let services = app.services();
    let at = app
        .views
        .metrics
        .service
        .as_ref()
        .and_then(|s| services.iter().position(|x| x == s));
    let next = match at {
        None => services.first(),
        Some(i) => services.get(i + 1),
    };
    app.views.metrics.service = next.cloned();
    choose(app);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_metric_gets_its_expression() {
        let metric = |name: &str, kind: &str| MetricInfo {
            name: name.to_owned(),
            kind: kind.to_owned(),
            help: String::new(),
        };
        let all = presets(
            &[
                metric("retries_total", "counter"),
                metric("queue_depth", "gauge"),
                metric("db_seconds_bucket", "histogram"),
                metric("db_seconds_sum", "histogram"),
            ],
            Some("worker"),
        );
        let queries: Vec<&str> = all.iter().map(|(_, q)| q.as_str()).collect();
        assert!(queries.contains(&"rate(retries_total{service=\"worker\"}[30s])"));
        assert!(queries.contains(&"queue_depth{service=\"worker\"}"));
        assert!(queries.contains(&"histogram_quantile(0.95, sum by (service, le) (rate(db_seconds_bucket{service=\"worker\"}[30s])))"));
        assert!(!queries.iter().any(|q| q.contains("db_seconds_sum")));
    }
}
