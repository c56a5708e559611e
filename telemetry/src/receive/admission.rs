//! What may come in at a time: every byte of a body is counted while it is held, inflated bytes too. When there is no
//! room the sender is told to come back; nobody else waits for it. Knows no format.

use std::sync::Arc;
use std::time::Duration;

use axum::body::HttpBody;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::shape::ELEMENTS_MAX;

/// Bytes of a request's body, compressed or not. A larger one is refused; exporters send batches of 512 records, which is
/// some 500 KB.
pub const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of all bodies that are held at a time, of both doors together. The services of a lab hold some 2 MB at worst.
pub const HELD_BYTES_MAX: usize = 64 * 1024 * 1024;
/// A body must have arrived in full within this time, so that one that never ends holds no room for long.
const ARRIVES_WITHIN: Duration = Duration::from_secs(10);
/// When a sender that found no room is to try again.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why a request was not taken. What is retried is said by the transports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("the body has more than {BODY_BYTES_MAX} bytes: send smaller batches")]
    TooLarge,
    #[error("the request has more than {ELEMENTS_MAX} elements: send smaller batches")]
    TooMany,
    #[error("the receiver holds all that it can: send the same again in {} s", RETRY_AFTER.as_secs())]
    Busy,
    #[error("the body did not arrive within {} s", ARRIVES_WITHIN.as_secs())]
    Slow,
    #[error("the body cannot be read: {0}")]
    Broken(String),
    #[error("the body is not an OTLP export request: {0}")]
    Malformed(String),
    #[error("{0}")]
    Encoding(String),
    #[error("the request could not be worked on: {0}")]
    Failed(String),
}

/// The room for bodies.
#[derive(Debug)]
pub(super) struct Admission {
    room: Arc<Semaphore>,
}

impl Admission {
    pub fn new(bytes: usize) -> Self {
        Self {
            room: Arc::new(Semaphore::new(bytes)),
        }
    }

    /// A ticket that holds no room yet; dropped, it gives back what it held.
    pub fn ticket(&self) -> Ticket {
        Ticket {
            room: self.room.clone(),
            held: None,
        }
    }
}

/// The room that one request holds.
#[derive(Debug)]
pub(super) struct Ticket {
    room: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
}

impl Ticket {
    /// Takes room for more bytes, at once or not at all.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Refused> {
        let wanted = u32::try_from(bytes).map_err(|_| Refused::TooLarge)?;
        let more = self.room.clone().try_acquire_many_owned(wanted);
        let more = more.map_err(|_| Refused::Busy)?;
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        Ok(())
    }
}

/// Reads a body to its end.
pub(super) async fn read<B>(body: B, limit: usize, ticket: &mut Ticket) -> Result<Bytes, Refused>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    if usize::try_from(body.size_hint().lower()).is_ok_and(|length| length > limit) {
        return Err(Refused::TooLarge);
    }
    match tokio::time::timeout(ARRIVES_WITHIN, read_all(body, limit, ticket)).await {
        Ok(read) => read,
        Err(_) => Err(Refused::Slow),
    }
}

async fn read_all<B>(mut body: B, limit: usize, ticket: &mut Ticket) -> Result<Bytes, Refused>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Refused::Broken(error.to_string()))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if first.len() + whole.len() + data.len() > limit {
            return Err(Refused::TooLarge);
        }
        ticket.grow(data.len())?;
        if first.is_empty() && whole.is_empty() {
            // most bodies are one frame, which is not copied
            first = data;
        } else {
            whole.extend_from_slice(&std::mem::take(&mut first));
            whole.extend_from_slice(&data);
        }
    }
    Ok(if whole.is_empty() {
        first
    } else {
        whole.freeze()
    })
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;

    use super::*;

    #[tokio::test]
    async fn a_body_without_room_is_refused_and_room_comes_back() {
        let admission = Admission::new(100);
        let body = || Full::new(Bytes::from(vec![0; 60]));
        let mut one = admission.ticket();
        assert_eq!(read(body(), 100, &mut one).await.unwrap().len(), 60);
        let mut two = admission.ticket();
        assert_eq!(read(body(), 100, &mut two).await, Err(Refused::Busy));
        drop(one);
        assert!(read(body(), 100, &mut two).await.is_ok());
        assert_eq!(two.grow(41), Err(Refused::Busy));
        assert_eq!(
            read(body(), 59, &mut admission.ticket()).await,
            Err(Refused::TooLarge)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_given_up() {
        let (_open, read_end) = tokio::io::duplex(16);
        let stream = futures_util::stream::unfold(read_end, |mut io| async move {
            let mut byte = [0; 1];
            let read = tokio::io::AsyncReadExt::read(&mut io, &mut byte).await;
            Some((read.map(|_| Bytes::copy_from_slice(&byte)), io))
        });
        let body = axum::body::Body::from_stream(stream);
        let mut ticket = Admission::new(100).ticket();
        assert_eq!(read(body, 100, &mut ticket).await, Err(Refused::Slow));
    }
}
