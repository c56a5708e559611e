//! What is to be done with one request and its answer: the verdicts of all toxics of the link,
//! together. They are a chain in the order in which they were put on: the first that answers by
//! itself ends it, delays add up, changes follow one another. It moves no bytes.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use scenarios::toxic::http::{Answer, Change, RequestHead, Verdict};

use super::{super::toxics::ToxicId, message};

/// Fate of one request.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Before it goes up, one after the other.
    pub(super) waits: Vec<Wait>,
    /// Instead of going up.
    pub(super) answer: Option<Own>,
    /// Whether it goes up a second time.
    pub(super) duplicate: bool,
    /// What happens to the callee's answer.
    pub(super) treatment: Treatment,
}

/// A wait before a request goes up.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wait {
    /// Whose it is: it ends when that toxic goes.
    pub(super) toxic: ToxicId,
    /// At most so long.
    pub(super) most: Duration,
    /// Whether it ends with the next request that goes up on the link.
    pub(super) until_overtaken: bool,
}

/// An answer of ours.
#[derive(Debug)]
pub(super) enum Own {
    /// To be written out.
    Made(Answer),
    /// As it is.
    Kept(Arc<[u8]>),
}

impl Own {
    /// Its bytes on the wire.
    pub(super) fn bytes(&self, request: &RequestHead, closes: bool) -> Bytes {
        match self {
            Self::Made(answer) => message::answer(answer, request, closes).into(),
            Self::Kept(bytes) => Bytes::from_owner(bytes.clone()),
        }
    }
}

/// What happens to a callee's answer.
#[derive(Debug, Default)]
pub(super) struct Treatment {
    /// To its body, in this order.
    pub(super) changes: Vec<Change>,
    /// It ends after so many bytes of its body.
    pub(super) truncate: Option<u64>,
    /// It is swallowed, and the connection closed so much later.
    pub(super) lose: Option<(ToxicId, Duration)>,
    /// It is kept, for this toxic, as the answer to this target.
    pub(super) keep: Option<(ToxicId, String)>,
}

impl Plan {
    /// Adds what one toxic decided; answers whether the request gets as far as the next.
    pub(super) fn add(&mut self, toxic: ToxicId, verdict: Verdict, request: &RequestHead) -> bool {
        let treatment = &mut self.treatment;
        let wait = |most, until_overtaken| Wait {
            toxic,
            most,
            until_overtaken,
        };
        match verdict {
            Verdict::Pass => {}
            Verdict::Delay(delay) => self.waits.push(wait(delay, false)),
            Verdict::Hold(most) => self.waits.push(wait(most, true)),
            Verdict::Respond(answer) => self.answer = Some(Own::Made(answer)),
            Verdict::Replay(answer) => self.answer = Some(Own::Kept(answer)),
            Verdict::Keep => treatment.keep = Some((toxic, request.target.clone())),
            Verdict::Change(change) => treatment.changes.push(change),
            Verdict::Truncate(bytes) => {
                let least = treatment.truncate.map_or(bytes, |other| other.min(bytes));
                treatment.truncate = Some(least);
            }
            Verdict::Lose(hang) => treatment.lose = Some((toxic, hang)),
            Verdict::Duplicate => self.duplicate = true,
        }
        self.answer.is_none()
    }
}
