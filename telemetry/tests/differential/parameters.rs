//! What both servers say to requests that are wrong, or only just right: times, steps, limits, selectors of series.

use super::compare::{Rules, compare};
use super::history;
use super::http::{Api, serve};
use super::our_history;
use super::prometheus::Prometheus;

/// Requests: path, then `name=value` words separated by ` & `. `T` stands for an hour into the history.
const REQUESTS: &[&str] = &[
    "query & query=load",
    "query & query=load & time=T",
    "query & query=load & time=T.5",
    "query & query=load & time=2024-02-29T01:00:00Z",
    "query & query=load & time=2024-02-29T02:00:00.5+01:00",
    "query & query=load & time=",
    "query & query=load & time=soon",
    "query & query=load & time=T & timeout=5s",
    "query & query= & time=T",
    "query & time=T",
    "query & query=%20 & time=T",
    "query & query=1e-7 & time=T",
    "query & query=-1e21 & time=T",
    "query & query=vector(1e-7) & time=T",
    "query & query=vector(-1.5e21) & time=T",
    "query & query=vector(1e-6) & time=T",
    "query & query=vector(123456789012345680000) & time=T",
    "query & query=\"é\\n\" & time=T",
    "query_range & query=load & start=T & end=T & step=60",
    "query_range & query=load & start=T & end=T.9 & step=0.1",
    "query_range & query=load & start=T & end=T & step=1m",
    "query_range & query=load & start=T & end=T & step=1h30m",
    "query_range & query=load & start=T & end=T & step=0",
    "query_range & query=load & start=T & end=T & step=-1",
    "query_range & query=load & start=T & end=T & step=often",
    "query_range & query=load & start=T & end=T & step=",
    "query_range & query=load & start=T & end=T",
    "query_range & query=load & start=T & step=60",
    "query_range & query=load & end=T & step=60",
    "query_range & start=T & end=T & step=60",
    "query_range & query=load & start=T & end=0 & step=60",
    "query_range & query=load & start=never & end=T & step=60",
    "query_range & query=load & start=0 & end=T & step=1",
    // 11,000 points are the most
    "query_range & query=vector(1) & start=0 & end=10999 & step=1",
    "query_range & query=vector(1) & start=0 & end=11000 & step=1",
    "query_range & query=vector(1) & start=0 & end=11001 & step=1",
    "query_range & query=vector(1) & start=-5 & end=5 & step=2.5",
    "query_range & query=load[5m] & start=T & end=T & step=60",
    "query_range & query=load[5m:1m] & start=T & end=T & step=60",
    "query_range & query=\"text\" & start=T & end=T & step=60",
    "query_range & query=1 & start=T & end=T & step=60",
    "query_range & query=sum( & start=T & end=T & step=60",
    "query_range & query=label_replace(load,\"~\",\"\",\"\",\"\") & start=T & end=T & step=60",
];

/// Requests for lists: of series, of names, of values.
const LISTS: &[&str] = &[
    "series & match[]=load",
    "series & match[]=load & match[]=steady",
    "series & match[]={job=\"api\"} & start=0 & end=1",
    "series & match[]=load & start=T & end=T",
    "series & match[]=early_total & start=T & end=T",
    "series & match[]={__name__=~\"twin_.*\",x=\"1\"}",
    "series & match[]=not_there",
    "series & start=T & end=T",
    "series & match[]=load[5m]",
    "series & match[]=rate(load[5m])",
    "series & match[]=load{",
    "series & match[]={}",
    "series & match[]=1",
    "series & match[]=load & start=T & end=0",
    "series & match[]=load & start=soon",
    "labels & match[]=load",
    "labels & match[]=load & match[]=text",
    "labels & match[]=not_there",
    "labels & match[]=sum(load)",
    "labels",
];

fn split(request: &str) -> (&str, Vec<(String, String)>) {
    let time = (history::START_S + 3600).to_string();
    let mut words = request.split(" & ");
    let path = words.next().unwrap();
    let form = words.map(|word| {
        let (name, value) = word.split_once('=').unwrap();
        let value = if name == "query" || name == "match[]" {
            value.replace("%20", " ")
        } else {
            value.replacen('T', &time, usize::from(!value.contains('-')))
        };
        (name.to_owned(), value)
    });
    (path, form.collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs prometheus and promtool"]
async fn requests_at_their_limits_are_answered_as_prometheus_answers() {
    let text = history::openmetrics();
    let peer = Prometheus::of_history(&text);
    let ours = serve(our_history(&text).router()).await;
    let (theirs, ours) = (Api::new(peer.address), Api::new(ours));
    let mut differences = Vec::new();
    for (request, list) in REQUESTS
        .iter()
        .map(|r| (r, false))
        .chain(LISTS.iter().map(|r| (r, true)))
    {
        let (path, form) = split(request);
        let form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let (theirs, ours) = tokio::join!(theirs.ask(path, &form), ours.ask(path, &form));
        let verdict = if list && theirs.0 == 200 && ours.0 == 200 {
            let same = theirs.1["data"] == ours.1["data"];
            same.then_some(0)
                .ok_or_else(|| format!("{} expected, found {}", theirs.1, ours.1))
        } else {
            let ordered = path == "query_range";
            compare(&theirs, &ours, Rules { ordered, zero: 0.0 })
        };
        if let Err(difference) = verdict {
            differences.push(format!("{request}\n      {difference}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
