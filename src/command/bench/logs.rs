//! Counting, grouping and finding log lines, in process, beside ripgrep, DuckDB and lnav over the same
//! lines. What is counted is compared before anything is timed.

use std::{
    fs,
    io::{BufWriter, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::Path,
    time::Instant,
};

use telemetry::{
    QueryError, Telemetry,
    logs::{self, Grid, ast::Query},
};

use super::{
    Measure, Subject,
    figures::{Figure, Report, Row, Spread, Target, number},
    ingest::{resident_bytes, store},
    log_lines,
    log_peers::{Duck, Peers, timed, version},
    peers::Folder,
};
use crate::exit::Failure;

/// Lines of the middle size; there are rows at a tenth and at ten times of it.
const LINES: usize = 1_000_000;
/// Bytes that a line takes of memory in all: in our store, in the file's pages, in DuckDB.
const LINE_BYTES: u64 = 1_000;
/// Lines up to which lnav is asked: it takes five seconds for a million.
const LNAV_LINES: usize = LINES;
/// How long the newest matches may take, ms.
const NEWEST_MS: f64 = 5.0;
/// How many of them.
const NEWEST: usize = 500;

/// One question, as each subject asks it.
struct Work {
    what: &'static str,
    /// LogQL that gives one number or several, which are added up; `$` stands for the window.
    logql: &'static str,
    /// Arguments of `rg -c`.
    rg: &'static [&'static str],
    /// SQL whose last column is added up.
    sql: &'static str,
    /// What lnav filters by.
    lnav: Option<&'static str>,
    /// The first peer there is to compare with; 1 × its time is the target.
    target: bool,
}

const WORKS: [Work; 7] = [
    Work {
        what: "count lines with a fixed string",
        logql: r#"sum(count_over_time({service=~".+"} |= "refused" [$]))"#,
        rg: &["-F", "refused"],
        sql: "select count(*) from logs where contains(line, 'refused')",
        lnav: Some("refused"),
        target: true,
    },
    Work {
        what: "count lines with a word in any case",
        logql: r#"sum(count_over_time({service=~".+"} |~ "(?i)REFUSED" [$]))"#,
        rg: &["-i", "REFUSED"],
        sql: "select count(*) from logs where regexp_matches(line, 'REFUSED', 'i')",
        lnav: None,
        target: true,
    },
    Work {
        what: "count lines by a regular expression with literals",
        logql: r#"sum(count_over_time({service=~".+"} |~ "payments.*attempt" [$]))"#,
        rg: &["payments.*attempt"],
        sql: "select count(*) from logs where regexp_matches(line, 'payments.*attempt')",
        lnav: Some("payments.*attempt"),
        target: true,
    },
    Work {
        what: "count lines by a regular expression without a literal",
        logql: r#"sum(count_over_time({service=~".+"} |~ "[a-z]+_[a-z]+=[0-9]+" [$]))"#,
        rg: &["[a-z]+_[a-z]+=[0-9]+"],
        sql: "select count(*) from logs where regexp_matches(line, '[a-z]+_[a-z]+=[0-9]+')",
        lnav: None,
        target: true,
    },
    Work {
        what: "count lines by service",
        logql: r#"sum by (service) (count_over_time({service=~".+"}[$]))"#,
        rg: &[],
        sql: "select service, count(*) from logs group by service",
        lnav: None,
        target: true,
    },
    Work {
        what: "count lines with a fixed string by service and level",
        logql: r#"sum by (service, level) (count_over_time({service=~".+"} |= "ms" [$]))"#,
        rg: &[],
        sql: "select service, level, count(*) from logs where contains(line, 'ms') group by all",
        lnav: None,
        target: true,
    },
    Work {
        what: "count lines by a field of their JSON",
        logql: r#"sum(count_over_time({service=~".+"} | json | status=503 [$]))"#,
        rg: &[],
        sql: "select count(*) from logs where json_extract(line, '$.status') = 503",
        lnav: None,
        target: false,
    },
];

/// Measures.
pub fn run(measure: &Measure) -> Result<Report, Failure> {
    let mut missing = Vec::new();
    let peers = Peers::find(&mut missing);
    let mut notes = vec![
        "ours in process, text of the query to its numbers; ripgrep and lnav with the start of their process; DuckDB within its own"
            .to_owned(),
        "DuckDB has service and level as columns, as our store has, and each line as text".to_owned(),
    ];
    let mut rows = Vec::new();
    for lines in [LINES / 10, LINES, LINES * 10] {
        let needed = lines as u64 * LINE_BYTES;
        if available_bytes().is_some_and(|available| available < needed) {
            notes.push(format!(
                "{} lines were left out: they take {} GB of memory",
                number(lines as f64),
                number(needed as f64 / 1e9)
            ));
            continue;
        }
        rows.extend(of_size(measure, &peers, lines, &mut notes)?);
    }
    Ok(Report {
        area: "logs",
        rows,
        missing,
        notes,
    })
}

/// Memory that programs can have without swapping; `None` where the system does not tell.
fn available_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find(|line| line.starts_with("MemAvailable:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

/// The lines of one size, in our store.
struct Ours {
    telemetry: Telemetry,
    /// Time of the last line, ns.
    end_ns: i64,
}

impl Ours {
    /// Fills a store; with it, what a record is accounted for and what the process grew by for it, bytes.
    fn fill(lines: usize) -> Result<(Self, [f64; 2]), Failure> {
        let before = resident_bytes();
        let telemetry = store();
        let store = telemetry.intake().log_store();
        let mut end_ns = 0;
        let stamped = log_lines::lines(lines).inspect(|line| end_ns = line.ts_ns);
        for batch in log_lines::batches(stamped) {
            store.append(&batch);
        }
        let (stats, grown) = (store.stats(), resident_bytes() - before);
        if stats.held != lines as u64 {
            let held = stats.held;
            return Err(Failure::failed(format!(
                "the store holds {held} of {lines} lines"
            )));
        }
        let each = |bytes: f64| bytes / lines as f64;
        let ours = Self {
            telemetry,
            end_ns: i64::try_from(end_ns).map_err(Failure::failed)?,
        };
        Ok((ours, [each(stats.bytes as f64), each(grown)]))
    }

    /// A query over all lines, from its text; what its numbers add up to.
    fn sum(&self, logql: &str) -> Result<f64, QueryError> {
        let query = logql.replace('$', "1d");
        let Query::Metric(expression) = logs::parse(&query)? else {
            return Err(QueryError::Execution(format!("{query} asks for lines")));
        };
        let segments = self.telemetry.intake().log_store().snapshot();
        let series = logs::evaluate(&segments, &expression, Grid::instant(self.end_ns))?;
        let points = series.iter().flat_map(|series| &series.points);
        Ok(points.map(|(_, value)| value).sum())
    }
}

/// One who answers a question: milliseconds and the number found.
type Answer<'a> = (String, Box<dyn FnMut() -> Result<(f64, f64), Failure> + 'a>);

/// All who answer a question, ours first.
fn answers<'a>(
    work: &'a Work,
    ours: &'a Ours,
    peers: &'a Peers,
    duck: Option<&'a mut Duck>,
    (file, lines): (&'a Path, usize),
) -> Vec<Answer<'a>> {
    let mut answers: Vec<Answer<'_>> = vec![(
        "ours".to_owned(),
        Box::new(move || {
            let start = Instant::now();
            let sum = ours.sum(work.logql).map_err(Failure::failed)?;
            Ok((start.elapsed().as_secs_f64() * 1e3, sum))
        }),
    )];
    if let Some(rg) = peers.rg.as_deref().filter(|_| !work.rg.is_empty()) {
        let arguments = [&["-c"], work.rg].concat();
        let counted = move || {
            let (took, text) = timed(rg, &arguments, file)?;
            Ok((took, text.trim().parse().unwrap_or(0.0)))
        };
        answers.push((version(rg), Box::new(counted)));
    }
    if let Some(duck) = duck {
        let of = duck.version.clone();
        answers.push((of, Box::new(move || duck.run(work.sql))));
    }
    let lnav = peers.lnav.as_deref().filter(|_| lines <= LNAV_LINES);
    if let Some((lnav, filter)) = lnav.zip(work.lnav) {
        let command = format!(":filter-in {filter}");
        let counted = move || {
            let (took, text) = timed(lnav, &["-n", "-c", &command], file)?;
            Ok((took, text.lines().count() as f64))
        };
        answers.push((version(lnav), Box::new(counted)));
    }
    answers
}

fn of_size(
    measure: &Measure,
    peers: &Peers,
    lines: usize,
    notes: &mut Vec<String>,
) -> Result<Vec<Row>, Failure> {
    let size = format!("{} lines", number(lines as f64));
    measure.tell(&format!("logs: {size} are made …"));
    // the store first, while nothing has been freed that could be used again
    let (ours, weight) = Ours::fill(lines)?;
    let folder = Folder::new("logs")?;
    let file = folder.0.join("lines.jsonl");
    write_lines(&file, lines)
        .map_err(|error| Failure::failed(format!("cannot write {}: {error}", file.display())))?;
    let mut duck = match &peers.python {
        Some(python) => Some(Duck::start(python, &file, &folder.0.join("lines.duckdb"))?),
        None => None,
    };
    let mut rows = Vec::new();
    for work in &WORKS {
        // a machine too slow or too busy for one question can still answer the others
        if let Err(QueryError::Limit(limit)) = ours.sum(work.logql) {
            notes.push(format!("{}, {size}, was left out: {limit}", work.what));
            continue;
        }
        let answers = answers(work, &ours, peers, duck.as_mut(), (&file, lines));
        let target = work.target.then_some(Target::TimesAtMost(1.0));
        rows.push(beside(measure, work.what, &size, target, answers)?);
    }
    let sql = format!(
        "select count(*) from (select line from logs where contains(line, 'refused') order by ts desc limit {NEWEST})"
    );
    let mut answers: Vec<Answer<'_>> = vec![("ours".to_owned(), Box::new(|| newest(&ours)))];
    if let Some(duck) = &mut duck {
        answers.push((duck.version.clone(), Box::new(|| duck.run(&sql))));
    }
    let what = format!("the newest {NEWEST} lines with a fixed string");
    rows.push(beside(
        measure,
        &what,
        &size,
        Some(Target::AtMost(NEWEST_MS)),
        answers,
    )?);
    rows.push(over_http(measure, &ours, &size)?);
    for (what, bytes) in ["accounted", "resident"].into_iter().zip(weight) {
        rows.push(Row {
            work: format!("memory per line, {what}"),
            size: size.clone(),
            unit: "bytes",
            ours: Figure {
                of: "ours".to_owned(),
                value: Spread::of(vec![bytes]),
            },
            peers: Vec::new(),
            target: None,
        });
    }
    Ok(rows)
}

fn write_lines(file: &Path, lines: usize) -> std::io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, fs::File::create(file)?);
    for line in log_lines::lines(lines) {
        writeln!(out, "{}", line.text)?;
    }
    out.flush()
}

/// Asks everyone once and compares what they found, then times them side by side.
fn beside(
    measure: &Measure,
    what: &str,
    size: &str,
    target: Option<Target>,
    mut answers: Vec<Answer<'_>>,
) -> Result<Row, Failure> {
    let mut expected = None;
    for (of, answer) in &mut answers {
        let (_, found) = answer()?;
        let expected = *expected.get_or_insert(found);
        if (found - expected).abs() > 0.5 {
            return Err(Failure::failed(format!(
                "{what}, {size}: {of} finds {found}, ours {expected}"
            )));
        }
    }
    let mut samples: Vec<_> = answers
        .into_iter()
        .map(|(of, mut answer)| (of, move || answer().map(|(took, _)| took)))
        .collect();
    let mut subjects: Vec<Subject<'_>> = Vec::new();
    for (of, sample) in &mut samples {
        subjects.push((of.clone(), sample));
    }
    let mut figures = measure.side_by_side(&format!("logs, {size}: {what}"), &mut subjects)?;
    let peers = figures.split_off(1);
    Ok(Row {
        work: what.to_owned(),
        size: size.to_owned(),
        unit: "ms",
        ours: figures.remove(0),
        peers,
        target,
    })
}

/// The newest lines with a fixed string.
fn newest(ours: &Ours) -> Result<(f64, f64), Failure> {
    let start = Instant::now();
    let query = r#"{service=~".+"} |= "refused""#;
    let found = ours.telemetry.query_logs(query, 0, i64::MAX, NEWEST);
    let found = found.map_err(Failure::failed)?;
    Ok((start.elapsed().as_secs_f64() * 1e3, found.len() as f64))
}

/// The first question over HTTP, a connection for each.
fn over_http(measure: &Measure, ours: &Ours, size: &str) -> Result<Row, Failure> {
    let server = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(Failure::failed)?;
    let listener = server
        .block_on(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .map_err(Failure::failed)?;
    let address = listener.local_addr().map_err(Failure::failed)?;
    let app = ours.telemetry.router();
    let serving = server.spawn(async move { axum::serve(listener, app).await });
    let in_process = || {
        let start = Instant::now();
        let sum = ours.sum(WORKS[0].logql).map_err(Failure::failed)?;
        Ok((start.elapsed().as_secs_f64() * 1e3, sum))
    };
    let answers: Vec<Answer<'_>> = vec![
        (
            "ours, /loki/api/v1/query".to_owned(),
            Box::new(|| ask(address, WORKS[0].logql, ours.end_ns)),
        ),
        ("ours in process".to_owned(), Box::new(in_process)),
    ];
    let what = format!("{}, over HTTP", WORKS[0].what);
    let row = beside(measure, &what, size, None, answers);
    serving.abort();
    row
}

/// Asks Loki's API for the numbers of a moment; what it took, ms, and what they add up to.
fn ask(address: SocketAddr, logql: &str, at_ns: i64) -> Result<(f64, f64), Failure> {
    let query = logql.replace('$', "1d");
    let query: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let start = Instant::now();
    let mut stream = TcpStream::connect(address).map_err(Failure::failed)?;
    let request = format!(
        "GET /loki/api/v1/query?time={at_ns}&query={query} HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n"
    );
    stream
        .write_all(request.as_bytes())
        .map_err(Failure::failed)?;
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .map_err(Failure::failed)?;
    let took = start.elapsed().as_secs_f64() * 1e3;
    let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let json: serde_json::Value = serde_json::from_str(body)
        .map_err(|error| Failure::failed(format!("{error} in the answer {answer:?}")))?;
    let series = json["data"]["result"].as_array().into_iter().flatten();
    let numbers = series.filter_map(|one| one["value"][1].as_str()?.parse::<f64>().ok());
    Ok((took, numbers.sum()))
}
