//! The callee's end of a connection as the pipes see it: its socket, or an HTTP session in front of it.
//!
//! # When a connection is carried as HTTP
//! From the first request that begins while an HTTP toxic is on the link, on connections that exist as well, and then to its
//! end. Until then nothing is framed, and no toxic costs nothing. A request begins with bytes from the caller that look like
//! one, when the last bytes before came from the callee, or there were none: callers send the next request when they have the
//! answer to the last. A caller that pipelines, or a callee that answers before it has read all, may be caught between two;
//! then what comes fits no request, and the connection passes as raw bytes, unchanged and counted.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use scenarios::toxic::Toxic;
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf},
    net::TcpStream,
};

use super::{
    super::link::Link,
    head::{Side, may_start},
    session::{self, Stop},
};

/// Bytes between the pipes and a session, each way.
const BETWEEN_BYTES: usize = 64 * 1024;

/// See the head of the file.
pub(in super::super) struct Callee<'a> {
    link: &'a Link,
    seed: u64,
    far: Far<'a>,
    /// Whether the next bytes from the caller may be the beginning of a request.
    between: bool,
    /// Version of the toxics that `http` is of.
    version: Option<u64>,
    /// Whether an HTTP toxic is on the link.
    http: bool,
    last: bool,
}

enum Far<'a> {
    Socket(TcpStream),
    Session {
        near: DuplexStream,
        run: Pin<Box<dyn Future<Output = Result<(), Stop>> + Send + 'a>>,
        /// Once it has ended.
        ended: Option<Result<(), Stop>>,
        reset: Arc<AtomicBool>,
    },
    /// Between the two; never seen.
    Changing,
}

impl<'a> Callee<'a> {
    /// A socket on which nothing has been sent yet.
    pub(in super::super) const fn new(link: &'a Link, seed: u64, socket: TcpStream) -> Self {
        Self {
            link,
            seed,
            far: Far::Socket(socket),
            between: true,
            version: None,
            http: false,
            last: false,
        }
    }

    /// The callee has sent its end, and the caller has it: a socket that gets the other end is closed right after, which says
    /// so without a shutdown.
    pub(in super::super) const fn comes_last(&mut self) {
        self.last = true;
    }

    /// Runs the session, if there is one.
    pub(in super::super) fn run(&mut self, cx: &mut Context<'_>) {
        if let Far::Session { run, ended, .. } = &mut self.far
            && ended.is_none()
            && let Poll::Ready(how) = run.as_mut().poll(cx)
        {
            *ended = Some(how);
        }
    }

    /// Whether nothing is under way behind the two directions.
    pub(in super::super) const fn is_done(&self) -> bool {
        !matches!(self.far, Far::Session { ended: None, .. })
    }

    /// Whether a toxic has closed the connection.
    pub(in super::super) const fn has_closed(&self) -> bool {
        matches!(
            self.far,
            Far::Session {
                ended: Some(Err(Stop::Close)),
                ..
            }
        )
    }

    /// The callee's socket gets a reset instead of an end.
    pub(in super::super) fn reset(&self) {
        match &self.far {
            // one that is gone already needs none
            Far::Socket(socket) => drop(socket.set_zero_linger()),
            Far::Session { reset, .. } => reset.store(true, Ordering::Relaxed),
            Far::Changing => {}
        }
    }

    /// The callee's socket, unless a session has it, which is then dropped and the socket closed with it.
    pub(in super::super) fn into_socket(self) -> Option<TcpStream> {
        match self.far {
            Far::Socket(socket) => Some(socket),
            Far::Session { .. } | Far::Changing => None,
        }
    }

    /// Whether these bytes from the caller are to be read as HTTP.
    fn begins(&mut self, bytes: &[u8]) -> bool {
        if !self.between || !may_start(Side::Requests, bytes) {
            return false;
        }
        let version = self.link.version();
        if self.version != Some(version) {
            self.version = Some(version);
            let toxics = self.link.toxics();
            self.http = toxics.iter().any(|one| matches!(one.toxic, Toxic::Http(_)));
        }
        self.http
    }

    /// From now on a session has the socket.
    fn change(&mut self) {
        self.far = match std::mem::replace(&mut self.far, Far::Changing) {
            Far::Socket(socket) => {
                let (near, caller) = tokio::io::duplex(BETWEEN_BYTES);
                let reset = Arc::new(AtomicBool::new(false));
                let run = session::run(self.link, self.seed, caller, socket, reset.clone());
                Far::Session {
                    near,
                    run: Box::pin(run),
                    ended: None,
                    reset,
                }
            }
            other => other,
        };
    }
}

impl AsyncRead for Callee<'_> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        match &mut this.far {
            Far::Socket(socket) => {
                ready!(Pin::new(socket).poll_read(cx, buf))?;
                this.between |= buf.filled().len() > before;
                Poll::Ready(Ok(()))
            }
            Far::Session { near, ended, .. } => {
                ready!(Pin::new(near).poll_read(cx, buf))?;
                let is_end = buf.filled().len() == before;
                if is_end && matches!(ended, Some(Err(Stop::Failed))) {
                    return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
                }
                Poll::Ready(Ok(()))
            }
            Far::Changing => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl AsyncWrite for Callee<'_> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if matches!(this.far, Far::Socket(_)) && this.begins(bytes) {
            this.change();
        }
        match &mut this.far {
            Far::Socket(socket) => {
                let written = ready!(Pin::new(socket).poll_write(cx, bytes))?;
                this.between = false;
                Poll::Ready(Ok(written))
            }
            Far::Session {
                ended: Some(Err(Stop::Close)),
                ..
            } => Poll::Ready(Ok(bytes.len())),
            Far::Session { near, .. } => Pin::new(near).poll_write(cx, bytes),
            Far::Changing => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().far {
            Far::Socket(socket) => Pin::new(socket).poll_flush(cx),
            Far::Session { near, .. } => Pin::new(near).poll_flush(cx),
            Far::Changing => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match &mut this.far {
            Far::Socket(_) if this.last => Poll::Ready(Ok(())),
            Far::Socket(socket) => Pin::new(socket).poll_shutdown(cx),
            Far::Session { near, .. } => Pin::new(near).poll_shutdown(cx),
            Far::Changing => Poll::Ready(Ok(())),
        }
    }
}
