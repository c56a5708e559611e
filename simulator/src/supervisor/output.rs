//! What a process says, line by line: to its control socket, and on its outputs, which are handed on
//! as the service's own.

use std::{collections::VecDeque, sync::Arc};

use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};

use crate::instruments::Instruments;

/// Longest line taken from a control socket or an output, bytes; what is longer is cut there.
const LINE_BYTES: u64 = 8 * 1024;
/// Lines of standard error kept for an error message.
const LAST_WORDS: usize = 12;

/// Reads up to the next line end into `line`, which it appends to; cancelling it loses nothing. False at the end.
pub(super) async fn next_line(
    from: &mut (impl AsyncBufReadExt + Unpin),
    line: &mut Vec<u8>,
) -> bool {
    let room = LINE_BYTES.saturating_sub(line.len() as u64).max(1);
    matches!(from.take(room).read_until(b'\n', line).await, Ok(read) if read > 0)
}

/// Hands every line of an output to the instruments, as the service's own.
pub(super) async fn forward(
    pipe: impl AsyncRead + Unpin,
    severity: &'static str,
    (service, instance): (String, String),
    instruments: Arc<dyn Instruments>,
    last_words: Option<Arc<Mutex<VecDeque<String>>>>,
) {
    let mut pipe = BufReader::new(pipe);
    let mut line = Vec::new();
    while next_line(&mut pipe, &mut line).await {
        let text = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
        line.clear();
        if text.is_empty() {
            continue;
        }
        instruments.log(&service, &instance, severity, &text);
        if let Some(words) = &last_words {
            let mut words = words.lock();
            if words.len() == LAST_WORDS {
                words.pop_front();
            }
            words.push_back(text);
        }
    }
}
