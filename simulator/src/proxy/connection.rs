//! One connection from its acceptance to its end: the handshake with the callee, both directions, and how each side hears of
//! the end.
//!
//! A half-close is passed on as a half-close; a reset of one side, or a side that does not take any more, becomes a reset of
//! the other, after what was sent before it. Both directions run in one task: a wake costs a look at both, which is cheaper
//! than two tasks, and idle connections stay small.
//!
//! # How something that understands a protocol plugs in
//! [`carry`] owns the accepted socket and has only [`Link`] besides: `link.dial()` opens a connection to the callee (again, as
//! often as needed), `link.toxics()` and `link.changed()` say what is on the link, `link.draw()` has drawn `seed`. A session
//! that must answer by itself or call twice is another function of the same signature, chosen in `listener`. For the toxics on
//! bytes it puts a [`Chain`](super::chain::Chain) for each direction between its own writer and the socket: `push` what it
//! would write, `pump`, write what comes out.

use std::{
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use scenarios::toxic::Direction;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, Interest},
    net::TcpStream,
    time::Sleep,
};

use super::{
    chain::Chance,
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
pub(super) async fn carry(mut client: TcpStream, link: &Link, seed: u64) -> io::Result<()> {
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
    let mut server = link.dial().await?;
    up.opened();
    down.opened();
    let over = run(&mut client, &mut server, &mut up, &mut down, link).await;
    drop((up, down));
    match over {
        None => {}
        Some(Over::Reset) => {
            // a socket that refuses it is gone already
            let _ = client.set_zero_linger();
            let _ = server.set_zero_linger();
        }
        Some(Over::Close) => close(client, server).await,
    }
    Ok(())
}

/// Runs both directions until both have ended, or one ends the connection.
async fn run<'a>(
    client: &mut TcpStream,
    server: &mut TcpStream,
    up: &mut Pipe<'a>,
    down: &mut Pipe<'a>,
    link: &'a Link,
) -> Option<Over> {
    let (mut client_read, mut client_write) = client.split();
    let (mut server_read, mut server_write) = server.split();
    let mut changed = pin!(link.changed());
    // whether `changed` will wake this task; asking it each time would take its lock
    let mut registered = None;
    let mut timer = Timer::default();
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
            let sent = match up.run(cx, &mut client_read, &mut server_write) {
                Err(over) => return Poll::Ready(Some(over)),
                Ok(ran) => ran,
            };
            let answered = match down.run(cx, &mut server_read, &mut client_write) {
                Err(over) => return Poll::Ready(Some(over)),
                Ok(ran) => ran,
            };
            if up.is_done() && down.is_done() {
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
async fn close(mut client: TcpStream, mut server: TcpStream) {
    let _ = client.shutdown().await;
    let _ = server.shutdown().await;
    let drain = async {
        // on the heap: inside the future they would be part of every idle connection
        let (mut caller, mut callee) = (vec![0; 1024], vec![0; 1024]);
        let caller = async { while matches!(client.read(&mut caller).await, Ok(1..)) {} };
        let callee = async { while matches!(server.read(&mut callee).await, Ok(1..)) {} };
        tokio::join!(caller, callee);
    };
    let _ = tokio::time::timeout(LINGER, drain).await;
}

/// A timer that costs nothing until it is needed.
#[derive(Default)]
struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    set_to: Option<Instant>,
}

impl Timer {
    /// Ready when `at` has come.
    fn poll(&mut self, cx: &mut Context<'_>, at: Option<Instant>) -> Poll<()> {
        let Some(at) = at else {
            return Poll::Pending;
        };
        let deadline = tokio::time::Instant::from_std(at);
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if self.set_to != Some(at) {
            sleep.as_mut().reset(deadline);
            self.set_to = Some(at);
        }
        sleep.as_mut().poll(cx)
    }
}
