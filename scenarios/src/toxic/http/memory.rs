//! What a toxic remembers between requests. It knows no clock: times come from whoever decides.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

/// Largest answer that is kept or changed, bytes; larger ones pass as they are.
pub const MOST_KEPT_BYTES: usize = 1024 * 1024;
/// Bytes of all kept answers of a toxic together.
const MOST_ALL_KEPT_BYTES: usize = 16 * 1024 * 1024;
/// Answers that a toxic keeps; the oldest goes first.
const MOST_KEPT: usize = 256;

/// What one toxic remembers of a link, or of a connection.
#[derive(Debug, Default)]
pub struct Memory {
    /// Requests that it happened to.
    pub count: u64,
    /// Tokens left, and when that was so.
    pub tokens: Option<(f64, Duration)>,
    /// Whether a request is held at this moment.
    pub holding: bool,
    /// Answers to serve again.
    pub answers: Answers,
}

/// Whole answers by the target that they were asked for.
#[derive(Debug, Default)]
pub struct Answers {
    kept: BTreeMap<String, (Duration, Arc<[u8]>)>,
    order: VecDeque<String>,
    bytes: usize,
}

impl Answers {
    /// The answer kept for `target`, unless it has grown older than `ttl`.
    #[must_use]
    pub fn get(&self, target: &str, now: Duration, ttl: Duration) -> Option<Arc<[u8]>> {
        let (at, answer) = self.kept.get(target)?;
        (now.saturating_sub(*at) < ttl).then(|| answer.clone())
    }

    /// Keeps an answer, all bytes of it; older ones make room. One above [`MOST_KEPT_BYTES`] is not kept.
    pub fn keep(&mut self, target: &str, answer: Arc<[u8]>, now: Duration) {
        if answer.len() > MOST_KEPT_BYTES {
            return;
        }
        self.forget(target);
        self.bytes += answer.len();
        self.kept.insert(target.to_owned(), (now, answer));
        self.order.push_back(target.to_owned());
        while self.order.len() > MOST_KEPT || self.bytes > MOST_ALL_KEPT_BYTES {
            let Some(oldest) = self.order.front().cloned() else {
                break;
            };
            self.forget(&oldest);
        }
    }

    fn forget(&mut self, target: &str) {
        if let Some((_, answer)) = self.kept.remove(target) {
            self.bytes -= answer.len();
            self.order.retain(|other| other != target);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_kept_for_their_time_and_within_bounds() {
        let mut answers = Answers::default();
        let ttl = Duration::from_secs(5);
        let at = Duration::from_secs;
        answers.keep("/a", Arc::from(&b"1"[..]), at(10));
        assert_eq!(answers.get("/a", at(14), ttl).as_deref(), Some(&b"1"[..]));
        assert_eq!(answers.get("/a", at(15), ttl), None);
        assert_eq!(answers.get("/b", at(10), ttl), None);
        answers.keep("/a", Arc::from(&b"2"[..]), at(15));
        assert_eq!(answers.get("/a", at(16), ttl).as_deref(), Some(&b"2"[..]));
        let large: Arc<[u8]> = vec![0; MOST_KEPT_BYTES].into();
        for k in 0..40 {
            answers.keep(&format!("/large/{k}"), large.clone(), at(16));
            assert!(answers.bytes <= MOST_ALL_KEPT_BYTES);
        }
        assert!(answers.get("/a", at(16), ttl).is_none());
        assert!(answers.get("/large/39", at(16), ttl).is_some());
        for k in 0..2 * MOST_KEPT {
            answers.keep(&format!("/{k}"), Arc::from(&b"x"[..]), at(16));
        }
        assert_eq!(answers.kept.len(), MOST_KEPT);
        assert_eq!(answers.order.len(), MOST_KEPT);
        assert_eq!(answers.bytes, MOST_KEPT);
        answers.keep("/huge", vec![0; MOST_KEPT_BYTES + 1].into(), at(16));
        assert!(answers.get("/huge", at(16), ttl).is_none());
    }
}
