//! The store's notion of time. The crate never reads a clock: its owner supplies one.

/// Identifier of a W3C trace, 16 bytes, big endian.
pub type TraceId = [u8; 16];

/// Supplies time to receiver, scraper and alert evaluation.
///
/// All times are nanoseconds since the Unix epoch, in the *store's* time line, which need not be
/// wall time: a lab may run its clock fast to produce history.
pub trait TimeSource: Send + Sync + 'static {
    /// The current store time.
    fn now_ns(&self) -> i64;

    /// Maps a timestamp as an emitter stamped it (wall time) to store time. `trace` is given when the
    /// record belongs to a trace, so that all records of one trace can keep their real offsets.
    fn stamp_ns(&self, emitted_ns: i64, trace: Option<TraceId>) -> i64;

    /// The same for what is sent as soon as it happens, as a log record is. Who knows that a record cannot have been under way
    /// for so long, or comes from the future, may conclude that its emitter's clock is off, and show it as far off.
    fn event_ns(&self, emitted_ns: i64, trace: Option<TraceId>) -> i64 {
        self.stamp_ns(emitted_ns, trace)
    }
}

/// Wall time, unmapped: for a store beside a real system, and for tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct WallTime;

impl TimeSource for WallTime {
    fn now_ns(&self) -> i64 {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| {
                i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
            })
    }

    fn stamp_ns(&self, emitted_ns: i64, _trace: Option<TraceId>) -> i64 {
        emitted_ns
    }
}
