//! What every client sends, as the query APIs must answer it.

use serde_json::{Value, json};

use crate::lab::Lab;

/// What a client says that it sent.
pub struct Ids {
    pub service: String,
    pub trace: String,
    pub root: String,
    pub child: String,
}

/// Whether an SDK sends exemplars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exemplars {
    Sent,
    None,
}

impl Lab {
    /// Whether all three signals of a client are here, with everything that they said.
    pub async fn holds(&self, ids: &Ids, exemplars: Exemplars) {
        self.holds_logs(ids).await;
        self.holds_trace(ids).await;
        self.holds_metrics(ids).await;
        if exemplars == Exemplars::Sent {
            self.holds_exemplar(ids).await;
        }
    }

    async fn holds_logs(&self, ids: &Ids) {
        let line = async |query: String| {
            let path = "/loki/api/v1/query_range";
            let answer = self.get(path, &[("query", &query)]).await;
            let streams = answer["data"]["result"].as_array().unwrap().clone();
            assert_eq!(streams.len(), 1, "{query}: {answer}");
            let stream = streams.into_iter().next().unwrap();
            let text = stream["values"][0][1].as_str().unwrap().to_owned();
            (stream["stream"].clone(), text)
        };
        let service = &ids.service;
        let (labels, text) = line(format!(
            "{{service=\"{service}\", level=\"info\"}} | order_id = 4711"
        ))
        .await;
        assert_eq!(text, "order placed");
        assert_eq!(
            (&labels["trace_id"], &labels["span_id"]),
            (&json!(ids.trace), &json!(ids.root))
        );
        let (labels, text) = line(format!(
            "{{service=\"{service}\", level=\"error\"}} |= \"no funds\" | amount > 9"
        ))
        .await;
        assert_eq!(text, "payment failed: no funds");
        assert_eq!(
            (&labels["trace_id"], &labels["span_id"]),
            (&json!(ids.trace), &json!(ids.child))
        );
    }

    async fn holds_trace(&self, ids: &Ids) {
        let query = format!(
            "{{ resource.service.name = \"{}\" && name = \"POST /pay\" && kind = server && span.cart.items = 3 && span.vip = true }} > {{ name = \"charge\" && kind = client && status = error }}",
            ids.service
        );
        let found = self.get("/tempo/api/search", &[("q", &query)]).await;
        assert_eq!(found["traces"].as_array().map(Vec::len), Some(1), "{found}");
        assert_eq!(
            found["traces"][0]["traceID"].as_str(),
            Some(ids.trace.as_str())
        );

        let trace = self
            .get(&format!("/tempo/api/traces/{}", ids.trace), &[])
            .await;
        let text = trace.to_string();
        let resources = ["batches", "resourceSpans"]
            .iter()
            .find_map(|name| trace[name].as_array());
        let spans: Vec<&Value> = resources
            .unwrap_or_else(|| panic!("{text}"))
            .iter()
            .flat_map(|resource| resource["scopeSpans"].as_array().unwrap())
            .flat_map(|scope| scope["spans"].as_array().unwrap())
            .collect();
        assert_eq!(spans.len(), 2, "{text}");
        let span = |name: &str| *spans.iter().find(|span| span["name"] == name).unwrap();
        let (root, child) = (span("POST /pay"), span("charge"));
        // the ids of trace data are base64 in protocol buffers' JSON and hexadecimal in OTLP's: alike is alike
        assert_eq!(root["spanId"], child["parentSpanId"], "{text}");
        assert_eq!(root["links"].as_array().map(Vec::len), Some(1), "{text}");
        assert_eq!(child["status"]["message"], "card refused");
        assert_eq!(child["events"][0]["name"], "exception");
        let said = child["events"][0]["attributes"].to_string();
        assert!(said.contains("no funds"), "{said}");
        assert!(
            text.contains("service.version") && text.contains("1.2"),
            "{text}"
        );
    }

    async fn holds_metrics(&self, ids: &Ids) {
        let service = &ids.service;
        for (query, value) in [
            (
                format!(
                    "shop_orders_total{{service=\"{service}\", instance=\"one\", kind=\"gift\"}}"
                ),
                "4",
            ),
            (format!("shop_queue_depth{{service=\"{service}\"}}"), "3"),
            (
                format!(
                    "shop_pay_duration_seconds_count{{service=\"{service}\", http_route=\"/pay\"}}"
                ),
                "2",
            ),
            (
                format!("shop_pay_duration_seconds_sum{{service=\"{service}\"}}"),
                "0.5",
            ),
            (
                format!("shop_pay_duration_seconds_bucket{{service=\"{service}\", le=\"0.1\"}}"),
                "0",
            ),
            (
                format!("shop_pay_duration_seconds_bucket{{service=\"{service}\", le=\"0.5\"}}"),
                "2",
            ),
            (
                format!("target_info{{service=\"{service}\", service_version=\"1.2\"}}"),
                "1",
            ),
        ] {
            let answer = self
                .get("/prometheus/api/v1/query", &[("query", &query)])
                .await;
            let result = &answer["data"]["result"];
            assert_eq!(
                result.as_array().map(Vec::len),
                Some(1),
                "{query}: {answer}"
            );
            assert_eq!(result[0]["value"][1], value, "{query}: {answer}");
        }
        let metadata = self
            .get(
                "/prometheus/api/v1/metadata",
                &[("metric", "shop_orders_total")],
            )
            .await;
        let known = &metadata["data"]["shop_orders_total"][0];
        assert_eq!(
            (&known["type"], &known["help"]),
            (&json!("counter"), &json!("Orders placed")),
            "{metadata}"
        );
    }

    /// Whether a histogram whose buckets the SDK chose is here: 0.01, 0.25 and 4 s, twice each.
    pub async fn holds_exponential(&self, ids: &Ids) {
        let value = async |query: String| {
            let path = "/prometheus/api/v1/query";
            let answer = self.get(path, &[("query", &query)]).await;
            let value = answer["data"]["result"][0]["value"][1].as_str();
            let value = value.unwrap_or_else(|| panic!("{query}: {answer}"));
            value.parse::<f64>().unwrap()
        };
        let of = format!("{{service=\"{}\"}}", ids.service);
        assert_eq!(value(format!("shop_wait_seconds_count{of}")).await, 6.0);
        let sum = value(format!("shop_wait_seconds_sum{of}")).await;
        assert!((sum - 8.52).abs() < 1e-9, "{sum}");
        for (part, exact) in [(0.3, 0.01), (0.5, 0.25), (0.9, 4.0)] {
            let query = format!("histogram_quantile({part}, shop_wait_seconds_bucket{of})");
            let found = value(query).await;
            // the buckets are as wide
            assert!(
                (found / exact - 1.0).abs() < 0.045,
                "{found} is not {exact}"
            );
        }
    }

    async fn holds_exemplar(&self, ids: &Ids) {
        let query = format!(
            "shop_pay_duration_seconds_bucket{{service=\"{}\"}}",
            ids.service
        );
        let window = [
            ("query", query.as_str()),
            ("start", "0"),
            ("end", "99999999999"),
        ];
        let answer = self
            .get("/prometheus/api/v1/query_exemplars", &window)
            .await;
        let exemplar = &answer["data"][0]["exemplars"][0];
        assert_eq!(answer["data"][0]["seriesLabels"]["le"], "0.5", "{answer}");
        assert_eq!(exemplar["labels"]["trace_id"], json!(ids.trace), "{answer}");
        assert_eq!(exemplar["value"], "0.25", "{answer}");
    }
}
