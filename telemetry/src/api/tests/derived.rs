//! The derived views through the router.

use super::*;

const WINDOW: [(&str, &str); 2] = [("start", "7000"), ("end", "9000")];

const OBJECTIVES: &str = r#"
version: prometheus/v1
service: shop
slos:
  - name: answers
    objective: 99
    sli:
      events:
        error_query: sum(rate(requests_total{code="500"}[{{.window}}]))
        total_query: sum(rate(requests_total[{{.window}}]))
    alerting: { name: AnswersBurn }
"#;

fn id(trace: u64) -> String {
    crate::attributes::hex(&Shape::trace_id(trace))
}

#[tokio::test]
async fn a_trace_has_a_critical_path_and_repeated_groups() {
    let telemetry = filled().await;
    let path = format!("/derived/traces/{}/critical-path", id(6000));
    let answer = get_json(&telemetry, &path, &[]).await;
    assert_eq!(answer["root_span_id"], "0000000000000001");
    assert_eq!(answer["duration_ns"], 100_000_000);
    // the child begins a millisecond after its parent and ends as much later
    assert_eq!(answer["spans"][1]["path_ns"], 99_000_000);
    assert_eq!(answer["operations"][0]["service"], "checkout");
    assert_eq!(
        (&answer["clamped"], &answer["limits"]),
        (&json!(1), &json!([]))
    );

    let queries: Vec<_> = (10..15).map(|span| Shape::child(6000, span, 2)).collect();
    telemetry.intake().traces(spans("checkout", &queries)).await;
    let path = format!(
        "/derived/traces/{}/repeated",
        id(6000).trim_start_matches('0')
    );
    let answer = get_json(&telemetry, &path, &[]).await;
    let group = &answer["groups"][0];
    assert_eq!(
        (&group["count"], &group["parent_span_id"], &group["name"]),
        (&json!(5), &json!("0000000000000002"), &json!("GET /"))
    );
}

#[tokio::test]
async fn traces_that_are_none_or_not_held_are_told_apart() {
    let telemetry = filled().await;
    for view in ["critical-path", "repeated"] {
        let junk = refused(&telemetry, &format!("/derived/traces/xyz/{view}"), &[]).await;
        assert!(junk.contains("hexadecimal"), "{junk}");
        let path = format!("/derived/traces/{}/{view}", id(77));
        let (status, message) = get(&telemetry, &path, &[]).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(message.contains("evicted"), "{message}");
    }
    let held = id(6000);
    for (a, b) in [("", &*held), ("zz", &*held)] {
        refused(&telemetry, "/derived/compare", &[("a", a), ("b", b)]).await;
    }
    let (status, _) = get(
        &telemetry,
        "/derived/compare",
        &[("a", &held), ("b", &id(78))],
    )
    .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn two_traces_are_compared() {
    let telemetry = filled().await;
    let mut slow = Shape::root(6100, 1);
    slow.duration_ms = 500;
    telemetry
        .intake()
        .traces(spans("storefront", &[slow]))
        .await;
    let answer = get_json(
        &telemetry,
        "/derived/compare",
        &[("a", &id(6000)), ("b", &id(6100))],
    )
    .await;
    assert_eq!(
        (&answer["slower"], &answer["removed"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(answer["steps"][0]["change"], "slower");
    assert_eq!(answer["steps"][0]["difference_ns"], 400_000_000);
    assert_eq!(
        answer["steps"][1]["path"],
        json!(["storefront: GET /", "checkout: GET /"])
    );
}

#[tokio::test]
async fn red_and_use_tell_a_window() {
    let telemetry = filled().await;
    let answer = get_json(&telemetry, "/derived/red", &WINDOW).await;
    assert_eq!(answer["services"][0]["service"], "checkout");
    assert_eq!(answer["services"][0]["error_share"], 1.0);
    assert_eq!(answer["services"][1]["operations"][0]["operation"], "GET /");
    assert_eq!(answer["services"][1]["rate"], 0.0005);
    let only = [WINDOW[0], WINDOW[1], ("service", "storefront")];
    let answer = get_json(&telemetry, "/derived/red", &only).await;
    assert_eq!(answer["services"].as_array().unwrap().len(), 1);

    let labels = |name| [("__name__", name), ("service", "checkout")];
    for second in 8_900..9_000 {
        let t_ms = second * 1000;
        telemetry
            .metrics
            .append(&labels("worker_slots_in_use"), t_ms, 3.0);
        telemetry
            .metrics
            .append(&labels("worker_slots_limit"), t_ms, 4.0);
    }
    let last = [("start", "8900"), ("end", "8999")];
    let answer = get_json(&telemetry, "/derived/use", &last).await;
    let slots = &answer["services"][0]["resources"][0];
    assert_eq!(slots["utilisation"]["peak"], 0.75);
    assert_eq!(slots["saturation"], Value::Null);
    for path in ["/derived/red", "/derived/use"] {
        let empty = get_json(&telemetry, path, &[("start", "10"), ("end", "20")]).await;
        assert_eq!(empty["services"], json!([]));
        refused(&telemetry, path, &[("start", "20"), ("end", "10")]).await;
        refused(&telemetry, path, &[("start", "soon")]).await;
    }
}

#[tokio::test]
async fn log_patterns_say_what_is_new() {
    let telemetry = filled().await;
    let since = [WINDOW[0], WINDOW[1], ("since", "8003")];
    let answer = get_json(&telemetry, "/derived/patterns", &since).await;
    assert_eq!(
        (&answer["lines"], &answer["lines_before"]),
        (&json!(3), &json!(2))
    );
    let first = &answer["patterns"][0];
    assert_eq!(
        (&first["template"], &first["novelty"], &first["level"]),
        (&json!("payment failed"), &json!("new"), &json!("error"))
    );
    let of_query = [WINDOW[0], WINDOW[1], ("query", "order")];
    let answer = get_json(&telemetry, "/derived/patterns", &of_query).await;
    assert_eq!(answer["lines"], 2);
    let empty = [("start", "10"), ("end", "20"), ("since", "15")];
    let answer = get_json(&telemetry, "/derived/patterns", &empty).await;
    assert_eq!(
        (&answer["lines"], &answer["patterns"]),
        (&json!(0), &json!([]))
    );
    for bad in [
        ("since", "never"),
        ("query", "{service="),
        ("query", "rate({service=\"a\"}[1m])"),
        ("limit", "100000"),
    ] {
        refused(&telemetry, "/derived/patterns", &[bad]).await;
    }
}

#[tokio::test]
async fn what_differs_about_the_selected_is_told() {
    let telemetry = filled().await;
    for trace in 6_001..6_011 {
        let mut root = Shape::root(trace, 1);
        root.error = trace > 6_005;
        root.attributes = vec![text("zone", if root.error { "b" } else { "a" })];
        telemetry
            .intake()
            .traces(spans("storefront", &[root]))
            .await;
    }
    let asked = [
        WINDOW[0],
        WINDOW[1],
        ("q", "{ status = error }"),
        ("against", "{ .zone != nil }"),
    ];
    let answer = get_json(&telemetry, "/derived/attributes", &asked).await;
    assert_eq!(
        (&answer["selected"], &answer["rest"], &answer["of"]),
        (&json!(6), &json!(5), &json!("traces"))
    );
    let zone = answer["values"].as_array().unwrap();
    let zone = zone.iter().find(|row| row["key"] == "zone").unwrap();
    assert_eq!(
        (&zone["value"], &zone["selected"], &zone["rest"]),
        (&json!("b"), &json!(5), &json!(0))
    );
    for bad in [
        &[][..],
        &[("q", "{ status")],
        &[("q", "{}"), ("of", "services")],
        &[("q", "{}"), ("against", "{")],
    ] {
        refused(&telemetry, "/derived/attributes", bad).await;
    }
}

#[tokio::test]
async fn a_window_before_what_is_held_says_so() {
    let config = TelemetryConfig {
        trace_bytes: 64 * 1024,
        log_bytes: 64 * 1024,
        ..TelemetryConfig::default()
    };
    let telemetry = Telemetry::new(config, Arc::new(Shifted));
    for n in 1..2_000 {
        telemetry
            .intake()
            .traces(spans("a", &[Shape::root(n, 1)]))
            .await;
        let lines = batch("a", vec![record(n, "a line of some length")]);
        telemetry.intake().logs(lines).await;
    }
    let all = [("start", "1000"), ("end", "9000")];
    for path in ["/derived/red", "/derived/patterns"] {
        let answer = get_json(&telemetry, path, &all).await;
        let from_ns = answer["evicted_before_ns"].as_i64().unwrap();
        assert!(from_ns > 1_002_000_000_000, "{path}: {from_ns}");
        let late = [("start", "3999"), ("end", "9000")];
        let answer = get_json(&telemetry, path, &late).await;
        assert!(answer["evicted_before_ns"].is_null(), "{path}: {answer}");
    }
}

#[tokio::test]
async fn objectives_have_figures_at_a_time_and_null_where_there_is_no_data() {
    let telemetry = telemetry();
    let answer = get_json(&telemetry, "/derived/objectives", &[]).await;
    assert_eq!(answer, json!({ "objectives": [], "limits": [] }));

    let spec = crate::objectives::read(OBJECTIVES).unwrap();
    telemetry.metrics.load_rules([], vec![spec]).unwrap();
    for second in (9_000..=9_300).step_by(5) {
        for (code, each) in [("200", 49.0), ("500", 1.0)] {
            let labels = [("__name__", "requests_total"), ("code", code)];
            let value = each * (second - 9_000) as f64 / 5.0;
            telemetry.metrics.append(&labels, second * 1_000, value);
        }
        telemetry.metrics.alerts().evaluate(second * 1_000_000_000);
    }
    let answer = get_json(&telemetry, "/derived/objectives", &[("time", "9300")]).await;
    let found = &answer["objectives"][0];
    assert_eq!(
        (&found["service"], &found["name"], &found["window"]),
        (&json!("shop"), &json!("answers"), &json!("30d"))
    );
    assert_eq!(
        (&found["total"], &found["failed"]),
        (&json!(3000.0), &json!(60.0))
    );
    assert_eq!(found["policy"], json!("exhausted"));
    assert_eq!(found["exhausted_in_s"], json!(0.0));
    assert_eq!(found["pairs"][0]["severity"], json!("page"));
    assert_eq!(found["pairs"][0]["burning"], json!(false));
    assert_eq!(found["burn_rates"][0]["window"], json!("5m"));
    assert_eq!(found["burn_rates"].as_array().unwrap().len(), 8);

    // long after the last sample, as long before the first one, nothing is known
    for time in [None, Some("1000")] {
        let time: Vec<_> = time.map(|time| ("time", time)).into_iter().collect();
        let answer = get_json(&telemetry, "/derived/objectives", &time).await;
        let found = &answer["objectives"][0];
        assert_eq!(found["objective"], json!(0.99));
        for figure in [
            "total",
            "sli",
            "error_budget_remaining",
            "policy",
            "exhausted_in_s",
        ] {
            assert!(found[figure].is_null(), "{figure}: {found}");
        }
    }
}

#[tokio::test]
async fn objectives_that_cannot_be_told_are_refused_with_a_reason() {
    let telemetry = telemetry();
    let path = "/derived/objectives";
    let (status, message) = get(&telemetry, path, &[("service", "shop")]).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(message.contains("none is loaded"), "{message}");
    let spec = crate::objectives::read(OBJECTIVES).unwrap();
    telemetry.metrics.load_rules([], vec![spec]).unwrap();
    let (status, message) = get(&telemetry, path, &[("service", "shoop")]).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(message.contains("these have: shop"), "{message}");
    let answer = get_json(&telemetry, path, &[("service", "shop")]).await;
    assert_eq!(answer["objectives"][0]["name"], json!("answers"));
    let message = refused(&telemetry, path, &[("time", "yesterday")]).await;
    assert!(
        message.contains("time=\"yesterday\" is not a time"),
        "{message}"
    );
}
