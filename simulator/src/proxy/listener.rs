//! Accepts connections and owns the tasks that carry them.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream, lookup_host},
    task::{JoinHandle, JoinSet},
};
use tokio_util::sync::CancellationToken;

use super::{
    carriers::{Carriers, Place},
    connection,
    link::Link,
};

/// Pause after a failed accept, so that running out of descriptors does not spin a core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// Connections that the kernel may have ready for us; it takes less if it is set so.
const BACKLOG: u32 = 4_096;

/// A listener at work. Dropping it closes the port and all connections, soon.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) address: SocketAddr,
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    /// Listens at `host:port`, and lets the carriers carry what comes.
    pub(super) async fn start(
        listen: &str,
        link: Arc<Link>,
        carriers: Arc<Carriers>,
    ) -> io::Result<Self> {
        let listener = bind(listen).await?;
        let address = listener.local_addr()?;
        let cancel = CancellationToken::new();
        let home = carriers.home();
        let listener = home.adopt(listener, TcpListener::from_std)?;
        let runtime = home.runtime.clone();
        let task = runtime.spawn(accept(listener, link, carriers, home, cancel.clone()));
        Ok(Self {
            address,
            cancel,
            task,
        })
    }

    /// Closes the port and all connections, and waits until they are.
    pub(super) async fn stop(mut self) {
        self.cancel.cancel();
        // it ends by itself and does not panic; if it did, it is over too
        let _ = (&mut self.task).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

/// Binds as Go does: without a host, to all addresses of both families; without a port, to one that the kernel chooses.
async fn bind(listen: &str) -> io::Result<std::net::TcpListener> {
    let (host, port) = listen.rsplit_once(':').unwrap_or((listen, "0"));
    if host.is_empty() {
        let port = if port.is_empty() { "0" } else { port };
        let port = port.parse().map_err(|_| {
            let wrong = format!("`{port}` is not a port");
            io::Error::new(io::ErrorKind::InvalidInput, wrong)
        })?;
        // a machine without IPv6 has the other
        return open((Ipv6Addr::UNSPECIFIED, port).into())
            .or_else(|_| open((Ipv4Addr::UNSPECIFIED, port).into()));
    }
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in lookup_host(listen).await? {
        match open(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn open(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // a restart finds the port free though old connections linger
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

async fn accept(
    listener: TcpListener,
    link: Arc<Link>,
    carriers: Arc<Carriers>,
    home: Place,
    cancel: CancellationToken,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = cancel.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // out of descriptors, or the peer was gone before we looked: the next one may work
                tracing::warn!(%error, "a proxy could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if connections.len() >= link.limits.connections {
            link.refused.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        // drawn here, in the order of their coming
        let seed = link.draw();
        let link = link.clone();
        let seat = carriers.seat(&home);
        let runtime = seat.runtime.clone();
        // its sockets belong to the runtime that carries it
        let stream = if seat.is_beside(&home) {
            Ok(stream)
        } else {
            stream
                .into_std()
                .and_then(|stream| seat.adopt(stream, TcpStream::from_std))
        };
        let carried = async move {
            link.open.fetch_add(1, Ordering::Relaxed);
            let _open = Open(&link);
            let carried = async { connection::carry(stream?, &link, seed, &seat.alarm).await };
            if let Err(error) = carried.await {
                link.refused.fetch_add(1, Ordering::Relaxed);
                tracing::debug!(%error, "a connection could not be carried to its upstream");
            }
        };
        connections.spawn_on(carried, &runtime);
    }
    drop(listener);
    connections.shutdown().await;
}

/// Counts a connection as open while it lives.
struct Open<'a>(&'a Link);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}
