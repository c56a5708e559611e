//! The half of a session that carries answers: takes the slots of the requests in order, and for each
//! either writes our answer or frames the callee's and treats it as was decided for its request.

use bytes::{Buf, Bytes, BytesMut};
use scenarios::toxic::http::{MOST_KEPT_BYTES, ResponseHead};
use std::sync::atomic::Ordering;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{
    frame::{Event, Framer},
    head::{Body, Head, Side, body_of_response},
    message::with_length,
    plan::Treatment,
    session::{Held, READ_BYTES, Shared, Stop, make_room},
};

/// What comes next on the way down.
#[derive(Debug)]
pub(super) enum Slot {
    /// Our answer; `closes` ends the connection behind it.
    Answer { answer: Bytes, closes: bool },
    /// The callee's answer to a request that has gone up.
    Exchange(Exchange),
    /// No more that could be told apart.
    Raw,
}

/// A request that has gone up.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) method: String,
    pub(super) treatment: Treatment,
    /// To be told whether the connection has become a tunnel, when the request asked for one.
    pub(super) tunnel: Option<oneshot::Sender<bool>>,
}

/// What came of waiting for the next slot.
enum Next {
    Slot(Slot),
    /// The callee has sent its end.
    Ended,
    /// Bytes that nobody asked for, or nobody will ask any more.
    Raw,
}

/// What came of an exchange.
enum Done {
    /// The next one may come.
    Whole,
    /// The callee has sent its end.
    Ended,
    /// The rest is not to be read.
    Raw,
}

/// How the body of an answer is treated at this moment.
enum Mode {
    /// It passes; so many bytes of it at most.
    Pass(Option<u64>),
    /// It is thrown away.
    Discard,
    /// It is held whole, to be changed.
    Collect(Box<Collected>),
}

/// An answer that is held.
struct Collected {
    head: ResponseHead,
    head_bytes: usize,
    /// As it came, head and framing too.
    wire: Vec<u8>,
    /// Its body.
    data: Vec<u8>,
}

/// See the head of the file.
pub(super) struct Down<'a, R, W> {
    shared: &'a Shared<'a>,
    from: R,
    to: W,
    slots: mpsc::Receiver<Slot>,
    framer: Framer,
    buffer: BytesMut,
    /// Bytes at the buffer's front that are to be written.
    pass: usize,
    mode: Mode,
    /// The answer under way, when it is to be kept.
    kept: Option<Vec<u8>>,
    held: Held<'a>,
}

impl<'a, R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Down<'a, R, W> {
    pub(super) fn new(
        shared: &'a Shared<'a>,
        (from, to): (R, W),
        slots: mpsc::Receiver<Slot>,
    ) -> Self {
        Self {
            shared,
            from,
            to,
            slots,
            framer: Framer::new(Side::Responses),
            buffer: BytesMut::new(),
            pass: 0,
            mode: Mode::Pass(None),
            kept: None,
            held: Held::new(shared.link),
        }
    }

    /// Until the callee has sent its end and the caller has got it.
    pub(super) async fn run(mut self) -> Result<(), Stop> {
        loop {
            let done = match self.next().await? {
                Next::Slot(Slot::Answer { answer, closes }) => {
                    self.flush().await?;
                    self.to.write_all(&answer).await?;
                    if closes {
                        self.to.shutdown().await?;
                        return Err(Stop::Close);
                    }
                    Done::Whole
                }
                Next::Slot(Slot::Exchange(exchange)) => self.exchange(exchange).await?,
                Next::Slot(Slot::Raw) => Done::Raw,
                Next::Ended => Done::Ended,
                Next::Raw => {
                    if !self.buffer.is_empty() {
                        self.shared.give_up();
                    }
                    Done::Raw
                }
            };
            match done {
                Done::Whole => {}
                Done::Ended => {
                    self.to.shutdown().await?;
                    return Ok(());
                }
                Done::Raw => return self.raw().await,
            }
        }
    }

    async fn next(&mut self) -> Result<Next, Stop> {
        loop {
            if let Ok(slot) = self.slots.try_recv() {
                return Ok(Next::Slot(slot));
            }
            self.flush().await?;
            if !self.buffer.is_empty() {
                return Ok(Next::Raw);
            }
            make_room(&mut self.buffer, true);
            tokio::select! {
                biased;
                slot = self.slots.recv() => return Ok(slot.map_or(Next::Raw, Next::Slot)),
                read = self.from.read_buf(&mut self.buffer) => {
                    if read? == 0 {
                        return Ok(Next::Ended);
                    }
                }
            }
        }
    }

    /// The callee's answer to one request, with what comes before it.
    async fn exchange(&mut self, mut exchange: Exchange) -> Result<Done, Stop> {
        self.mode = Mode::Pass(None);
        self.held.give_back();
        let mut interim = false;
        loop {
            match self.framer.next(&self.buffer[self.pass..]) {
                Event::More => {
                    self.flush().await?;
                    make_room(&mut self.buffer, self.framer.is_in_head());
                    if self.from.read_buf(&mut self.buffer).await? == 0 {
                        return self.ended(&exchange).await;
                    }
                }
                Event::Head(length, Head::Response(head)) => {
                    let Ok(body) = body_of_response(&head, &exchange.method) else {
                        self.framer.give_up();
                        continue;
                    };
                    if body == Body::Tunnel {
                        self.pass += length;
                        return self.tunnel(exchange.tunnel).await;
                    }
                    interim = (100..200).contains(&head.status);
                    self.framer.body(body);
                    if interim {
                        self.pass += length;
                    } else {
                        if let Some(tunnel) = exchange.tunnel.take() {
                            // the other half may have gone
                            let _ = tunnel.send(false);
                        }
                        self.begin(length, head, body, &exchange.treatment).await?;
                    }
                }
                Event::Head(_, Head::Request(_)) => self.framer.give_up(),
                Event::Framing(length) => self.body(length, false).await?,
                Event::Data(length) => self.body(length, true).await?,
                Event::End if interim => interim = false,
                Event::End => {
                    self.end(&exchange).await?;
                    return Ok(Done::Whole);
                }
                Event::Raw => {
                    self.shared.give_up();
                    self.uncollect().await?;
                    return Ok(Done::Raw);
                }
            }
        }
    }

    /// The head of the answer proper has come.
    async fn begin(
        &mut self,
        length: usize,
        head: ResponseHead,
        body: Body,
        treatment: &Treatment,
    ) -> Result<(), Stop> {
        let coding = head.headers.get("content-encoding");
        let plain = coding.is_none_or(|coding| coding.eq_ignore_ascii_case(b"identity"));
        let fits = !matches!(body, Body::Length(length) if length > MOST_KEPT_BYTES as u64);
        let changes = body != Body::None && !treatment.changes.is_empty();
        if changes && !(plain && fits) {
            self.untouched();
        }
        let whole = matches!(body, Body::Length(_) | Body::Chunked) && fits;
        let lasts = !head.headers.lists("connection", "close") && head.minor == 1;
        self.kept = (treatment.keep.is_some() && head.status == 200 && whole && lasts)
            .then(|| self.buffer[self.pass..self.pass + length].to_vec());
        self.flush().await?;
        if treatment.lose.is_some() {
            self.mode = Mode::Discard;
            self.buffer.advance(length);
        } else if changes && plain && fits {
            let wire = self.buffer.split_to(length).to_vec();
            self.mode = Mode::Collect(Box::new(Collected {
                head,
                head_bytes: length,
                wire,
                data: Vec::new(),
            }));
        } else {
            self.mode = Mode::Pass(treatment.truncate);
            self.pass = length;
        }
        Ok(())
    }

    /// So many bytes of an answer's body have come, its own or those of its framing.
    async fn body(&mut self, length: usize, is_data: bool) -> Result<(), Stop> {
        let here = self.pass..self.pass + length;
        if let Some(kept) = &mut self.kept {
            if kept.len() + length > MOST_KEPT_BYTES || !self.held.take(length) {
                self.kept = None;
            } else {
                kept.extend_from_slice(&self.buffer[here.clone()]);
            }
        }
        match &mut self.mode {
            Mode::Pass(Some(left)) if is_data => {
                let most = usize::try_from(*left).unwrap_or(usize::MAX);
                self.pass += length.min(most);
                if length > most {
                    self.flush().await?;
                    self.to.shutdown().await?;
                    return Err(Stop::Close);
                }
                *left -= length as u64;
            }
            Mode::Pass(_) => self.pass += length,
            Mode::Discard => self.buffer.advance(length),
            Mode::Collect(collected) => {
                let bytes = &self.buffer[here];
                collected.wire.extend_from_slice(bytes);
                if is_data {
                    collected.data.extend_from_slice(bytes);
                }
                let too_large = collected.data.len() > MOST_KEPT_BYTES
                    || collected.wire.len() > 2 * MOST_KEPT_BYTES
                    || !self.held.take(2 * length);
                self.buffer.advance(length);
                if too_large {
                    self.untouched();
                    self.uncollect().await?;
                }
            }
        }
        Ok(())
    }

    /// The answer is whole.
    async fn end(&mut self, exchange: &Exchange) -> Result<(), Stop> {
        let treatment = &exchange.treatment;
        if let (Some(kept), Some((toxic, target))) = (self.kept.take(), &treatment.keep) {
            self.shared.http().keep(*toxic, target, kept.into());
        }
        match std::mem::replace(&mut self.mode, Mode::Pass(None)) {
            Mode::Pass(_) => Ok(()),
            Mode::Discard => self.lose(treatment).await,
            Mode::Collect(collected) => self.change(*collected, treatment).await,
        }
    }

    /// Writes a changed answer.
    async fn change(&mut self, collected: Collected, treatment: &Treatment) -> Result<(), Stop> {
        let content_type = collected.head.headers.get("content-type");
        let mut body = collected.data;
        let mut changed = false;
        for change in &treatment.changes {
            if let Some(other) = change.apply(content_type, &body) {
                body = other;
                changed = true;
            }
        }
        let cut = treatment
            .truncate
            .and_then(|most| usize::try_from(most).ok())
            .filter(|most| *most < body.len());
        if !changed && cut.is_none() {
            self.to.write_all(&collected.wire).await?;
            return Ok(());
        }
        let mut wire = with_length(&collected.wire[..collected.head_bytes], body.len());
        wire.extend_from_slice(&body[..cut.unwrap_or(body.len())]);
        self.to.write_all(&wire).await?;
        if cut.is_some() {
            self.to.shutdown().await?;
            return Err(Stop::Close);
        }
        Ok(())
    }

    /// The answer has been swallowed: the connection hangs, then closes.
    async fn lose(&mut self, treatment: &Treatment) -> Result<(), Stop> {
        if let Some((toxic, hang)) = treatment.lose {
            let link = self.shared.link;
            let deadline = Instant::now() + hang;
            loop {
                let changed = link.changed();
                if link.toxics().get(toxic).is_none() {
                    break;
                }
                tokio::select! {
                    () = tokio::time::sleep_until(deadline) => break,
                    () = changed => {}
                }
            }
        }
        self.to.shutdown().await?;
        Err(Stop::Close)
    }

    /// What was held passes as it came.
    async fn uncollect(&mut self) -> Result<(), Stop> {
        if let Mode::Collect(collected) = std::mem::replace(&mut self.mode, Mode::Pass(None)) {
            self.to.write_all(&collected.wire).await?;
            self.held.give_back();
        }
        Ok(())
    }

    /// The callee has sent its end within an answer, or before it.
    async fn ended(&mut self, exchange: &Exchange) -> Result<Done, Stop> {
        if self.framer.is_until_close() {
            self.end(exchange).await?;
        } else {
            self.uncollect().await?;
        }
        if matches!(self.mode, Mode::Discard) {
            return self.lose(&exchange.treatment).await.map(|()| Done::Ended);
        }
        self.to.write_all(&self.buffer).await?;
        self.buffer.clear();
        Ok(Done::Ended)
    }

    async fn tunnel(&mut self, told: Option<oneshot::Sender<bool>>) -> Result<Done, Stop> {
        match told {
            Some(told) => {
                self.shared.tunnel();
                // the other half may have gone
                let _ = told.send(true);
            }
            // nobody asked for it: what the caller sends is not to be read any more either
            None => self.shared.give_up(),
        }
        Ok(Done::Raw)
    }

    fn untouched(&self) {
        let counts = &self.shared.http().counts;
        counts.untouched.fetch_add(1, Ordering::Relaxed);
    }

    async fn flush(&mut self) -> Result<(), Stop> {
        if self.pass > 0 {
            self.to.write_all(&self.buffer[..self.pass]).await?;
            self.buffer.advance(self.pass);
            self.pass = 0;
        }
        Ok(())
    }

    /// Everything passes from here on.
    async fn raw(mut self) -> Result<(), Stop> {
        // whoever waits to put another slot in order must not wait for ever
        self.slots.close();
        loop {
            self.pass = self.buffer.len();
            self.flush().await?;
            self.buffer.reserve(READ_BYTES);
            if self.from.read_buf(&mut self.buffer).await? == 0 {
                self.to.shutdown().await?;
                return Ok(());
            }
        }
    }
}
