//! One connection from its acceptance to its end: the handshake with the callee, both directions, and how each side hears of
//! the end.
//!
//! A half-close is passed on as a half-close; a reset of one side, or a side that does not take any more, becomes a reset of
//! the other, after what was sent before it. Both directions run in one task: a wake costs a look at both, which is cheaper
//! than two tasks, and idle connections stay small.
//!
//! Between the pipes and the callee's socket stands [`Callee`], which is that socket until the connection is carried as HTTP.
//! Toxics on bytes thus act on what HTTP toxics have made of a connection, as seen by the caller.

use std::{
    future::{Future, poll_fn},
    io,
    pin::pin,
    task::Poll,
    time::Duration,
};

use scenarios::toxic::Direction;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, Interest},
    net::TcpStream,
};

use super::{
    alarm::{Alarm, Timer},
    chain::Chance,
    http::Callee,
    link::Link,
    pipe::{Over, Pipe, Ran},
};

/// How long a closed connection is still read from: closing with unread bytes would be a reset, which may take from the
/// receiver what it has not read yet.
const LINGER: Duration = Duration::from_millis(500);

/// Carries a connection to its end.
///
/// # Errors
/// When the callee cannot be reached.
pub(super) async fn carry(
    mut client: TcpStream,
    link: &Link,
    seed: u64,
    alarm: &Alarm,
) -> io::Result<()> {
    // without it, delayed acknowledgements add tails of 40 ms
    client.set_nodelay(true)?;
    let pipe = |direction| Pipe::new(link, Chance { seed, direction });
    let (mut up, mut down) = (pipe(Direction::Upstream), pipe(Direction::Downstream));
    loop {
        let changed = link.changed();
        if !up.holds_handshake() && !down.holds_handshake() {
            break;
        }
        tokio::select! {
            () = changed => {}
            // the caller has given up
            _ = client.ready(Interest::ERROR) => return Ok(()),
        }
    }
    let mut callee = Callee::new(link, seed, link.dial().await?);
    up.opened();
    down.opened();
    let over = run(&mut client, &mut callee, [&mut up, &mut down], link, alarm).await;
    drop((up, down));
    match over {
        None => {}
        Some(Over::Reset) => {
            // a socket that refuses it is gone already
            let _ = client.set_zero_linger();
            callee.reset();
        }
        Some(Over::Close) => close(client, callee.into_socket()).await,
    }
    Ok(())
}

/// Runs both directions until both have ended, or one ends the connection.
async fn run<'a>(
    client: &mut TcpStream,
    callee: &mut Callee<'a>,
    [up, down]: [&mut Pipe<'a>; 2],
    link: &'a Link,
    alarm: &Alarm,
) -> Option<Over> {
    let (mut client_read, mut client_write) = client.split();
    let mut changed = pin!(link.changed());
    // whether `changed` will wake this task; asking it each time would take its lock
    let mut registered = None;
    let mut timer = Timer::new(alarm);
    poll_fn(|cx| {
        loop {
            let version = link.version();
            if registered != Some(version) {
                changed.set(link.changed());
                registered = match changed.as_mut().poll(cx) {
                    // a change after `version` was read shows in it next time
                    Poll::Pending => Some(version),
                    Poll::Ready(()) => None,
                };
                continue;
            }
            if down.is_done() {
                callee.comes_last();
            }
            let sent = match up.run(cx, &mut client_read, callee) {
                Err(over) => return Poll::Ready(Some(over)),
                Ok(ran) => ran,
            };
            callee.run(cx);
            if up.is_done() {
                down.comes_last();
            }
            let answered = match down.run(cx, callee, &mut client_write) {
                Err(over) => return Poll::Ready(Some(over)),
                Ok(ran) => ran,
            };
            if down.is_done() && callee.has_closed() {
                return Poll::Ready(Some(Over::Close));
            }
            if up.is_done() && down.is_done() && callee.is_done() {
                return Poll::Ready(None);
            }
            let broken = match (sent, answered) {
                (Ran::SinkBroke, _) => Some((&mut *up, &mut *down)),
                (_, Ran::SinkBroke) => Some((&mut *down, &mut *up)),
                _ => None,
            };
            if let Some((broken, other)) = broken {
                broken.sink_broke();
                if let Err(over) = other.source_broke() {
                    return Poll::Ready(Some(over));
                }
                continue;
            }
            let wake = [up.wake(), down.wake()].into_iter().flatten().min();
            if link.version() == version && timer.poll(cx, wake).is_pending() {
                return Poll::Pending;
            }
        }
    })
    .await
}

/// Both sides get an end; what they still send is thrown away for a moment.
async fn close(client: TcpStream, server: Option<TcpStream>) {
    let drain = async |mut socket: TcpStream| {
        // on the heap: inside the future it would be part of every idle connection
        let mut thrown_away = vec![0; 1024];
        let _ = socket.shutdown().await;
        while matches!(socket.read(&mut thrown_away).await, Ok(1..)) {}
    };
    let server = async {
        if let Some(server) = server {
            drain(server).await;
        }
    };
    let drain = async { tokio::join!(drain(client), server) };
    let _ = tokio::time::timeout(LINGER, drain).await;
}
