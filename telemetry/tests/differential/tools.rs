//! promtool's own questions to our API: what it prints must be what it prints of Prometheus on the same data.

use super::history;
use super::http::serve;
use super::our_history;
use super::prometheus::{Prometheus, promtool};

/// What promtool is run with, words separated by ` | `; `sorted` first where the order of lines is defined.
const RUNS: &[&str] = &[
    "query | instant | TIME | SERVER | load",
    "sorted | query | instant | TIME | SERVER | sort_desc(load)",
    "query | instant | TIME | SERVER | round(sum by (job) (rate(requests_total[5m])), 0.001)",
    "query | instant | TIME | SERVER | extreme",
    "query | instant | TIME | SERVER | text",
    "query | instant | TIME | SERVER | absent(nothing{a=\"b\"})",
    "query | instant | TIME | SERVER | 1 / 3",
    "query | instant | TIME | SERVER | 1e-7",
    "sorted | query | instant | TIME | SERVER | mixed[1m]",
    "sorted | query | instant | TIME | SERVER | not_there",
    "sorted | query | instant | TIME | -o | json | SERVER | sort(load)",
    "sorted | query | range | START | END | --step=1m | SERVER | rate(requests_total[5m])",
    "sorted | query | range | START | END | --step=90s | SERVER | extreme",
    "sorted | query | range | START | END | --step=1m | SERVER | 1 + 1",
    "sorted | query | range | START | END | --step=1m | -o | json | SERVER | load",
    "sorted | query | series | START | END | --match=load | SERVER",
    "sorted | query | series | START | END | --match={job=\"api\"} | --match=text | SERVER",
    "sorted | query | series | START | END | --match=early_total | SERVER",
    "sorted | query | series | START | END | --match=load | -o | json | SERVER",
    "sorted | query | labels | FIRST | LAST | SERVER | job",
    "sorted | query | labels | FIRST | LAST | SERVER | __name__",
    "sorted | query | labels | FIRST | LAST | SERVER | word",
    "sorted | query | labels | START | END | --match=load | SERVER | instance",
    "sorted | query | labels | FIRST | LAST | SERVER | nothing",
];

/// What promtool prints of a server.
fn lines(server: &str, run: &str) -> Vec<String> {
    let time = |seconds: i64| history::START_S + seconds;
    let (run, sorted) = match run.strip_prefix("sorted | ") {
        Some(rest) => (rest, true),
        None => (run, false),
    };
    let arguments = run.split(" | ").map(|word| match word {
        "SERVER" => server.to_owned(),
        "TIME" => format!("--time={}", time(3600)),
        "START" => format!("--start={}", time(3000)),
        "END" => format!("--end={}", time(4200)),
        // without a selector Prometheus answers by whole blocks, ours by the samples: all of them
        "FIRST" => format!("--start={}", time(-60)),
        "LAST" => format!("--end={}", time(history::LENGTH_S + 60)),
        other => other.to_owned(),
    });
    let said = promtool(&arguments.collect::<Vec<String>>());
    assert!(said.ok && said.err.is_empty(), "{run}: {said:?}");
    let mut lines: Vec<String> = said.out.lines().map(str::to_owned).collect();
    if !sorted {
        lines.sort();
    }
    lines
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs prometheus and promtool"]
async fn promtool_prints_of_us_what_it_prints_of_prometheus() {
    let text = history::openmetrics();
    let peer = Prometheus::of_history(&text);
    let ours = serve(our_history(&text).router()).await;
    let servers = [peer.address, ours].map(|address| format!("http://{address}/prometheus"));
    let mut printed = 0;
    for run in RUNS {
        let [theirs, ours] = servers.each_ref().map(|server| lines(server, run));
        assert_eq!(ours, theirs, "{run}");
        printed += theirs.len();
    }
    assert!(printed > 300, "{printed} lines only");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs promtool"]
async fn promtool_understands_our_refusals() {
    let server = serve(our_history("# EOF\n").router()).await;
    let server = format!("http://{server}/prometheus");
    for (query, part) in [
        ("sum(up", "bad_data"),
        ("nothing_of_the_sort(up)", "unknown function"),
        (
            "label_replace(vector(1), \"~\", \"\", \"\", \"\")",
            "execution",
        ),
    ] {
        let said = promtool(&["query", "instant", "--time=60", &server, query]);
        assert!(!said.ok && said.err.contains(part), "{query}: {said:?}");
    }
}
