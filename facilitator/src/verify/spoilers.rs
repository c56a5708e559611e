//! Looks for the answer where a trainee can look: processes, their open files, logs, spans, metrics.

use scenarios::{plan::Plan, vocabulary};

use crate::drill::Drill;

/// Spans searched: the newest traces, which the trainee sees first.
const TRACES: usize = 2_000;
/// Lines shown of what was found.
const SHOWN: usize = 5;

/// Places in which a word that gives the answer away was found, at most [`SHOWN`].
pub(super) fn found(plan: &Plan, drill: &Drill) -> Vec<String> {
    let words = vocabulary::spoilers(&plan.scenario);
    let mut places = Vec::new();
    processes(&words, drill, &mut places);
    records(&words, drill, &mut places);
    places.truncate(SHOWN);
    places
}

/// Which of these processes still exist, as something other than a zombie.
pub(super) fn alive(pids: &[u32]) -> Vec<u32> {
    let runs = |pid: &&u32| {
        std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
            !stat
                .rsplit(')')
                .next()
                .unwrap_or_default()
                .trim_start()
                .starts_with('Z')
        })
    };
    pids.iter().filter(runs).copied().collect()
}

/// Arguments, environment, name and open files of every process of the shop.
fn processes(words: &[String], drill: &Drill, places: &mut Vec<String>) {
    for service in drill.view().services {
        let Some(pid) = service.pid else { continue };
        let mut seen: Vec<(String, String)> = ["cmdline", "environ", "comm"]
            .iter()
            .filter_map(|file| {
                let bytes = std::fs::read(format!("/proc/{pid}/{file}")).ok()?;
                Some((
                    (*file).to_owned(),
                    String::from_utf8_lossy(&bytes).into_owned(),
                ))
            })
            .collect();
        let files = std::fs::read_dir(format!("/proc/{pid}/fd"))
            .into_iter()
            .flatten();
        let names = files
            .flatten()
            .filter_map(|file| std::fs::read_link(file.path()).ok());
        seen.extend(names.map(|name| ("an open file".to_owned(), name.display().to_string())));
        for (place, text) in seen {
            if let Some(word) = words.iter().find(|word| text.contains(word.as_str())) {
                places.push(format!("`{word}` in {place} of {}", service.name));
            }
        }
    }
}

/// Logs, spans, and names and labels of metrics.
fn records(words: &[String], drill: &Drill, places: &mut Vec<String>) {
    let telemetry = drill.telemetry();
    let view = drill.view();
    let (start_ns, end_ns) = (view.history_start_ms * 1_000_000, view.now_ms * 1_000_000);
    for word in words {
        let query = format!("{{service=~\".+\"}} |= \"{word}\"");
        match telemetry.query_logs(&query, start_ns, end_ns, 1) {
            Ok(lines) => places.extend(
                lines
                    .first()
                    .map(|line| format!("`{word}` in a log line: {}", line.line)),
            ),
            Err(error) => places.push(format!("logs could not be searched: {error}")),
        }
    }
    let mut scan = |place: &str, text: &str| {
        if let Some(word) = words.iter().find(|word| text.contains(word.as_str())) {
            places.push(format!("`{word}` in {place}"));
        }
    };
    match telemetry.search_traces("{ }", start_ns, end_ns, TRACES) {
        Ok(hits) => {
            for hit in &hits {
                scan("a span", &format!("{:?}", hit.trace.spans));
            }
        }
        Err(error) => scan("the search of spans", &error.to_string()),
    }
    match telemetry.metrics.instant("{__name__!=\"\"}", end_ns) {
        Ok(samples) => {
            for sample in &samples {
                // what an alert is called is told to the trainee anyway
                scan("a metric", &format!("{:?}", sample.labels));
            }
        }
        Err(error) => scan("the search of metrics", &error.to_string()),
    }
}
