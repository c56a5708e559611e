//! Delivers a request a second time, on a connection of its own, and reads its answer to the end, so
//! that the callee works on it as on any other.

use std::{io, time::Duration};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    super::link::Link,
    frame::{Event, Framer},
    head::{Head, Side, body_of_response},
    session::READ_BYTES,
};

/// How long the callee may take to answer: a copy that hangs is nobody's loss, but a connection.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);

/// Sends `request`, a whole one.
///
/// # Errors
/// When the callee cannot be reached, or does not answer in time.
pub(super) async fn deliver(link: &Link, request: Vec<u8>) -> io::Result<()> {
    let method = String::from_utf8_lossy(request.trim_ascii_start())
        .split(' ')
        .next()
        .unwrap_or_default()
        .to_owned();
    let mut callee = link.dial().await?;
    callee.write_all(&request).await?;
    let answer = async {
        let mut framer = Framer::new(Side::Responses);
        let mut buffer = BytesMut::new();
        let mut interim = false;
        loop {
            match framer.next(&buffer) {
                Event::More => {
                    buffer.reserve(READ_BYTES);
                    if callee.read_buf(&mut buffer).await? == 0 {
                        return Ok(());
                    }
                }
                Event::Head(length, Head::Response(head)) => {
                    let Ok(body) = body_of_response(&head, &method) else {
                        return Ok(());
                    };
                    interim = (100..200).contains(&head.status);
                    framer.body(body);
                    buffer.advance(length);
                }
                Event::Framing(length) | Event::Data(length) => buffer.advance(length),
                Event::End if interim => interim = false,
                Event::End | Event::Raw | Event::Head(_, Head::Request(_)) => return Ok(()),
            }
        }
    };
    tokio::time::timeout(ANSWERED_WITHIN, answer).await?
}
