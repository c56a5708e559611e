//! The half of a session that carries requests: frames what the caller sends, asks the toxics about
//! each head, and writes to the callee what they let through. What it needs from the other half is
//! said through [`Slot`]s, one per request in order.

use std::{future::Future, pin::pin, sync::atomic::Ordering, time::Duration};

use bytes::{Buf, Bytes, BytesMut};
use scenarios::toxic::http::{MOST_KEPT_BYTES, RequestHead};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::{mpsc, oneshot},
    time::{Instant, timeout},
};

use super::{
    down::{Exchange, Slot},
    frame::{Event, Framer},
    head::{Body, Head, MOST_HEAD_BYTES, Side, body_of_request},
    message::keeps_alive,
    plan::{Plan, Wait},
    session::{Held, READ_BYTES, Shared, Stop, make_room},
    state::OfConnection,
};

/// How long the beginning of a start line may wait for its rest: whoever sends `HELLO` without a line's end speaks another
/// protocol, and waits for an answer that would never come.
const START_LINE_WITHIN: Duration = Duration::from_secs(2);

/// See the head of the file.
pub(super) struct Up<'a, R, W> {
    shared: &'a Shared<'a>,
    memory: OfConnection,
    from: R,
    to: W,
    slots: mpsc::Sender<Slot>,
    copies: mpsc::Sender<Vec<u8>>,
    framer: Framer,
    buffer: BytesMut,
    /// Bytes at the buffer's front that are to be written.
    pass: usize,
    /// Requests among them.
    requests: u64,
    ended: bool,
    /// Whether the request under way has been answered by us, so that the rest of it is thrown away.
    discard: bool,
    /// The request under way, when it is to be sent again.
    copy: Option<Vec<u8>>,
    held: Held<'a>,
    /// Whether a request has come before.
    used: bool,
    /// Tells, when the request under way asked for a tunnel, whether it became one.
    tunnel: Option<oneshot::Receiver<bool>>,
}

impl<'a, R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Up<'a, R, W> {
    pub(super) fn new(
        shared: &'a Shared<'a>,
        memory: OfConnection,
        (from, to): (R, W),
        slots: mpsc::Sender<Slot>,
        copies: mpsc::Sender<Vec<u8>>,
    ) -> Self {
        Self {
            shared,
            memory,
            from,
            to,
            slots,
            copies,
            framer: Framer::new(Side::Requests),
            buffer: BytesMut::new(),
            pass: 0,
            requests: 0,
            ended: false,
            discard: false,
            copy: None,
            held: Held::new(shared.link),
            used: false,
            tunnel: None,
        }
    }

    /// Until the caller has sent its end and the callee has got it.
    pub(super) async fn run(mut self) -> Result<(), Stop> {
        loop {
            if self.shared.is_raw() && !self.discard {
                return self.raw().await;
            }
            match self.framer.next(&self.buffer[self.pass..]) {
                Event::More => {
                    self.flush().await?;
                    if !self.fill().await? {
                        return self.finish().await;
                    }
                }
                Event::Head(length, Head::Request(head)) => self.begin(length, &head).await?,
                Event::Head(_, Head::Response(_)) => self.framer.give_up(),
                Event::Framing(length) | Event::Data(length) => self.body(length),
                Event::End => self.end().await?,
                Event::Raw if self.discard => {
                    // where the next request begins cannot be told, and this one has been answered
                    self.shared.count_raw();
                    let answer = Bytes::new();
                    self.slot(Slot::Answer {
                        answer,
                        closes: true,
                    })
                    .await?;
                    self.drain().await?;
                }
                Event::Raw => {
                    self.shared.count_raw();
                    // when the other half is gone there is nothing to keep in order
                    let _ = self.slots.send(Slot::Raw).await;
                    return self.raw().await;
                }
            }
        }
    }

    /// A request's head of `length` bytes has come.
    async fn begin(&mut self, length: usize, head: &RequestHead) -> Result<(), Stop> {
        let Ok(body) = body_of_request(head) else {
            self.framer.give_up();
            return Ok(());
        };
        self.framer.body(body);
        self.used = true;
        let toxics = self.shared.link.toxics();
        let plan = self.shared.http().decide(&toxics, &mut self.memory, head);
        // all of them at once: the connection may end in an earlier wait than the one that holds
        let shared = self.shared;
        let holds = plan.waits.iter().filter(|wait| wait.until_overtaken);
        let held: Vec<Released<'_>> = holds.map(|wait| Released(shared, wait)).collect();
        for wait in &plan.waits {
            self.flush().await?;
            self.wait(wait).await?;
        }
        drop(held);
        if plan.answer.is_some() {
            return self.answer(length, head, body, &plan).await;
        }
        let tunnel =
            (head.method == "CONNECT" || head.headers.get("upgrade").is_some()).then(|| {
                let (tell, told) = oneshot::channel();
                self.tunnel = Some(told);
                tell
            });
        let slot = Slot::Exchange(Exchange {
            method: head.method.clone(),
            treatment: plan.treatment,
            tunnel,
        });
        self.slot(slot).await?;
        // a tunnel has no end that could be sent again
        if plan.duplicate && self.tunnel.is_none() {
            let bytes = &self.buffer[self.pass..self.pass + length];
            self.copy = Some(bytes.to_vec());
        }
        self.pass += length;
        self.requests += 1;
        Ok(())
    }

    /// The request is answered by us; what there is of it is thrown away.
    async fn answer(
        &mut self,
        length: usize,
        head: &RequestHead,
        body: Body,
        plan: &Plan,
    ) -> Result<(), Stop> {
        let Some(own) = &plan.answer else {
            return Ok(());
        };
        // whoever waits to be asked for the body may send it or not after this answer: what comes then has no clear beginning
        let unclear = body != Body::None && head.headers.get("expect").is_some();
        let closes = unclear || !keeps_alive(head);
        self.flush().await?;
        let answer = own.bytes(head, closes);
        self.slot(Slot::Answer { answer, closes }).await?;
        self.buffer.advance(length);
        self.discard = true;
        if closes {
            self.drain().await?;
        }
        Ok(())
    }

    /// Throws away what comes until the end of the stream; the other half closes the connection.
    async fn drain(&mut self) -> Result<(), Stop> {
        while !self.ended {
            self.buffer.clear();
            self.buffer.reserve(READ_BYTES);
            self.ended = self.from.read_buf(&mut self.buffer).await? == 0;
        }
        Ok(())
    }

    fn body(&mut self, length: usize) {
        if self.discard {
            self.buffer.advance(length);
            return;
        }
        if let Some(copy) = &mut self.copy {
            let fits = copy.len() + length <= MOST_KEPT_BYTES + MOST_HEAD_BYTES;
            if !(fits && self.held.take(length)) {
                self.copy = None;
                self.held.give_back();
                self.shared
                    .http()
                    .counts
                    .single
                    .fetch_add(1, Ordering::Relaxed);
            } else {
                copy.extend_from_slice(&self.buffer[self.pass..self.pass + length]);
            }
        }
        self.pass += length;
    }

    async fn end(&mut self) -> Result<(), Stop> {
        self.discard = false;
        if let Some(copy) = self.copy.take() {
            self.held.give_back();
            self.flush().await?;
            if self.copies.try_send(copy).is_err() {
                self.shared
                    .http()
                    .counts
                    .single
                    .fetch_add(1, Ordering::Relaxed);
            }
        }
        if let Some(told) = self.tunnel.take() {
            self.flush().await?;
            // without the other half nobody can tell, and nothing is decided any more
            if self.meanwhile(told).await?.unwrap_or(true) {
                self.shared.tunnel();
            }
        }
        Ok(())
    }

    /// Puts a slot in order; when the other half has ended, all that comes is raw.
    async fn slot(&mut self, slot: Slot) -> Result<(), Stop> {
        let slot = match self.slots.try_send(slot) {
            Ok(()) => return Ok(()),
            Err(mpsc::error::TrySendError::Full(slot)) => slot,
            Err(mpsc::error::TrySendError::Closed(_)) => {
                self.shared.tunnel();
                return Ok(());
            }
        };
        // the callee must see what is written so far, or no answer ever makes room
        self.flush().await?;
        if self.slots.send(slot).await.is_err() {
            self.shared.tunnel();
        }
        Ok(())
    }

    /// Waits as a toxic wants it, or until that has gone.
    async fn wait(&mut self, wait: &Wait) -> Result<(), Stop> {
        let shared = self.shared;
        let http = shared.http();
        let passed = http.passed();
        let deadline = Instant::now() + wait.most;
        let over = async {
            loop {
                let (changed, overtaken) = (shared.link.changed(), http.overtaken());
                let is_over = shared.link.toxics().get(wait.toxic).is_none()
                    || (wait.until_overtaken && http.passed() != passed);
                if is_over {
                    return;
                }
                tokio::select! {
                    () = tokio::time::sleep_until(deadline) => return,
                    () = changed => {}
                    () = overtaken, if wait.until_overtaken => {}
                }
            }
        };
        self.meanwhile(over).await
    }

    /// Reads on while something is waited for, so that a caller that is gone is noticed; within the buffer's bounds.
    async fn meanwhile<T>(&mut self, wait: impl Future<Output = T>) -> Result<T, Stop> {
        let mut wait = pin!(wait);
        loop {
            let room = !self.ended && self.buffer.len() < MOST_HEAD_BYTES;
            make_room(&mut self.buffer, true);
            tokio::select! {
                biased;
                done = &mut wait => return Ok(done),
                read = self.from.read_buf(&mut self.buffer), if room => self.ended = read? == 0,
            }
        }
    }

    /// Reads more; false at the end of the stream.
    async fn fill(&mut self) -> Result<bool, Stop> {
        if self.ended {
            return Ok(false);
        }
        let in_head = self.framer.is_in_head();
        // an empty line behind a body is a habit of old callers, and no beginning
        let blank = self.used && self.buffer.trim_ascii_start().is_empty();
        let begun = in_head && !self.buffer.is_empty() && !blank;
        make_room(&mut self.buffer, in_head);
        let read = self.from.read_buf(&mut self.buffer);
        let read = if begun && !self.framer.has_start_line() {
            match timeout(START_LINE_WITHIN, read).await {
                Ok(read) => read?,
                Err(_) => {
                    self.framer.give_up();
                    return Ok(true);
                }
            }
        } else {
            read.await?
        };
        self.ended = read == 0;
        Ok(!self.ended)
    }

    /// Writes what is to pass.
    async fn flush(&mut self) -> Result<(), Stop> {
        if self.pass > 0 {
            self.to.write_all(&self.buffer[..self.pass]).await?;
            self.buffer.advance(self.pass);
            self.pass = 0;
        }
        self.shared.http().pass(std::mem::take(&mut self.requests));
        Ok(())
    }

    /// Everything passes from here on.
    async fn raw(mut self) -> Result<(), Stop> {
        loop {
            self.pass = self.buffer.len();
            self.flush().await?;
            if self.ended {
                return self.finish().await;
            }
            self.buffer.reserve(READ_BYTES);
            self.ended = self.from.read_buf(&mut self.buffer).await? == 0;
        }
    }

    /// The caller has sent its end: the callee gets what there is, and the end.
    async fn finish(mut self) -> Result<(), Stop> {
        if !self.discard {
            self.pass = self.buffer.len();
        }
        self.flush().await?;
        self.to.shutdown().await?;
        Ok(())
    }
}

/// Says that a held request is held no more, also when its connection has gone.
struct Released<'a>(&'a Shared<'a>, &'a Wait);

impl Drop for Released<'_> {
    fn drop(&mut self) {
        self.0.http().released(self.1.toxic);
    }
}
