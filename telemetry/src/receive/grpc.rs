//! OTLP over gRPC: the three `Export` methods on a port of their own. Messages come out of the framing as bytes, compressed as
//! they are, and go the way of OTLP/HTTP, so that all limits are the same. Knows no store.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::HeaderMap;
use http_body_util::Full;
use prost::Message;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::server::TcpIncoming;

use super::admission::{BODY_BYTES_MAX, Refused, Ticket, read};
use super::receiver::{Compression, Encoding, Receiver};
use super::signal::{ExportResponse, Signal};
use super::status::RpcStatus;

/// Bytes before a message: whether it is compressed, and its length.
const FRAME_BYTES: usize = 5;
/// The first of them when it is.
const COMPRESSED: u8 = 1;
/// How messages are compressed, and what can be read.
const ENCODING: &str = "grpc-encoding";
const ENCODINGS_READ: (&str, &str) = ("grpc-accept-encoding", "gzip,zstd,identity");
/// Requests of one connection at a time; an exporter sends one or a few.
const STREAMS_MAX: u32 = 64;
/// Bytes of a request's headers.
const HEADER_BYTES_MAX: u32 = 16 * 1024;
/// How long requests under way may take to end when the door is closed.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// Answers on a listener until cancelled.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(
    listener: TcpListener,
    receiver: Arc<Receiver>,
    cancel: CancellationToken,
) -> Result<(), tonic::transport::Error> {
    let service = tower::service_fn(move |request| {
        let receiver = receiver.clone();
        async move { Ok::<_, Infallible>(answer(receiver, request).await) }
    });
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let serving = tonic::transport::Server::builder()
        .max_concurrent_streams(STREAMS_MAX)
        .http2_max_header_list_size(HEADER_BYTES_MAX)
        .serve_with_incoming_shutdown(service, incoming, cancel.clone().cancelled_owned());
    let closed = async {
        cancel.cancelled().await;
        tokio::time::sleep(CLOSE_WITHIN).await;
    };
    tokio::select! {
        served = serving => served,
        // a connection that does not end is cut
        () = closed => Ok(()),
    }
}

async fn answer(
    receiver: Arc<Receiver>,
    request: http::Request<tonic::body::Body>,
) -> http::Response<tonic::body::Body> {
    let path = request.uri().path();
    let Some(signal) = Signal::ALL
        .into_iter()
        .find(|signal| signal.grpc_path() == path)
    else {
        let known = Signal::ALL.map(Signal::grpc_path).join(", ");
        return tonic::Status::unimplemented(format!("{path} is no method here: use {known}"))
            .into_http();
    };
    let (mut head, body) = request.into_parts();
    let mut ticket = receiver.ticket();
    let body = read(body, BODY_BYTES_MAX + FRAME_BYTES, &mut ticket).await;
    let body = body.map_err(tonic::Status::from);
    let (compression, body) = match body.and_then(|body| unmarked(&mut head.headers, body)) {
        Ok(read) => read,
        Err(status) => return status.into_http(),
    };
    let mut ticket = Some(ticket);
    let export = tower::service_fn(move |request: tonic::Request<Bytes>| {
        let (receiver, ticket) = (receiver.clone(), ticket.take());
        let message = request.into_inner();
        async move { export(&receiver, signal, compression, message, ticket).await }
    });
    tonic::server::Grpc::new(Raw)
        .max_decoding_message_size(BODY_BYTES_MAX)
        .send_compressed(CompressionEncoding::Gzip)
        .unary(export, http::Request::from_parts(head, Full::new(body)))
        .await
}

/// How the message of a request is compressed, and the request's body without its mark of that, so that the framing leaves it
/// compressed: it is inflated where every byte of it is counted, and a large one beside the async threads.
fn unmarked(headers: &mut HeaderMap, body: Bytes) -> Result<(Compression, Bytes), tonic::Status> {
    let named = headers.remove(ENCODING);
    let named = named
        .as_ref()
        .map_or("identity", |name| name.to_str().unwrap_or("?"));
    let compression = match named {
        "identity" => Compression::None,
        "gzip" => Compression::Gzip,
        "zstd" => Compression::Zstd,
        other => {
            let mut status = tonic::Status::unimplemented(format!(
                "messages compressed with {other:?} cannot be read: use gzip or zstd, or send them as they are"
            ));
            let (name, read) = ENCODINGS_READ;
            let read = tonic::metadata::MetadataValue::from_static(read);
            status.metadata_mut().insert(name, read);
            return Err(status);
        }
    };
    // one that is marked and has no encoding is refused with the framing
    if compression == Compression::None || body.first() != Some(&COMPRESSED) {
        return Ok((Compression::None, body));
    }
    let mut body = BytesMut::from(body);
    body[0] = 0;
    Ok((compression, body.freeze()))
}

async fn export(
    receiver: &Receiver,
    signal: Signal,
    compression: Compression,
    message: Bytes,
    ticket: Option<Ticket>,
) -> Result<tonic::Response<Bytes>, tonic::Status> {
    let mut ticket = ticket.unwrap_or_else(|| receiver.ticket());
    // the message beside the body that it was taken from
    ticket.grow(message.len())?;
    let partial_success = receiver
        .take(signal, Encoding::Protobuf, compression, message, ticket)
        .await?;
    let answer = ExportResponse { partial_success };
    Ok(tonic::Response::new(answer.encode_to_vec().into()))
}

impl From<Refused> for tonic::Status {
    fn from(refused: Refused) -> Self {
        let status = RpcStatus::from(&refused);
        let details = match status.details.is_empty() {
            true => Bytes::new(),
            false => status.encode_to_vec().into(),
        };
        Self::with_details(refused.code(), status.message, details)
    }
}

/// Messages as they are on the wire.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = tonic::Status;

    fn encode(&mut self, message: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), tonic::Status> {
        to.put(message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = tonic::Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, tonic::Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}
