//! `drill proxy`: the chaos proxy alone, with Toxiproxy's control API. It wires flags, file, API and signals; what the proxy
//! does is the simulator's.

use std::{ffi::OsString, io::Write, path::Path, process::ExitCode, sync::Arc, time::Duration};

use scenarios::seed::Seed;
use serde_json::{Map, Value, json};
use simulator::proxy::{
    Carriers, Limits, Proxies, ProxyEntry, ProxyView,
    control::{self, ApiError, Exposed},
};
use tokio::net::TcpListener;

use crate::{
    cli::ProxyArgs,
    exit::{self, Failure},
    signals,
};

/// Examples under `--help`.
pub const HELP: &str = "Examples:
  drill proxy                                     the API on localhost:8474, as toxiproxy-server has it
  drill proxy --config proxies.json --seed 5 --proxy-metrics
  drill proxy --listen 127.0.0.1:8080 --upstream 127.0.0.1:80 --toxic latency=latency:200,jitter:50
  drill proxy --listen :8080 --upstream db:5432 --toxic bandwidth@both=rate:64,toxicity:0.5
  curl -d '{\"type\":\"timeout\",\"attributes\":{\"timeout\":0}}' localhost:8474/proxies/link/toxics

Toxics: latency, bandwidth, slow_close, timeout, reset_peer, slicer, limit_data as in Toxiproxy; partition, half_open besides.
A toxic in the API or the file may have start_after, duration and ramp, in ms. Flags may have one dash, as in -port 8474.";

/// Name of the proxy of `--listen`.
const SHORT_NAME: &str = "link";
/// Descriptors that are not connections: listeners, the API, the runtime's own.
const SPARE_DESCRIPTORS: u64 = 256;
/// How long requests that are under way at the end may take.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// `drill proxy -port 8474 -proxy-metrics=true`, as Go's flags allow it, in clap's words. Other commands are left alone.
pub fn dashes(args: impl Iterator<Item = OsString>) -> impl Iterator<Item = OsString> {
    let mut proxy = false;
    args.enumerate().filter_map(move |(k, arg)| {
        proxy |= k == 1 && arg == "proxy";
        let Some(text) = arg.to_str().filter(|_| proxy) else {
            return Some(arg);
        };
        // `-h` is a short flag, and `-5` a number
        let mut letters = text.strip_prefix('-').unwrap_or_default().chars();
        let long = letters.next().is_some_and(char::is_alphabetic) && letters.next().is_some();
        let text = if long {
            format!("-{text}")
        } else {
            text.to_owned()
        };
        match text.split_once('=') {
            Some((switch @ ("--proxy-metrics" | "--runtime-metrics"), value)) => match value {
                "true" | "1" | "t" => Some(switch.into()),
                "false" | "0" | "f" => None,
                _ => Some(text.into()),
            },
            _ => Some(text.into()),
        }
    })
}

/// Runs until a signal.
pub fn run(args: &ProxyArgs) -> Result<ExitCode, Failure> {
    // what is wrong with the words is told before any port is opened
    let mut entries = match &args.config {
        Some(file) => read(file)?,
        None => Vec::new(),
    };
    entries.extend(shorthand(args)?);
    log(&args.log_level);
    // two descriptors each
    let connections = descriptors() / 2;
    let runtime = super::runtime()?;
    let done = runtime.block_on(serve(args, entries, connections));
    runtime.shutdown_timeout(Duration::from_millis(200));
    done.map(|()| ExitCode::from(exit::OK))
}

async fn serve(
    args: &ProxyArgs,
    entries: Vec<ProxyEntry>,
    connections: usize,
) -> Result<(), Failure> {
    // short enough to be typed again
    let seed = args
        .seed
        .unwrap_or_else(|| u64::from(rand::random::<u32>()));
    let limits = Limits {
        connections,
        held_bytes: 256 << 20,
        ..Limits::default()
    };
    let address = (args.host.as_str(), args.port);
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Failure::failed(format!(
            "the control API cannot listen at {}:{}: {error}",
            args.host, args.port
        ))
        .remedy("another --port, or --port 0 for a free one")
    })?;
    let api = listener.local_addr().map_err(Failure::failed)?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let carriers = Carriers::threads(threads).map_err(Failure::failed)?;
    let proxies = Arc::new(Proxies::new(Seed(seed), limits).carried_by(carriers));
    let views = proxies.populate(entries).await.map_err(|error| {
        Failure::failed(ApiError::from(error)).remedy("another `listen`; port 0 is a free one")
    })?;
    tell(api, seed, &views);
    let exposed = Exposed {
        proxy: args.proxy_metrics,
        runtime: args.runtime_metrics,
    };
    let router = control::router(proxies.clone(), exposed);
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let server = axum::serve(listener, router).with_graceful_shutdown(async {
        let _ = ended.await;
    });
    let mut server = tokio::spawn(async move { server.await });
    let signal = tokio::select! {
        signal = signals::ended() => signal.map_err(Failure::failed),
        served = &mut server => match served {
            Ok(Err(error)) => Err(Failure::failed(format!("the control API ended: {error}"))),
            _ => Err(Failure::failed("the control API ended")),
        },
    };
    let _ = end.send(());
    proxies.close().await;
    let _ = tokio::time::timeout(LAST_ANSWERS, &mut server).await;
    server.abort();
    signal.map(|_| ())
}

fn tell(api: std::net::SocketAddr, seed: u64, views: &[ProxyView]) {
    use std::fmt::Write as _;
    let mut text = format!("control API: http://{api}   seed: {seed}\n");
    for view in views {
        let toxics: Vec<_> = view
            .toxics
            .iter()
            .map(|toxic| format!("{} {}", toxic.name, toxic.toxic.attributes()))
            .collect();
        let _ = writeln!(
            text,
            "{}: {} → {}{}{}",
            view.spec.name,
            view.spec.listen,
            view.spec.upstream,
            if view.spec.enabled { "" } else { ", disabled" },
            if toxics.is_empty() {
                String::new()
            } else {
                format!("   {}", toxics.join(", "))
            },
        );
    }
    super::print(&text);
    let _ = std::io::stdout().flush();
}

fn read(file: &Path) -> Result<Vec<ProxyEntry>, Failure> {
    let remedy =
        r#"a list as in [{"name":"redis","listen":"127.0.0.1:26379","upstream":"127.0.0.1:6379"}]"#;
    let bytes = std::fs::read(file).map_err(|error| {
        Failure::usage(
            format!("{} cannot be read: {error}", file.display()),
            remedy,
        )
    })?;
    control::parse_config(&bytes)
        .map_err(|error| Failure::usage(format!("{}: {error}", file.display()), remedy))
}

/// The proxy of `--listen`, `--upstream` and `--toxic`.
fn shorthand(args: &ProxyArgs) -> Result<Option<ProxyEntry>, Failure> {
    let (Some(listen), Some(upstream)) = (&args.listen, &args.upstream) else {
        return Ok(None);
    };
    let toxics: Result<Vec<_>, _> = args.toxic.iter().map(|text| toxic(text)).collect();
    let wire = json!([
        { "name": SHORT_NAME, "listen": listen, "upstream": upstream, "toxics": toxics? }
    ]);
    let parsed = control::parse_config(wire.to_string().as_bytes()).map_err(|error| {
        Failure::usage(
            error,
            "--listen 127.0.0.1:8080 --upstream 127.0.0.1:80 --toxic latency=latency:200",
        )
    })?;
    Ok(parsed.into_iter().next())
}

/// `latency@upstream=latency:200,jitter:50,toxicity:0.5` in the API's shape.
fn toxic(text: &str) -> Result<Value, Failure> {
    let wrong = |reason: String| {
        Failure::usage(
            format!("--toxic {text}: {reason}"),
            "TYPE[@STREAM]=ATTRIBUTE:NUMBER,… as in latency@upstream=latency:200,jitter:50",
        )
    };
    let (head, tail) = text.split_once('=').unwrap_or((text, ""));
    let (kind, stream) = head.split_once('@').unwrap_or((head, "downstream"));
    let mut toxic = Map::new();
    let mut attributes = Map::new();
    for part in tail.split(',').filter(|part| !part.is_empty()) {
        let (name, value) = part
            .split_once(':')
            .ok_or_else(|| wrong(format!("`{part}` is not ATTRIBUTE:NUMBER")))?;
        let is_own = ["toxicity", "start_after", "duration", "ramp"].contains(&name);
        let read = match serde_json::from_str(value) {
            Ok(read) => read,
            // attributes of HTTP toxics may be texts, as a path is
            Err(_) if kind.starts_with("http_") && !is_own => json!(value),
            Err(_) => return Err(wrong(format!("`{value}` is not a number"))),
        };
        let into = if is_own { &mut toxic } else { &mut attributes };
        into.insert(name.to_owned(), read);
    }
    toxic.insert("type".to_owned(), json!(kind));
    toxic.insert("stream".to_owned(), json!(stream));
    toxic.insert("attributes".to_owned(), Value::Object(attributes));
    let toxic = Value::Object(toxic);
    match control::parse_toxic(toxic.clone()) {
        Ok(_) => Ok(toxic),
        Err(error) if error.message == "invalid toxic type" => {
            let http = scenarios::toxic::http::KINDS.iter().map(|kind| kind.name);
            let bytes = scenarios::toxic::KINDS.iter().map(|kind| kind.name);
            let known: Vec<_> = bytes.chain(http).collect();
            Err(wrong(format!(
                "there is no type `{kind}`; there are: {}",
                known.join(", ")
            )))
        }
        Err(error) => Err(wrong(error.message)),
    }
}

fn log(level: &str) {
    let _ = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(level))
        .with_writer(std::io::stderr)
        .try_init();
}

/// Takes all descriptors that this process may have; answers how many of them are there for connections.
pub fn descriptors() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let most = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    // no limit at all is taken as a million files
    let files = most.unwrap_or(1 << 20).saturating_sub(SPARE_DESCRIPTORS);
    usize::try_from(files).unwrap_or(usize::MAX).max(32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(words: &[&str]) -> Vec<String> {
        let args = words.iter().map(OsString::from);
        dashes(args).map(|arg| arg.into_string().unwrap()).collect()
    }

    #[test]
    fn flags_may_have_one_dash_as_in_go() {
        assert_eq!(
            rewritten(&[
                "drill",
                "proxy",
                "-port",
                "1",
                "-config=a=b",
                "-proxy-metrics=true",
                "-runtime-metrics=false",
                "--seed",
                "5"
            ]),
            [
                "drill",
                "proxy",
                "--port",
                "1",
                "--config=a=b",
                "--proxy-metrics",
                "--seed",
                "5"
            ]
        );
        // short flags, numbers, and flags of other commands, are left alone
        assert_eq!(
            rewritten(&["drill", "proxy", "-seed", "-55"]),
            ["drill", "proxy", "--seed", "-55"]
        );
        assert_eq!(
            rewritten(&["drill", "proxy", "-h"]),
            ["drill", "proxy", "-h"]
        );
        assert_eq!(
            rewritten(&["drill", "run", "-port"]),
            ["drill", "run", "-port"]
        );
    }

    #[test]
    fn a_toxic_of_the_command_line_is_the_one_of_the_api() {
        assert_eq!(
            toxic("latency@upstream=latency:200,jitter:50,toxicity:0.5").unwrap(),
            json!({
                "type": "latency", "stream": "upstream", "toxicity": 0.5,
                "attributes": { "latency": 200, "jitter": 50 },
            })
        );
        assert_eq!(
            toxic("partition").unwrap(),
            json!({ "type": "partition", "stream": "downstream", "attributes": {} })
        );
        assert_eq!(
            toxic("http_status=status:429,path:/orders/*,share:0.5,ramp:100").unwrap(),
            json!({
                "type": "http_status", "stream": "downstream", "ramp": 100,
                "attributes": { "status": 429, "path": "/orders/*", "share": 0.5 },
            })
        );
        for (wrong, part) in [
            ("http_status=status:abc", "invalid type: string"),
            ("http_status=path:/a,toxicity:all", "is not a number"),
            ("latncy=latency:1", "there is no type `latncy`"),
            ("latency=jiter:1", "did you mean `jitter`"),
            ("latency=latency", "is not ATTRIBUTE:NUMBER"),
            ("latency=latency:abc", "is not a number"),
            ("latency@up=latency:1", "stream was invalid"),
            ("latency=latency:1,toxicity:7", "toxicity must be 0 to 1"),
            ("", "there is no type ``"),
        ] {
            let said = toxic(wrong).unwrap_err().message;
            assert!(said.contains(part), "{wrong}: {said}");
        }
    }
}
