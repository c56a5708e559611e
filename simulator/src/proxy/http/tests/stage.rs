//! A callee, a proxy in front of it, and callers.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    Request, Response,
    body::{Frame, Incoming},
    client::conn::http1::SendRequest,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use scenarios::toxic::{Stream, Toxic, Toxicity};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};

use super::super::super::{Poisoned, Proxy, Upstream};

/// Longer than anything here takes; reaching it fails the test.
pub(super) const LONG: Duration = Duration::from_secs(20);
/// Shorter than anything that hangs until it is healed.
pub(super) const SHORT: Duration = Duration::from_millis(80);

/// What a callee was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) connection: usize,
    pub(super) what: String,
    pub(super) body: Vec<u8>,
}

/// A callee that answers `{"n":N,"total":1.5}` in chunks, N counting its requests, and a proxy in front of it.
pub(super) struct Stage {
    pub(super) proxy: Proxy,
    asked: Arc<Mutex<Vec<Asked>>>,
    _tasks: JoinSet<()>,
}

pub(super) type Body = BoxBody<Bytes, Infallible>;

/// A body in one chunk for each text.
pub(super) fn chunks(texts: Vec<Vec<u8>>) -> Body {
    let frames = texts
        .into_iter()
        .map(|text| Ok::<_, Infallible>(Frame::data(Bytes::from(text))));
    StreamBody::new(futures_util::stream::iter(frames)).boxed()
}

pub(super) fn full(body: impl Into<Bytes>) -> Body {
    Full::new(body.into()).boxed()
}

async fn answer(
    request: Request<Incoming>,
    connection: usize,
    asked: Arc<Mutex<Vec<Asked>>>,
) -> Result<Response<Body>, hyper::Error> {
    let what = format!("{} {}", request.method(), request.uri());
    let body = request.into_body().collect().await?.to_bytes().to_vec();
    let path = what.split(' ').nth(1).unwrap_or_default().to_owned();
    let n = {
        let mut asked = asked.lock();
        asked.push(Asked {
            connection,
            what,
            body: body.clone(),
        });
        asked.len()
    };
    let answer = Response::builder();
    let answer = match path.as_str() {
        "/echo" => answer.body(full(body)),
        "/gzip" => answer
            .header("content-encoding", "gzip")
            .header("content-type", "application/json")
            .body(full("not really")),
        "/large" => answer.body(chunks(vec![vec![b'a'; 64 * 1024]; 32])),
        "/text" => answer
            .header("content-type", "text/plain")
            .body(full("hello, total")),
        _ => answer
            .header("content-type", "application/json")
            .body(chunks(vec![
                format!("{{\"n\":{n},").into_bytes(),
                b"\"total\":1.5}".to_vec(),
            ])),
    };
    Ok(answer.unwrap())
}

impl Stage {
    pub(super) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = JoinSet::new();
        let seen = asked.clone();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let seen = seen.clone();
                connections.spawn(async move {
                    let service = service_fn(|request| answer(request, connection, seen.clone()));
                    // a caller that goes away is some tests' point
                    let _ = hyper::server::conn::http1::Builder::new()
                        .half_close(true)
                        .pipeline_flush(true)
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self {
            proxy: proxy_to(address).await,
            asked,
            _tasks: tasks,
        }
    }

    pub(super) fn poison(&self, kind: &str, attributes: Value) -> Poisoned {
        poison(&self.proxy, kind, attributes)
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().clone()
    }

    /// Until the callee has been asked so often.
    pub(super) async fn asked_times(&self, times: usize) -> Vec<Asked> {
        let reached = async {
            while self.asked.lock().len() < times {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(LONG, reached).await.unwrap();
        self.asked()
    }

    pub(super) async fn caller(&self) -> Caller {
        Caller::new(self.proxy.address().unwrap()).await
    }

    pub(super) async fn socket(&self) -> TcpStream {
        TcpStream::connect(self.proxy.address().unwrap())
            .await
            .unwrap()
    }
}

pub(super) async fn proxy_to(callee: SocketAddr) -> Proxy {
    let proxy = Proxy::listen("a-b", ChaCha8Rng::seed_from_u64(1))
        .await
        .unwrap();
    proxy.set_upstream(Upstream::Instances(vec![callee]));
    proxy
}

pub(super) fn poison(proxy: &Proxy, kind: &str, attributes: Value) -> Poisoned {
    let toxic = Toxic::from_wire(kind, attributes).unwrap();
    proxy.poison(kind, Stream::Downstream, Toxicity::ALL, toxic)
}

/// A proxy whose callee is a socket in the test's hand.
pub(super) async fn pair() -> (Proxy, TcpStream, TcpStream) {
    let (proxy, listener) = listening().await;
    let client = TcpStream::connect(proxy.address().unwrap()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    (proxy, client, server)
}

pub(super) async fn listening() -> (Proxy, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (proxy_to(listener.local_addr().unwrap()).await, listener)
}

/// One connection of a caller that keeps it alive.
pub(super) struct Caller {
    send: SendRequest<Body>,
    _tasks: JoinSet<()>,
}

/// What a caller got.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Got {
    pub(super) status: u16,
    pub(super) length: Option<usize>,
    pub(super) retry_after: Option<String>,
    pub(super) body: String,
}

impl Caller {
    pub(super) async fn new(proxy: SocketAddr) -> Self {
        let stream = TcpStream::connect(proxy).await.unwrap();
        let (send, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            // ends with an error where a test wants one
            let _ = connection.await;
        });
        Self {
            send,
            _tasks: tasks,
        }
    }

    /// # Errors
    /// When no whole answer comes.
    pub(super) async fn try_ask(
        &mut self,
        method: &str,
        path: &str,
        body: Body,
    ) -> Result<Got, hyper::Error> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "callee")
            .body(body)
            .unwrap();
        let asked = async {
            self.send.ready().await?;
            let answer = self.send.send_request(request).await?;
            let text = |name| {
                let value = answer.headers().get(name)?;
                Some(value.to_str().unwrap().to_owned())
            };
            let (length, retry_after) = (text("content-length"), text("retry-after"));
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await?.to_bytes();
            Ok(Got {
                status,
                length: length.map(|length| length.parse().unwrap()),
                retry_after,
                body: String::from_utf8_lossy(&body).into_owned(),
            })
        };
        timeout(LONG, asked).await.unwrap()
    }

    pub(super) async fn ask(&mut self, method: &str, path: &str, body: Body) -> Got {
        self.try_ask(method, path, body).await.unwrap()
    }

    pub(super) async fn get(&mut self, path: &str) -> Got {
        self.ask("GET", path, full("")).await
    }
}

/// Sends, closes its half, and reads to the end.
pub(super) async fn exchange(socket: &mut TcpStream, sent: &[u8]) -> Vec<u8> {
    let (mut read, mut write) = socket.split();
    let mut got = Vec::new();
    let send = async {
        write.write_all(sent).await.unwrap();
        write.shutdown().await.unwrap();
    };
    let receive = async { read.read_to_end(&mut got).await.unwrap() };
    timeout(LONG, async { tokio::join!(send, receive) })
        .await
        .unwrap();
    got
}

/// Reads exactly so much.
pub(super) async fn read(socket: &mut TcpStream, length: usize) -> String {
    let mut got = vec![0; length];
    timeout(LONG, socket.read_exact(&mut got))
        .await
        .unwrap()
        .unwrap();
    String::from_utf8(got).unwrap()
}

/// Reads to the end; a reset is an end too.
pub(super) async fn rest(socket: &mut TcpStream) -> Vec<u8> {
    let mut got = Vec::new();
    let _ = timeout(LONG, socket.read_to_end(&mut got)).await.unwrap();
    got
}

/// Reads the head of a message.
pub(super) async fn head(socket: &mut TcpStream) -> String {
    let mut got = Vec::new();
    while !got.ends_with(b"\r\n\r\n") {
        got.push(timeout(LONG, socket.read_u8()).await.unwrap().unwrap());
    }
    String::from_utf8(got).unwrap()
}
