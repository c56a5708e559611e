//! What a toxic is asked about and may answer. Closed and small: whoever carries it out handles every case.

use std::time::Duration;

/// What comes to a toxic, on one direction of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// So many bytes, at least one.
    Bytes(usize),
    /// The end of the stream: the sender has closed its half.
    End,
}

/// What a toxic has seen of one direction of one connection. It outlives changes of the toxic's attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// Bytes that it has let through.
    pub passed: u64,
    /// Whether the connection was open already when the toxic was put on.
    pub was_open: bool,
}

/// What happens to a chunk of bytes or to the end of a stream. Order is always kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on at once.
    Pass,
    /// It goes on so long after it came. What comes next is under way at the same time.
    Delay(Duration),
    /// Of a chunk, the first `bytes` (at least one) go on when the line is free and `before` has passed; the line is then busy
    /// for `after`, and the rest is asked about again. Fewer bytes than `bytes` go as a whole.
    Throttle {
        /// Bytes.
        bytes: usize,
        /// Time on the line before they are through.
        before: Duration,
        /// Pause of the line after them.
        after: Duration,
    },
    /// It waits until the toxic is changed or taken off, then is asked about again; so does all behind it.
    Hold,
    /// It vanishes.
    Discard,
    /// The first `first` bytes go on at once; all else vanishes, and the connection is closed `after` that.
    Close {
        /// Bytes that still pass.
        first: usize,
        /// Time until the close.
        after: Duration,
    },
    /// Nothing goes on, and the connection is reset on both sides `after` that.
    Reset {
        /// Time until the reset.
        after: Duration,
    },
}

/// What becomes of a connection when a toxic that acted on it is taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parting {
    /// What was held goes on, in order.
    Release,
    /// The connection is closed.
    Close,
    /// The connection is reset on both sides.
    Reset,
}
