//! The way from a body to the intake, the same for both doors: inflate, count, decode, hand over; each within its limit.
//! Large bodies are worked on beside the async threads, so that nobody's query waits for them. Knows no transport.

use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;

use super::admission::{Admission, BODY_BYTES_MAX, HELD_BYTES_MAX, Refused, Ticket};
use super::intake::Intake;
use super::json;
use super::shape::{ELEMENTS_MAX, json_elements, protobuf_elements};
use super::signal::{Batch, PartialSuccess, Signal};

/// A body from this size on is worked on by a thread of its own: below it decoding takes some 300 µs.
const INLINE_BYTES: usize = 64 * 1024;
/// The same for a compressed body, which is several times as large inside.
const INLINE_COMPRESSED_BYTES: usize = 16 * 1024;
/// Bytes that are inflated between two looks at the limits.
const INFLATE_STEP_BYTES: usize = 64 * 1024;

/// What a zstd frame may have its reader remember, as a power of two: no more than a whole body. It says so itself, and its
/// reader allocates that at once.
const ZSTD_WINDOW_LOG_MAX: u32 = BODY_BYTES_MAX.ilog2();

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Protobuf,
    Json,
}

/// How it is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
    Zstd,
}

/// Receives for both doors, so that their limits are common.
#[derive(Debug)]
pub struct Receiver {
    intake: Arc<Intake>,
    admission: Admission,
}

impl Receiver {
    /// A receiver for an intake.
    #[must_use]
    pub fn new(intake: Arc<Intake>) -> Self {
        Self::holding(intake, HELD_BYTES_MAX)
    }

    /// A receiver with other room than [`HELD_BYTES_MAX`].
    pub(super) fn holding(intake: Arc<Intake>, bytes: usize) -> Self {
        Self {
            intake,
            admission: Admission::new(bytes),
        }
    }

    /// Where batches go.
    #[must_use]
    pub fn intake(&self) -> &Arc<Intake> {
        &self.intake
    }

    pub(super) fn ticket(&self) -> Ticket {
        self.admission.ticket()
    }

    /// Takes a body of plain protobuf from the same process, as the doors do once they have read one; says what was refused of it.
    ///
    /// # Errors
    /// Why it was not taken.
    pub async fn receive(
        &self,
        signal: Signal,
        body: Bytes,
    ) -> Result<Option<PartialSuccess>, String> {
        let taken = self.take(
            signal,
            Encoding::Protobuf,
            Compression::None,
            body,
            self.ticket(),
        );
        taken.await.map_err(|refused| refused.to_string())
    }

    /// Takes a body; says what was refused of it.
    pub(super) async fn take(
        &self,
        signal: Signal,
        encoding: Encoding,
        compression: Compression,
        body: Bytes,
        mut ticket: Ticket,
    ) -> Result<Option<PartialSuccess>, Refused> {
        let inline = match compression {
            Compression::None => INLINE_BYTES,
            Compression::Gzip | Compression::Zstd => INLINE_COMPRESSED_BYTES,
        };
        if body.len() <= inline {
            let batch = unpack(signal, encoding, compression, body, &mut ticket)?;
            return Ok(self.intake.take(batch).await);
        }
        let (intake, runtime) = (self.intake.clone(), tokio::runtime::Handle::current());
        let work = tokio::task::spawn_blocking(move || {
            let batch = unpack(signal, encoding, compression, body, &mut ticket)?;
            Ok(runtime.block_on(intake.take(batch)))
        });
        work.await
            .unwrap_or_else(|error| Err(Refused::Failed(error.to_string())))
    }
}

fn unpack(
    signal: Signal,
    encoding: Encoding,
    compression: Compression,
    body: Bytes,
    ticket: &mut Ticket,
) -> Result<Batch, Refused> {
    let body = match compression {
        Compression::None => body,
        Compression::Gzip => inflate("gzip", flate2::read::MultiGzDecoder::new(&*body), ticket)?,
        Compression::Zstd => {
            let broken =
                |error: std::io::Error| Refused::Broken(format!("it is not zstd: {error}"));
            let mut packed = zstd::stream::read::Decoder::new(&*body).map_err(broken)?;
            packed.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(broken)?;
            inflate("zstd", packed, ticket)?
        }
    };
    let elements = match encoding {
        // an element takes a byte at least: an ordinary batch cannot have too many
        _ if body.len() <= ELEMENTS_MAX => 0,
        Encoding::Protobuf => protobuf_elements(signal, &body),
        Encoding::Json => json_elements(&body),
    };
    if elements > ELEMENTS_MAX {
        return Err(Refused::TooMany);
    }
    match encoding {
        Encoding::Protobuf => Batch::decode(signal, body).map_err(|error| error.to_string()),
        Encoding::Json => json::decode(signal, &body).map_err(|error| error.to_string()),
    }
    .map_err(Refused::Malformed)
}

fn inflate(format: &str, mut packed: impl Read, ticket: &mut Ticket) -> Result<Bytes, Refused> {
    let mut whole = Vec::new();
    loop {
        let step = packed
            .by_ref()
            .take(INFLATE_STEP_BYTES as u64)
            .read_to_end(&mut whole)
            .map_err(|error| Refused::Broken(format!("it is not {format}: {error}")))?;
        if step == 0 {
            return Ok(Bytes::from(whole));
        }
        if whole.len() > BODY_BYTES_MAX {
            return Err(Refused::TooLarge);
        }
        ticket.grow(step)?;
    }
}
