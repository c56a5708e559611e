//! Schedules, and runs against servers that behave in all sorts of ways.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::{pacer::Schedule, *};
use crate::load::Step;

fn plan(url: &str, rate: f64, duration_ms: u64) -> Plan {
    Plan {
        targets: vec![url.parse().unwrap()],
        method: http::Method::GET,
        headers: http::HeaderMap::new(),
        body: bytes::Bytes::new(),
        rate,
        arrival: Arrival::Uniform,
        ramp: Duration::ZERO,
        duration: Duration::from_millis(duration_ms),
        timeout: Duration::from_secs(20),
        connections: 100,
        seed: 7,
        walks: None,
    }
}

fn lab(plan: Plan) -> Lab {
    Lab {
        pool: Pool::new(1, plan.targets.len()),
        tally: Tally::new(plan.timeout, Instant::now()),
        inside: Inside::default(),
        plan,
    }
}

fn times(plan: Plan) -> Vec<Duration> {
    let lab = lab(plan);
    let all: Vec<_> = Schedule::new(&lab).collect();
    let indices: Vec<_> = all.iter().map(|(index, _)| *index).collect();
    assert_eq!(indices, (0..all.len() as u64).collect::<Vec<_>>());
    all.into_iter().map(|(_, after)| after).collect()
}

#[test]
fn a_schedule_repeats_by_its_seed_and_has_the_planned_rate() {
    let poisson = |seed: u64| {
        times(Plan {
            arrival: Arrival::Poisson,
            seed,
            ..plan("http://a", 1_000.0, 10_000)
        })
    };
    assert_eq!(poisson(1), poisson(1));
    assert_ne!(poisson(1), poisson(2));
    // 10,000 with a deviation of 100
    let count = poisson(1).len();
    assert!((9_600..10_400).contains(&count), "{count}");
    assert!(poisson(1).is_sorted() && poisson(1).last() < Some(&Duration::from_secs(10)));
    let uniform = times(plan("http://a", 100.0, 1_000));
    assert_eq!(uniform.len(), 99);
    let gap = uniform[1] - uniform[0];
    assert!(
        gap.abs_diff(Duration::from_millis(10)) < Duration::from_micros(1),
        "{gap:?}"
    );
}

#[test]
fn a_ramp_begins_with_nothing_and_has_half_of_the_requests() {
    let ramp = Duration::from_secs(2);
    let all = times(Plan {
        ramp,
        ..plan("http://a", 1_000.0, 4_000)
    });
    let within = all.iter().filter(|after| **after < ramp).count();
    assert!((980..=1_020).contains(&within), "{within}");
    assert!((2_980..=3_020).contains(&all.len()), "{}", all.len());
    let first = all.iter().filter(|after| **after < ramp / 10).count();
    assert!((8..=12).contains(&first), "a hundredth of them: {first}");
    let whole = times(Plan {
        ramp,
        ..plan("http://a", 0.01, 2_000)
    });
    assert_eq!(
        whole,
        [] as [Duration; 0],
        "a rate that brings none in time ends, too"
    );
}

#[test]
fn targets_get_their_shares() {
    let mut plan = plan("3*http://a", 1.0, 1);
    plan.targets.push("http://b".parse().unwrap());
    let lab = lab(plan);
    let first = (0..4_000)
        .filter(|index| lab.plan.target(lab.source(), *index) == 0)
        .count();
    assert!((2_900..3_100).contains(&first), "{first}");
}

/// A server that does with each connection what it is told.
struct Server {
    address: SocketAddr,
    tasks: JoinSet<()>,
    /// Answers of [`Server::answering`].
    answered: Arc<AtomicU64>,
}

impl Server {
    async fn open<W, F>(work: W) -> Self
    where
        W: Fn(TcpStream) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(work(stream));
            }
        });
        Self {
            address,
            tasks,
            answered: Arc::default(),
        }
    }

    /// Answers every request of a connection with the same bytes after some time.
    async fn answering(answer: &'static [u8], after: Duration) -> Self {
        let answered = Arc::<AtomicU64>::default();
        let count = answered.clone();
        let server = Self::open(move |mut stream| {
            let count = count.clone();
            async move {
                while head(&mut stream).await {
                    tokio::time::sleep(after).await;
                    if stream.write_all(answer).await.is_err() {
                        return;
                    }
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        })
        .await;
        Self { answered, ..server }
    }

    /// Waits until so many answers have been given.
    async fn gave(&self, answers: u64) {
        while self.answered.load(Ordering::Relaxed) < answers {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

/// Reads a request without a body.
async fn head(stream: &mut TcpStream) -> bool {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => read.push(byte),
            Err(_) => return false,
        }
    }
    true
}

const FINE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine";

async fn ran(plan: Plan) -> Report {
    let every = Duration::from_secs(3_600);
    run(plan, every, |_| {}, &CancellationToken::new()).await
}

#[tokio::test]
async fn every_request_is_sent_and_counted() {
    let server = Server::answering(FINE, Duration::ZERO).await;
    let (mut intervals, mut under_way) = (0, 0);
    let report = run(
        plan(&server.url(), 200.0, 500),
        Duration::from_millis(100),
        |interval| {
            intervals += 1;
            under_way = under_way.max(interval.in_flight);
        },
        &CancellationToken::new(),
    )
    .await;
    assert_eq!(
        (report.sent, report.requests, report.errors.total()),
        (99, 99, 0)
    );
    assert_eq!(report.statuses.get(&200), Some(&99));
    assert_eq!((report.bytes, report.abandoned, report.unsent), (396, 0, 0));
    assert!(
        (report.rate_per_s - 198.0).abs() < 0.1,
        "{}",
        report.rate_per_s
    );
    assert!(intervals >= 3 && !report.interrupted);
}

#[tokio::test]
async fn a_server_that_is_too_slow_is_seen_from_when_requests_were_due() {
    let service = Duration::from_millis(20);
    let server = Server::answering(FINE, service).await;
    let report = ran(Plan {
        connections: 1,
        ..plan(&server.url(), 100.0, 500)
    })
    .await;
    // 49 requests of 20 ms at 10 ms each: the last waits half a second
    assert_eq!(report.requests, 49);
    assert!(report.latency_ms.max >= 300.0, "{report:?}");
    assert!(
        report.late > 20 && report.send_delay_ms.max >= 280.0,
        "{report:?}"
    );
    // who would wait longer for a connection than for an answer is not sent
    let report = ran(Plan {
        connections: 1,
        timeout: Duration::from_millis(100),
        ..plan(&server.url(), 100.0, 500)
    })
    .await;
    assert!(report.unsent > 5, "{report:?}");
    assert_eq!(report.requests + report.unsent, 49);
}

#[tokio::test]
async fn errors_are_told_by_their_kind() {
    type Pick = fn(&Errors) -> u64;
    let never = Server::open(|mut stream| async move {
        head(&mut stream).await;
        std::future::pending().await
    });
    let closing = Server::open(|mut stream| async move {
        head(&mut stream).await;
    });
    let half = Server::open(|mut stream| async move {
        head(&mut stream).await;
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\nhalf")
            .await;
    });
    let zero = Duration::ZERO;
    let kinds: [(Server, Pick); 5] = [
        (never.await, |errors| errors.timeout),
        (closing.await, |errors| errors.reset),
        (half.await, |errors| errors.reset),
        (
            Server::answering(b"220 smtp ready\r\n", zero).await,
            |errors| errors.body,
        ),
        (
            Server::answering(b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n", zero).await,
            |errors| errors.status,
        ),
    ];
    for (k, (server, pick)) in kinds.iter().enumerate() {
        let report = ran(Plan {
            timeout: Duration::from_millis(200),
            ..plan(&server.url(), 100.0, 100)
        })
        .await;
        assert_eq!(
            (pick(&report.errors), report.errors.total()),
            (9, 9),
            "{k}: {report:?}"
        );
        assert!((report.error_share - 1.0).abs() < 1e-9);
    }
    let mut gone = Server::answering(FINE, zero).await;
    let plan_ = plan(&gone.url(), 100.0, 1_000);
    assert_eq!(reach(&plan_).await, Ok(()));
    let tasks = std::mem::take(&mut gone.tasks);
    let leaving = async {
        gone.gave(10).await;
        drop(tasks);
    };
    let (report, ()) = tokio::join!(ran(plan_.clone()), leaving);
    assert!(
        report.errors.connect > 5 && report.statuses[&200] > 5,
        "{report:?}"
    );
    assert_eq!(report.requests, 99, "it goes on to its end");
    let said = reach(&plan_).await.unwrap_err();
    assert!(said.contains(&gone.address.to_string()), "{said}");
}

#[tokio::test]
async fn a_connection_that_its_server_closes_between_requests_is_no_error() {
    let server = Server::open(|mut stream| async move {
        head(&mut stream).await;
        let _ = stream.write_all(FINE).await;
    })
    .await;
    let report = ran(plan(&server.url(), 200.0, 300)).await;
    assert_eq!(
        (report.requests, report.errors.total()),
        (59, 0),
        "{report:?}"
    );
}

#[tokio::test]
async fn an_endless_answer_ends_with_its_time_and_is_not_kept() {
    let server = Server::open(|mut stream| async move {
        head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        let chunk = vec![b'x'; 256 * 1024];
        while stream.write_all(&chunk).await.is_ok() {}
    })
    .await;
    let report = ran(Plan {
        timeout: Duration::from_secs(60),
        ..plan(&server.url(), 20.0, 100)
    })
    .await;
    assert_eq!((report.requests, report.errors.body), (1, 1), "{report:?}");
}

#[tokio::test]
async fn a_run_that_is_cancelled_tells_what_it_had() {
    let server = Server::answering(FINE, Duration::ZERO).await;
    let cancel = CancellationToken::new();
    let ending = async {
        server.gave(10).await;
        cancel.cancel();
    };
    let long = plan(&server.url(), 100.0, 3_600_000);
    let (report, ()) = tokio::join!(run(long, Duration::from_secs(9), |_| {}, &cancel), ending);
    assert!(report.interrupted && report.requests > 5, "{report:?}");
    assert!(report.elapsed_s < 60.0);
}

#[tokio::test]
async fn customers_walk_through_the_shop() {
    let server = Server::open(|mut stream| async move {
        // the requests of a journey have bodies, whose length is told
        loop {
            let mut read = Vec::new();
            while !read.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => read.push(byte),
                    Err(_) => return,
                }
            }
            let text = String::from_utf8_lossy(&read).to_lowercase();
            let length = text.split("content-length: ").nth(1);
            let length = length.and_then(|rest| rest.split('\r').next()?.parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            if stream.read_exact(&mut body).await.is_err() {
                return;
            }
            let status = if text.starts_with("put /door/carts/") && body.is_empty() {
                "400 Bad"
            } else if text.starts_with("post /door/login ") || text.contains("x-correlation-id: c7")
            {
                "200 OK"
            } else {
                "404 None"
            };
            let answer = r#"{"customer":1,"correlation_id":"c7"}"#;
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{answer}",
                answer.len()
            );
            if stream.write_all(head.as_bytes()).await.is_err() {
                return;
            }
        }
    })
    .await;
    let report = ran(Plan {
        walks: Some(Walks::thinking(Duration::from_millis(1))),
        ..plan(&format!("{}door", server.url()), 100.0, 500)
    })
    .await;
    assert_eq!(report.errors.total(), 0, "{report:?}");
    assert!(report.requests > 120, "{report:?}");
    let steps: Vec<_> = report.steps.iter().map(|step| step.step).collect();
    assert_eq!(steps, Step::KINDS, "{report:?}");
    assert_eq!(report.steps[0].requests, 49);
}

#[test]
fn objectives_are_read_and_judged() {
    let tally = Tally::new(Duration::from_secs(1), Instant::now());
    for _ in 0..99 {
        tally.done(
            tally::Outcome::Status(200),
            Duration::from_millis(10),
            1,
            None,
        );
    }
    tally.done(tally::Outcome::Timeout, Duration::from_millis(500), 0, None);
    (0..100).for_each(|_| tally.sent(Duration::ZERO));
    let mut report = tally.report(&plan("http://a", 1.0, 1), false);
    report.rate_per_s = 95.0;
    for (text, met) in [
        ("p50<11ms", true),
        ("p50 < 9ms", false),
        ("p99<0.4s", true),
        ("max>=400ms", true),
        ("p99.9<450ms", false),
        ("mean<20000us", true),
        ("errors<1%", false),
        ("errors<=1%", true),
        ("errors<0.02", true),
        ("rate>90/s", true),
        ("rate>95", false),
        ("rate>=95", true),
    ] {
        let verdict = text.parse::<Slo>().unwrap().judge(&report);
        assert_eq!(verdict.met, met, "{text}: {verdict:?}");
        assert_eq!(verdict.objective, text);
    }
    for wrong in [
        "",
        "p99",
        "p99<",
        "p99<250",
        "p98<1ms",
        "<1ms",
        "p99=1ms",
        "rate>-1",
        "errors<x%",
        "p99<nanms",
    ] {
        assert!(wrong.parse::<Slo>().is_err(), "{wrong}");
    }
    let nothing = Tally::new(Duration::from_secs(1), Instant::now());
    let nothing = nothing.report(&plan("http://a", 1.0, 1), false);
    let verdict = "p99<1s".parse::<Slo>().unwrap().judge(&nothing);
    assert_eq!((verdict.met, verdict.measured), (false, None));
}
