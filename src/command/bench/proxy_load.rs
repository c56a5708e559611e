//! Load on a proxy and what came of it: `wrk` where it is installed, otherwise threads that ask as soon as they are answered;
//! and small clients for what `wrk` does not measure: connections, idle connections, delays, rates.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use crate::exit::Failure;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n";

/// What a load found.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Requests per second.
    pub rate: f64,
    /// Median time of a request, milliseconds.
    pub p50_ms: f64,
    /// Its 99th percentile.
    pub p99_ms: f64,
    /// Requests.
    pub requests: f64,
}

/// So many connections, each asking as soon as it is answered.
pub fn closed_loop(
    wrk: Option<&Path>,
    address: &str,
    connections: usize,
    time: Duration,
) -> Result<Load, Failure> {
    match wrk {
        Some(wrk) => with_wrk(wrk, address, connections, time),
        None => with_threads(address, connections, time),
    }
}

fn with_wrk(
    wrk: &Path,
    address: &str,
    connections: usize,
    time: Duration,
) -> Result<Load, Failure> {
    let threads = connections.min(2).to_string();
    let output = Command::new(wrk)
        .args(["--latency", "-t", &threads, "-c", &connections.to_string()])
        .args(["-d", &format!("{}s", time.as_secs().max(1))])
        .arg(format!("http://{address}/"))
        .output()
        .map_err(Failure::failed)?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let word = |before: &str, at: usize| {
        let line = said.lines().find(|line| line.trim().starts_with(before))?;
        line.split_whitespace().nth(at)
    };
    let read = || {
        Some(Load {
            rate: word("Requests/sec:", 1)?.parse().ok()?,
            p50_ms: milliseconds(word("50%", 1)?)?,
            p99_ms: milliseconds(word("99%", 1)?)?,
            requests: said
                .lines()
                .find(|line| line.contains("requests in"))?
                .split_whitespace()
                .next()?
                .parse()
                .ok()?,
        })
    };
    if said.contains("Socket errors") || said.contains("Non-2xx") {
        return Err(Failure::failed(format!("wrk met errors:\n{said}")));
    }
    read().ok_or_else(|| Failure::failed(format!("wrk said something else:\n{said}")))
}

/// `132.00us`, `3.01ms` or `1.20s`.
fn milliseconds(text: &str) -> Option<f64> {
    let (number, times) = if let Some(number) = text.strip_suffix("us") {
        (number, 1e-3)
    } else if let Some(number) = text.strip_suffix("ms") {
        (number, 1.0)
    } else {
        (text.strip_suffix('s')?, 1e3)
    };
    Some(number.parse::<f64>().ok()? * times)
}

fn with_threads(address: &str, connections: usize, time: Duration) -> Result<Load, Failure> {
    let begin = Instant::now();
    let workers: Vec<_> = (0..connections)
        .map(|_| {
            let address = address.to_owned();
            thread::spawn(move || -> std::io::Result<Vec<f64>> {
                let mut stream = connect(&address)?;
                let mut times = Vec::new();
                while begin.elapsed() < time {
                    times.push(ask(&mut stream)?.as_secs_f64() * 1e3);
                }
                Ok(times)
            })
        })
        .collect();
    let mut times = Vec::new();
    for worker in workers {
        let done = worker
            .join()
            .map_err(|_| Failure::failed("a client panicked"))?;
        times.extend(done.map_err(Failure::failed)?);
    }
    times.sort_by(f64::total_cmp);
    #[expect(clippy::cast_precision_loss)]
    let requests = times.len() as f64;
    Ok(Load {
        rate: requests / begin.elapsed().as_secs_f64(),
        p50_ms: quantile(&times, 0.5),
        p99_ms: quantile(&times, 0.99),
        requests,
    })
}

/// Of sorted values; 0 of none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss
)]
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = (sorted.len() as f64 * share) as usize;
    sorted
        .get(at.min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or(0.0)
}

fn connect(address: &str) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    Ok(stream)
}

/// One request and its whole answer, on a connection that stays.
fn ask(stream: &mut TcpStream) -> std::io::Result<Duration> {
    let begin = Instant::now();
    stream.write_all(REQUEST)?;
    let mut answer = [0; 4_096];
    let mut got = 0;
    // the server's answer is small, and ends with its two letters
    while !(answer[..got].ends_with(b"ok") && answer[..got].contains(&b'\n')) {
        match stream.read(&mut answer[got..])? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => got += read,
        }
    }
    Ok(begin.elapsed())
}

/// Connections per second: each is opened, asks once and goes; so many threads do it.
pub fn connections_per_second(
    address: &str,
    threads: usize,
    time: Duration,
) -> Result<f64, Failure> {
    let begin = Instant::now();
    let workers: Vec<_> = (0..threads)
        .map(|_| {
            let address = address.to_owned();
            thread::spawn(move || -> std::io::Result<usize> {
                let mut count = 0;
                while begin.elapsed() < time {
                    ask(&mut connect(&address)?)?;
                    count += 1;
                }
                Ok(count)
            })
        })
        .collect();
    let mut count = 0;
    for worker in workers {
        let done = worker
            .join()
            .map_err(|_| Failure::failed("a client panicked"))?;
        count += done.map_err(Failure::failed)?;
    }
    #[expect(clippy::cast_precision_loss)]
    Ok(count as f64 / begin.elapsed().as_secs_f64())
}

/// Milliseconds of each of so many requests, one after the other.
pub fn delays(address: &str, count: usize) -> Result<Vec<f64>, Failure> {
    let mut stream = connect(address).map_err(Failure::failed)?;
    let ask = |_| Ok(ask(&mut stream).map_err(Failure::failed)?.as_secs_f64() * 1e3);
    (0..count).map(ask).collect()
}

/// Opens idle connections through a proxy; each has carried a byte.
pub fn idle(address: &str, sink: &TcpListener, count: usize) -> Result<Vec<TcpStream>, Failure> {
    let mut ends = Vec::with_capacity(2 * count);
    for _ in 0..count {
        let mut client = connect(address).map_err(Failure::failed)?;
        client.write_all(b"x").map_err(Failure::failed)?;
        // those by which it was seen that a proxy listens have ended without a byte
        let server = loop {
            let (mut server, _) = sink.accept().map_err(Failure::failed)?;
            if server.read_exact(&mut [0; 1]).is_ok() {
                break server;
            }
        };
        ends.push(client);
        ends.push(server);
    }
    Ok(ends)
}

/// Seconds until so many bytes from behind a proxy have arrived.
pub fn transfer(address: &str, source: &TcpListener, bytes: usize) -> Result<f64, Failure> {
    let mut client = connect(address).map_err(Failure::failed)?;
    let (mut server, _) = source.accept().map_err(Failure::failed)?;
    let begin = Instant::now();
    let sender = thread::spawn(move || server.write_all(&vec![0; bytes]));
    let mut left = bytes;
    let mut chunk = vec![0; 64 * 1024];
    while left > 0 {
        match client.read(&mut chunk).map_err(Failure::failed)? {
            0 => return Err(Failure::failed("the transfer ended early")),
            read => left -= read,
        }
    }
    let seconds = begin.elapsed().as_secs_f64();
    let sent = sender
        .join()
        .map_err(|_| Failure::failed("a sender panicked"))?;
    sent.map_err(Failure::failed)?;
    Ok(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_wrk_are_read_in_every_unit() {
        assert_eq!(milliseconds("132.00us"), Some(0.132));
        assert_eq!(milliseconds("3.01ms"), Some(3.01));
        assert_eq!(milliseconds("1.20s"), Some(1_200.0));
        assert_eq!(milliseconds("abc"), None);
    }

    #[test]
    fn quantiles_are_of_the_values_that_are_there() {
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.5), 3.0);
        assert_eq!(quantile(&[1.0, 2.0], 0.99), 2.0);
        assert_eq!(quantile(&[], 0.5), 0.0);
    }
}
