//! `GET /metrics`: Toxiproxy's counters of bytes, and what a process exporter tells of this process, in Prometheus' text
//! format. It counts nothing itself.

use std::fmt::Write as _;

use crate::proxy::registry::Proxies;

/// Which metrics are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Exposed {
    /// Bytes through proxies.
    pub proxy: bool,
    /// This process.
    pub runtime: bool,
}

impl Exposed {
    pub(super) const fn any(self) -> bool {
        self.proxy || self.runtime
    }
}

pub(super) fn text(proxies: &Proxies, exposed: Exposed) -> String {
    let mut text = String::new();
    if exposed.proxy {
        bytes(&mut text, proxies);
        http_left(&mut text, proxies);
    }
    if exposed.runtime {
        process(&mut text);
    }
    text
}

fn bytes(text: &mut String, proxies: &Proxies) {
    let flows = proxies.flows();
    for received in [true, false] {
        let word = if received { "received" } else { "sent" };
        let name = format!("toxiproxy_proxy_{word}_bytes_total");
        let _ = writeln!(
            text,
            "# HELP {name} Bytes {word} on a proxy's link in a direction.\n# TYPE {name} counter"
        );
        for flow in &flows {
            let bytes = if received { flow.received } else { flow.sent };
            let _ = writeln!(
                text,
                "{name}{{direction=\"{}\",listener=\"{}\",proxy=\"{}\",upstream=\"{}\"}} {bytes}",
                flow.direction.as_str(),
                escaped(&flow.spec.listen),
                escaped(&flow.spec.name),
                escaped(&flow.spec.upstream),
            );
        }
    }
}

/// Ours: what HTTP toxics could not act on.
fn http_left(text: &mut String, proxies: &Proxies) {
    const METRICS: [(&str, &str); 3] = [
        (
            "raw_connections",
            "Connections passed as raw bytes despite an HTTP toxic: not HTTP/1.x, malformed or ambiguous.",
        ),
        (
            "unchanged_answers",
            "Answers that were to be changed and passed unchanged: too large or compressed.",
        ),
        (
            "single_requests",
            "Requests that were to be delivered twice and went once: too large or too many.",
        ),
    ];
    let left = proxies.http_left();
    for (k, (word, help)) in METRICS.iter().enumerate() {
        let name = format!("drill_proxy_http_{word}_total");
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter");
        for (proxy, counts) in &left {
            let _ = writeln!(text, "{name}{{proxy=\"{}\"}} {}", escaped(proxy), counts[k]);
        }
    }
}

fn escaped(label: &str) -> String {
    label
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// Names as in Prometheus' client libraries. Where there is no `/proc` there is nothing to tell.
fn process(text: &mut String) {
    let mut figure = |name: &str, kind: &str, help: &str, value: Option<f64>| {
        if let Some(value) = value {
            let _ = writeln!(
                text,
                "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}"
            );
        }
    };
    let ticks = rustix::param::clock_ticks_per_second();
    let page = rustix::param::page_size();
    // fields after the name, which may hold blanks and brackets: the first is the state, the third of `stat`
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<_> = stat
        .rsplit_once(')')
        .map(|(_, rest)| rest.split_whitespace().collect())
        .unwrap_or_default();
    #[expect(clippy::cast_precision_loss)]
    let field = |number: usize| -> Option<f64> {
        let whole: u64 = fields.get(number - 3)?.parse().ok()?;
        Some(whole as f64)
    };
    #[expect(clippy::cast_precision_loss)]
    let (ticks, page) = (ticks as f64, page as f64);
    let cpu = field(14).zip(field(15)).map(|(user, system)| user + system);
    figure(
        "process_cpu_seconds_total",
        "counter",
        "Total user and system CPU time spent in seconds.",
        cpu.map(|cpu| cpu / ticks),
    );
    figure(
        "process_resident_memory_bytes",
        "gauge",
        "Resident memory size in bytes.",
        field(24).map(|pages| pages * page),
    );
    figure(
        "process_virtual_memory_bytes",
        "gauge",
        "Virtual memory size in bytes.",
        field(23),
    );
    figure("process_threads", "gauge", "Number of threads.", field(20));
    #[expect(clippy::cast_precision_loss)]
    let open = std::fs::read_dir("/proc/self/fd").map(|entries| entries.count() as f64);
    figure(
        "process_open_fds",
        "gauge",
        "Number of open file descriptors.",
        open.ok(),
    );
}
