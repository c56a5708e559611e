//! The proxy over real sockets: what goes in comes out, and what is cut waits.

use super::*;
use proptest::prelude::*;
use rand::SeedableRng;
use scenarios::toxic::{
    Bandwidth, HalfOpen, Latency, LimitData, Partition, ResetPeer, Slicer, Timeout,
};
use std::{net::Ipv4Addr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// Longer than anything below takes; reaching it fails the test.
const LONG: Duration = Duration::from_secs(20);

async fn proxy_to(upstreams: Vec<SocketAddr>) -> Proxy {
    let proxy = Proxy::listen("a-b", ChaCha8Rng::seed_from_u64(1))
        .await
        .unwrap();
    proxy.set_upstream(Upstream::Instances(upstreams));
    proxy
}

async fn pair() -> (Proxy, TcpStream, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let proxy = proxy_to(vec![listener.local_addr().unwrap()]).await;
    let client = TcpStream::connect(proxy.address().unwrap()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    (proxy, client, server)
}

fn cut(proxy: &Proxy) -> Poisoned {
    proxy.poison("cut", Stream::Both, Toxicity::ALL, Partition {})
}

/// Sends chunks and closes its half, while reading to the end.
async fn exchange(mut stream: TcpStream, chunks: Vec<Vec<u8>>) -> Vec<u8> {
    let (mut read, mut write) = stream.split();
    let mut got = Vec::new();
    let send = async {
        for chunk in &chunks {
            write.write_all(chunk).await.unwrap();
        }
        write.shutdown().await.unwrap();
    };
    let receive = async { read.read_to_end(&mut got).await.unwrap() };
    tokio::join!(send, receive);
    got
}

fn chunks() -> impl Strategy<Value = Vec<Vec<u8>>> {
    proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40_000), 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn all_bytes_arrive_unchanged_both_ways_and_each_half_closes_by_itself(
        up in chunks(), down in chunks(), delayed in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (proxy, client, server) = pair().await;
            let latency = Latency { latency_ms: 2, jitter_ms: 2 };
            let _slow = delayed.then(|| proxy.poison("slow", Stream::Both, Toxicity::ALL, latency));
            let (at_client, at_server) = timeout(LONG, async {
                tokio::join!(exchange(client, down.clone()), exchange(server, up.clone()))
            }).await.unwrap();
            assert_eq!(at_client, up.concat());
            assert_eq!(at_server, down.concat());
        });
    }
}

#[tokio::test]
async fn a_partition_holds_bytes_and_healing_delivers_them() {
    let (proxy, mut client, mut server) = pair().await;
    let guard = cut(&proxy);
    client.write_all(b"hello").await.unwrap();
    let mut got = [0; 5];
    assert!(
        timeout(Duration::from_millis(80), server.read_exact(&mut got))
            .await
            .is_err()
    );
    drop(guard);
    timeout(LONG, server.read_exact(&mut got))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&got, b"hello");
    assert!(proxy.is_healed());
}

#[tokio::test]
async fn behind_a_partition_new_connections_are_accepted_and_hang() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let proxy = proxy_to(vec![listener.local_addr().unwrap()]).await;
    let guard = cut(&proxy);
    let client = TcpStream::connect(proxy.address().unwrap()).await;
    assert!(client.is_ok());
    assert!(
        timeout(Duration::from_millis(80), listener.accept())
            .await
            .is_err()
    );
    drop(guard);
    timeout(LONG, listener.accept()).await.unwrap().unwrap();
}

#[tokio::test]
async fn two_partitions_heal_only_when_both_are_gone() {
    let (proxy, mut client, mut server) = pair().await;
    let (first, second) = (cut(&proxy), cut(&proxy));
    client.write_all(b"x").await.unwrap();
    drop(first);
    let mut got = [0; 1];
    assert!(
        timeout(Duration::from_millis(80), server.read_exact(&mut got))
            .await
            .is_err()
    );
    drop(second);
    timeout(LONG, server.read_exact(&mut got))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn connections_take_turns_over_the_instances_and_skip_dead_ones() {
    let listen = || async { TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap() };
    let (one, two, dead) = (listen().await, listen().await, listen().await);
    let dead_address = dead.local_addr().unwrap();
    drop(dead);
    let proxy = proxy_to(vec![
        one.local_addr().unwrap(),
        two.local_addr().unwrap(),
        dead_address,
    ])
    .await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(TcpStream::connect(proxy.address().unwrap()).await.unwrap());
    }
    // the third's turn is the dead one's: it goes round to the first
    timeout(LONG, async {
        one.accept().await.unwrap();
        two.accept().await.unwrap();
        one.accept().await.unwrap();
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn without_an_upstream_the_connection_is_closed_and_counted() {
    let proxy = proxy_to(vec![]).await;
    let mut client = TcpStream::connect(proxy.address().unwrap()).await.unwrap();
    let mut got = Vec::new();
    let read = timeout(LONG, client.read_to_end(&mut got)).await.unwrap();
    assert_eq!(read.unwrap_or(0), 0);
    assert_eq!(proxy.refused(), 1);
}

#[tokio::test]
async fn dropping_the_proxy_ends_its_connections() {
    let (proxy, mut client, _server) = pair().await;
    drop(proxy);
    let mut got = Vec::new();
    let read = timeout(LONG, client.read_to_end(&mut got)).await.unwrap();
    assert_eq!(read.unwrap_or(0), 0);
}

/// A listener and a proxy to it.
async fn to_listener(seed: u64, limits: Limits) -> (Proxy, TcpListener) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let upstream = Upstream::Named(listener.local_addr().unwrap().to_string());
    let rng = ChaCha8Rng::seed_from_u64(seed);
    let proxy = Proxy::new("a-b", upstream, rng, limits);
    proxy.start(LOOPBACK).await.unwrap();
    (proxy, listener)
}

async fn connect(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(proxy.address().unwrap()).await.unwrap()
}

fn all(proxy: &Proxy, stream: Stream, toxic: impl Into<Toxic>) -> Poisoned {
    proxy.poison("it", stream, Toxicity::ALL, toxic)
}

async fn assert_reset(stream: &mut TcpStream) {
    let mut got = Vec::new();
    let read = timeout(LONG, stream.read_to_end(&mut got)).await.unwrap();
    assert_eq!(
        read.unwrap_err().kind(),
        io::ErrorKind::ConnectionReset,
        "a real RST"
    );
}

async fn assert_closed(stream: &mut TcpStream) {
    let mut got = Vec::new();
    let read = timeout(LONG, stream.read_to_end(&mut got)).await.unwrap();
    assert_eq!((read.unwrap(), got.len()), (0, 0), "an end, and no reset");
}

/// Whether a byte arrives: however slow the machine is, if it should.
async fn arrives(from: &mut TcpStream, to: &mut TcpStream) {
    from.write_all(b"x").await.unwrap();
    let read = timeout(LONG, to.read_exact(&mut [0; 1])).await;
    read.expect("a byte arrives").unwrap();
}

/// Whether a byte does not arrive, as far as one can wait for it.
async fn is_lost(from: &mut TcpStream, to: &mut TcpStream) {
    from.write_all(b"x").await.unwrap();
    let read = timeout(Duration::from_millis(80), to.read_exact(&mut [0; 1])).await;
    assert!(read.is_err(), "it arrived: {read:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn all_bytes_arrive_unchanged_while_toxics_come_and_go(up in chunks(), down in chunks(), rounds in 1..20_u64) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let (proxy, client, server) = pair().await;
            let trouble = async {
                for k in 0..rounds {
                    let slow = Latency { latency_ms: k % 4, jitter_ms: k % 3 };
                    let thin = Slicer { average_bytes: 700, variation_bytes: 300, delay_us: 50 };
                    let one = all(&proxy, Stream::Both, slow);
                    tokio::time::sleep(Duration::from_millis(k % 3)).await;
                    let two = all(&proxy, Stream::Downstream, thin);
                    let three = all(&proxy, Stream::Upstream, Bandwidth { rate_kb_per_s: 30_000 });
                    one.update(Partition {});
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    drop((one, three));
                    tokio::time::sleep(Duration::from_millis(k % 2)).await;
                    drop(two);
                }
            };
            let (at_client, at_server, ()) = timeout(LONG, async {
                tokio::join!(exchange(client, down.clone()), exchange(server, up.clone()), trouble)
            }).await.unwrap();
            assert_eq!(at_client, up.concat());
            assert_eq!(at_server, down.concat());
            assert_eq!(proxy.held(), 0);
        });
    }
}

#[tokio::test]
async fn a_reset_toxic_resets_both_sides() {
    let (proxy, mut client, mut server) = pair().await;
    let _reset = all(&proxy, Stream::Upstream, ResetPeer { timeout_ms: 10 });
    client.write_all(b"x").await.unwrap();
    assert_reset(&mut client).await;
    assert_reset(&mut server).await;
}

#[tokio::test]
async fn a_reset_of_one_side_is_a_reset_of_the_other_behind_what_was_sent() {
    let (_proxy, mut client, mut server) = pair().await;
    client.write_all(b"last words").await.unwrap();
    let mut got = [0; 10];
    server.read_exact(&mut got).await.unwrap();
    client.set_zero_linger().unwrap();
    drop(client);
    assert_reset(&mut server).await;
}

#[tokio::test]
async fn a_caller_that_stops_listening_is_a_reset_for_the_callee() {
    let (_proxy, client, mut server) = pair().await;
    drop(client);
    // the end of the caller's half comes first, and the answer finds nobody
    server.read_exact(&mut [0; 1]).await.unwrap_err();
    let big = vec![0; 64 * 1024];
    let failed = timeout(LONG, async {
        loop {
            if let Err(error) = server.write_all(&big).await {
                return error;
            }
        }
    });
    let kind = failed.await.unwrap().kind();
    assert!(
        [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe].contains(&kind),
        "{kind:?}"
    );
}

#[tokio::test]
async fn limit_data_delivers_exactly_its_bytes_and_an_end() {
    let (proxy, mut client, mut server) = pair().await;
    let _limit = all(&proxy, Stream::Downstream, LimitData { bytes: 1_000 });
    // unread bytes of the caller must not make a reset of the close
    client.write_all(&[1; 5_000]).await.unwrap();
    server.write_all(&[2; 100_000]).await.unwrap();
    let mut got = Vec::new();
    timeout(LONG, client.read_to_end(&mut got))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(got, [2; 1_000]);
}

#[tokio::test]
async fn a_timeout_closes_in_time_and_a_black_hole_when_it_is_taken_off() {
    let (proxy, mut client, mut server) = pair().await;
    let _timeout = all(&proxy, Stream::Downstream, Timeout { timeout_ms: 20 });
    assert_closed(&mut client).await;
    assert_closed(&mut server).await;

    let (proxy, mut client, mut server) = pair().await;
    let hole = all(&proxy, Stream::Upstream, Timeout { timeout_ms: 0 });
    is_lost(&mut client, &mut server).await;
    arrives(&mut server, &mut client).await;
    drop(hole);
    assert_closed(&mut client).await;
}

#[tokio::test]
async fn half_open_connections_are_dead_until_they_are_reset_and_new_ones_work() {
    let (proxy, listener) = to_listener(1, Limits::default()).await;
    let mut old = connect(&proxy).await;
    let (mut old_server, _) = listener.accept().await.unwrap();
    arrives(&mut old, &mut old_server).await;
    let dead = all(&proxy, Stream::Both, HalfOpen {});
    is_lost(&mut old, &mut old_server).await;
    is_lost(&mut old_server, &mut old).await;
    let mut new = connect(&proxy).await;
    let (mut new_server, _) = listener.accept().await.unwrap();
    arrives(&mut new, &mut new_server).await;
    drop(dead);
    assert_reset(&mut old).await;
    assert_reset(&mut old_server).await;
    arrives(&mut new_server, &mut new).await;
}

#[tokio::test]
async fn a_one_way_partition_leaves_the_other_way_open() {
    let (proxy, mut client, mut server) = pair().await;
    let cut = all(&proxy, Stream::Downstream, Partition {});
    arrives(&mut client, &mut server).await;
    is_lost(&mut server, &mut client).await;
    drop(cut);
    timeout(LONG, client.read_exact(&mut [0; 1]))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_reader_that_does_not_read_stops_the_writer_and_memory() {
    for toxic in [
        None,
        Some(Toxic::from(Latency {
            latency_ms: 1,
            jitter_ms: 0,
        })),
        Some(Partition {}.into()),
        Some(Bandwidth { rate_kb_per_s: 1 }.into()),
    ] {
        let (proxy, mut client, _server) = pair().await;
        let _toxic = toxic.map(|toxic| all(&proxy, Stream::Upstream, toxic));
        let chunk = vec![0; 64 * 1024];
        let mut most_held = 0;
        // until nothing is taken for a while: kernel buffers are full, and so is ours
        while timeout(Duration::from_millis(200), client.write_all(&chunk))
            .await
            .is_ok()
        {
            most_held = most_held.max(proxy.held());
        }
        most_held = most_held.max(proxy.held());
        // one direction's flight, and the chunk that was read when there was still room
        assert!(most_held <= (4 << 20) + 2 * chunk.len(), "{most_held} held");
    }
}

#[tokio::test]
async fn the_same_seed_and_order_of_connections_draw_the_same() {
    async fn spared(seed: u64) -> Vec<bool> {
        let (proxy, listener) = to_listener(seed, Limits::default()).await;
        let half = Toxicity::new(0.5).unwrap();
        let _half = proxy.poison("half", Stream::Upstream, half, Timeout { timeout_ms: 0 });
        let mut spared = Vec::new();
        for _ in 0..32 {
            let mut client = connect(&proxy).await;
            let (mut server, _) = listener.accept().await.unwrap();
            client.write_all(b"x").await.unwrap();
            client.shutdown().await.unwrap();
            // what is hit loses its byte and keeps its end
            let mut got = Vec::new();
            timeout(LONG, server.read_to_end(&mut got))
                .await
                .unwrap()
                .unwrap();
            spared.push(got == b"x");
        }
        spared
    }
    let first = spared(5).await;
    assert_eq!(first, spared(5).await);
    assert_ne!(first, spared(6).await);
    let count = first.iter().filter(|spared| **spared).count();
    assert!((6..=26).contains(&count), "{count} of 32 at one half");
}

/// Descriptors for thousands of connections, each of which has four ends in this process.
fn many_descriptors() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    let all = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, all).unwrap();
    maximum.unwrap_or(u64::MAX)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_connections_live_at_once_and_one_too_many_is_closed() {
    let count = 2_000;
    assert!(
        many_descriptors() > 9_000,
        "this test needs 9,000 descriptors: raise `ulimit -Hn`"
    );
    let limits = Limits {
        connections: count,
        ..Limits::default()
    };
    let (proxy, listener) = to_listener(1, limits).await;
    let echo = tokio::spawn(async move {
        let mut servers = tokio::task::JoinSet::new();
        while servers.len() < count {
            let (mut server, _) = listener.accept().await.unwrap();
            servers.spawn(async move {
                let (mut read, mut write) = server.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
            });
        }
        servers.join_all().await;
    });
    let mut clients = Vec::new();
    for _ in 0..count {
        clients.push(connect(&proxy).await);
    }
    timeout(LONG, async {
        // all at once, through one that is slow for all
        let _slow = all(
            &proxy,
            Stream::Both,
            Latency {
                latency_ms: 3,
                jitter_ms: 2,
            },
        );
        for (k, client) in clients.iter_mut().enumerate() {
            client.write_all(&(k as u64).to_le_bytes()).await.unwrap();
        }
        for (k, client) in clients.iter_mut().enumerate() {
            let mut got = [0; 8];
            client.read_exact(&mut got).await.unwrap();
            assert_eq!(u64::from_le_bytes(got), k as u64);
        }
    })
    .await
    .unwrap();
    assert_eq!(proxy.open(), count);
    let mut one_more = connect(&proxy).await;
    assert_closed(&mut one_more).await;
    assert_eq!(proxy.refused(), 1);
    drop(clients);
    timeout(LONG, echo).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_callee_that_never_answers_the_handshake_is_given_up() {
    // nobody accepts, and the queue for those who wait is full
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let full = socket.listen(1).unwrap();
    let address = full.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = timeout(Duration::from_millis(100), TcpStream::connect(address)).await {
        waiting.push(stream.unwrap());
    }
    let limits = Limits {
        connecting: Duration::from_millis(50),
        ..Limits::default()
    };
    let upstream = Upstream::Named(address.to_string());
    let proxy = Proxy::new("a-b", upstream, ChaCha8Rng::seed_from_u64(1), limits);
    proxy.start("localhost:0").await.unwrap();
    assert_closed(&mut connect(&proxy).await).await;
    assert_eq!(proxy.refused(), 1);
}
