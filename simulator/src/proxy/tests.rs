//! The proxy over real sockets: what goes in comes out, and what is cut waits.

use super::*;
use proptest::prelude::*;
use rand::SeedableRng;
use scenarios::toxic::{Latency, Partition};
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
