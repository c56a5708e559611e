//! Connections: kept as long as their server keeps them, the one used last first, never more than the plan has.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use parking_lot::Mutex;
use tokio::{sync::Semaphore, time::Instant};

use super::tally::{Outcome, Tally};
use crate::{
    load::journey::Step,
    outward::{CallError, Dialer, Link},
};

/// Longest answer, bytes; what comes then is an error. Answers are counted and, but for their beginning, not kept.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// So much of an answer is kept for who asks.
const KEPT_BYTES: usize = 64 * 1024;

/// See the head of this file.
pub(super) struct Pool {
    dialer: Dialer,
    room: Semaphore,
    /// Idle ones by target.
    idle: Vec<Mutex<Vec<Link>>>,
}

impl Pool {
    pub(super) fn new(connections: usize, targets: usize) -> Self {
        Self {
            dialer: Dialer::new(),
            room: Semaphore::new(connections.min(Semaphore::MAX_PERMITS)),
            idle: (0..targets).map(|_| Mutex::default()).collect(),
        }
    }

    /// Sends a request that is due at a moment, and counts what becomes of it. Answers with the beginning of the body where the
    /// status is a success.
    pub(super) async fn call(
        &self,
        tally: &Tally,
        request: Request<Full<Bytes>>,
        target: usize,
        due: Instant,
        timeout: Duration,
        step: Option<Step>,
    ) -> Option<Vec<u8>> {
        let _under_way = tally.begin();
        // who has waited so long for a connection would not wait for an answer, too
        let permit = tokio::time::timeout_at(due + timeout, self.room.acquire()).await;
        let Ok(Ok(_permit)) = permit else {
            tally.unsent();
            return None;
        };
        tally.sent(due.elapsed());
        let exchange = self.exchange(request, target);
        let done = tokio::time::timeout(timeout, exchange).await;
        let (outcome, bytes, kept) = match done {
            Err(_) => (Outcome::Timeout, 0, Vec::new()),
            Ok(Err(CallError::Timeout(_))) => (Outcome::Timeout, 0, Vec::new()),
            Ok(Err(CallError::Connect { .. } | CallError::Address(_))) => {
                (Outcome::Connect, 0, Vec::new())
            }
            Ok(Err(CallError::Reset(_))) => (Outcome::Reset, 0, Vec::new()),
            Ok(Err(CallError::Protocol(_))) => (Outcome::Body, 0, Vec::new()),
            Ok(Ok(read)) => (Outcome::Status(read.status), read.bytes, read.kept),
        };
        tally.done(outcome, due.elapsed(), bytes, step);
        outcome.is_success().then_some(kept)
    }

    async fn exchange(
        &self,
        mut request: Request<Full<Bytes>>,
        target: usize,
    ) -> Result<Read, CallError> {
        loop {
            let kept = self.idle[target].lock().pop();
            let fresh = kept.is_none();
            let mut link = match kept {
                Some(link) if link.is_ready() => link,
                // its server has closed it
                Some(_) => continue,
                None => self.dialer.dial(request.uri()).await?,
            };
            let head = match link.try_send(request).await {
                Ok(head) => head,
                // the server closed it just now: another one
                Err((_, Some(unsent))) if !fresh => {
                    request = unsent;
                    continue;
                }
                Err((error, _)) => return Err(error),
            };
            let read = read(head).await?;
            // a connection that has to be closed says so by not being ready
            if link.is_ready() {
                self.idle[target].lock().push(link);
            }
            return Ok(read);
        }
    }
}

/// An answer that was read to its end.
struct Read {
    status: u16,
    bytes: u64,
    kept: Vec<u8>,
}

async fn read(head: Response<Incoming>) -> Result<Read, CallError> {
    let status = head.status().as_u16();
    let (mut bytes, mut kept) = (0, Vec::new());
    let mut body = head.into_body();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| CallError::of(&error))?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        bytes += data.len() as u64;
        kept.extend_from_slice(&data[..data.len().min(KEPT_BYTES - kept.len())]);
        if bytes > ANSWER_BYTES_MAX {
            return Err(CallError::Protocol("it is too long".to_owned()));
        }
    }
    Ok(Read {
        status,
        bytes,
        kept,
    })
}
