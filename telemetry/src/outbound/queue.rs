//! A bounded queue of messages for one recipient outside, delivered one after another; each is tried again while that may help.
//! A recipient that is slow or down costs what is dropped, which is counted, and never the giver's time. Knows no protocol.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Failure;

/// Longest wait between two attempts, as they double.
const LONGEST_RETRY: Duration = Duration::from_secs(15);
/// Longest wait that a recipient may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(60);
/// At the end the message under way gets so long, and then what waits does; the rest is dropped.
const FLUSH_WITHIN: Duration = Duration::from_secs(1);

/// How much waits, and how long it is tried.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Messages that may wait; more are dropped.
    pub messages: usize,
    /// Their bytes; a message that finds no room is dropped.
    pub bytes: usize,
    /// A message is given up after so many attempts,
    pub attempts: u32,
    /// or when an attempt fails so long after the first.
    pub give_up_after: Duration,
    /// The first wait between two attempts.
    pub first_retry: Duration,
}

/// Who gets the messages, and keeps count.
pub(crate) trait Recipient: Send + Sync {
    /// What it answers to a message that it takes.
    type Answer: Send;

    /// One attempt.
    fn send(&self, message: &Bytes) -> impl Future<Output = Result<Self::Answer, Failure>> + Send;

    /// What became of a message, or of an attempt.
    fn note(&self, outcome: Outcome<Self::Answer>);
}

/// See [`Recipient::note`]; the texts say why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome<A> {
    /// It was taken.
    Taken(A),
    /// An attempt failed; there will be another.
    Repeated(String),
    /// It was refused for good, or given up.
    Failed(String),
    /// It found no room, or the end came first.
    Dropped(Option<String>),
}

/// Takes messages.
#[derive(Debug)]
pub(crate) struct Queue<R> {
    to: mpsc::Sender<Waiting>,
    room: Arc<Semaphore>,
    recipient: Arc<R>,
}

#[derive(Debug)]
struct Waiting {
    message: Bytes,
    _room: OwnedSemaphorePermit,
}

/// The work of a [`Queue`]; nothing is sent until its owner runs it.
#[derive(Debug)]
pub(crate) struct Lane<R> {
    waiting: mpsc::Receiver<Waiting>,
    recipient: Arc<R>,
    limits: Limits,
}

impl<R: Recipient> Queue<R> {
    /// A queue, and its work.
    pub fn new(recipient: R, limits: Limits) -> (Self, Lane<R>) {
        let (to, waiting) = mpsc::channel(limits.messages);
        let recipient = Arc::new(recipient);
        let lane = Lane {
            waiting,
            recipient: recipient.clone(),
            limits,
        };
        let room = Arc::new(Semaphore::new(limits.bytes));
        let queue = Self {
            to,
            room,
            recipient,
        };
        (queue, lane)
    }

    /// Queues a message, or drops it and counts; never waits.
    pub fn offer(&self, message: Bytes) {
        let bytes = u32::try_from(message.len()).unwrap_or(u32::MAX);
        let room = self.room.clone().try_acquire_many_owned(bytes);
        let queued = room.is_ok_and(|_room| self.to.try_send(Waiting { message, _room }).is_ok());
        if !queued {
            self.recipient.note(Outcome::Dropped(None));
        }
    }
}

impl<R: Recipient> Lane<R> {
    /// Sends what is queued until cancelled, and then what is left for at most two seconds; ends too when the queue is gone.
    pub async fn run(mut self, cancel: CancellationToken) {
        loop {
            let waiting = tokio::select! {
                biased;
                () = cancel.cancelled() => break,
                waiting = self.waiting.recv() => waiting,
            };
            let Some(waiting) = waiting else {
                return;
            };
            let outcome = self.deliver(&waiting.message, &cancel).await;
            self.recipient.note(outcome);
        }
        self.waiting.close();
        let deadline = Instant::now() + FLUSH_WITHIN;
        while let Ok(waiting) = self.waiting.try_recv() {
            let sent = self.recipient.send(&waiting.message);
            self.recipient
                .note(match tokio::time::timeout_at(deadline, sent).await {
                    Ok(Ok(answer)) => Outcome::Taken(answer),
                    Ok(Err(Failure::Lasting(why) | Failure::Passing(why, _))) => {
                        Outcome::Dropped(Some(why))
                    }
                    Err(_) => Outcome::Dropped(None),
                });
        }
    }

    /// Sends a message until it is taken, refused, or given up.
    async fn deliver(&self, message: &Bytes, cancel: &CancellationToken) -> Outcome<R::Answer> {
        let began = Instant::now();
        let mut pause = self.limits.first_retry;
        let mut attempt = 1;
        loop {
            let ended = async {
                cancel.cancelled().await;
                tokio::time::sleep(FLUSH_WITHIN).await;
            };
            let sent = tokio::select! {
                sent = self.recipient.send(message) => sent,
                () = ended => return Outcome::Dropped(None),
            };
            let (why, asked) = match sent {
                Ok(answer) => return Outcome::Taken(answer),
                Err(Failure::Lasting(why)) => return Outcome::Failed(why),
                Err(Failure::Passing(why, asked)) => (why, asked),
            };
            if attempt >= self.limits.attempts || began.elapsed() >= self.limits.give_up_after {
                return Outcome::Failed(why);
            }
            self.recipient.note(Outcome::Repeated(why));
            attempt += 1;
            // it may ask for more time than it is given
            let wait = asked.unwrap_or_default().max(pause).min(LONGEST_ASKED);
            pause = (pause * 2).min(LONGEST_RETRY);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = cancel.cancelled() => return Outcome::Dropped(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use parking_lot::Mutex;

    use super::*;

    const LIMITS: Limits = Limits {
        messages: 4,
        bytes: 100,
        attempts: 3,
        give_up_after: Duration::from_secs(60),
        first_retry: Duration::from_secs(1),
    };

    /// Answers in turn, then takes everything; an attempt takes a second.
    #[derive(Default)]
    struct Scripted {
        answers: Mutex<VecDeque<Failure>>,
        outcomes: Arc<Mutex<Vec<Outcome<Duration>>>>,
        began: Mutex<Option<Instant>>,
    }

    impl Recipient for Scripted {
        type Answer = Duration;

        async fn send(&self, _: &Bytes) -> Result<Duration, Failure> {
            let began = *self.began.lock().get_or_insert_with(Instant::now);
            tokio::time::sleep(Duration::from_secs(1)).await;
            match self.answers.lock().pop_front() {
                Some(failure) => Err(failure),
                None => Ok(began.elapsed()),
            }
        }

        fn note(&self, outcome: Outcome<Duration>) {
            self.outcomes.lock().push(outcome);
        }
    }

    fn busy(asked: Option<u64>) -> Failure {
        Failure::Passing("busy".into(), asked.map(Duration::from_secs))
    }

    /// What becomes of a message that meets these answers.
    async fn meets(answers: Vec<Failure>, limits: Limits) -> Vec<Outcome<Duration>> {
        let recipient = Scripted {
            answers: Mutex::new(answers.into()),
            ..Scripted::default()
        };
        let outcomes = recipient.outcomes.clone();
        let (queue, lane) = Queue::new(recipient, limits);
        queue.offer(Bytes::from_static(b"hello"));
        drop(queue);
        lane.run(CancellationToken::new()).await;
        let outcomes = outcomes.lock();
        outcomes.clone()
    }

    #[tokio::test(start_paused = true)]
    async fn waits_double_and_a_recipient_may_ask_for_more() {
        let repeated = || Outcome::Repeated("busy".into());
        let taken = |seconds| Outcome::Taken(Duration::from_secs(seconds));
        let eager = Limits {
            attempts: 5,
            ..LIMITS
        };
        // three attempts of a second each, and between them 1 s and 2 s; then 1 s and the 30 s that were asked for
        for (answers, seconds) in [
            (vec![busy(None), busy(None)], 6),
            (vec![busy(None), busy(Some(30))], 34),
            (vec![busy(Some(0)), busy(Some(9_000))], 64),
        ] {
            let met = meets(answers, eager).await;
            assert_eq!(met, [repeated(), repeated(), taken(seconds)]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_is_given_up_by_attempts_by_time_or_for_good() {
        let failed = || Outcome::Failed("busy".into());
        let three = meets(vec![busy(None), busy(None), busy(None)], LIMITS).await;
        assert_eq!(three.len(), 3);
        assert_eq!(three[2], failed());
        let endless = Limits {
            attempts: u32::MAX,
            ..LIMITS
        };
        let late = meets(vec![busy(None); 1_000], endless).await;
        // 1 + 2 + 4 + 8 s, then 15 s each
        assert_eq!((late.len(), late.last()), (8, Some(&failed())));
        let never = meets(vec![Failure::Lasting("busy".into())], endless).await;
        assert_eq!(never, [failed()]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_finds_no_room_is_dropped_and_the_end_takes_two_seconds_at_most() {
        let recipient = Scripted::default();
        let outcomes = recipient.outcomes.clone();
        let (queue, lane) = Queue::new(recipient, LIMITS);
        queue.offer(Bytes::from(vec![0; 101]));
        for _ in 0..LIMITS.messages + 1 {
            queue.offer(Bytes::from_static(b"hello"));
        }
        let dropped = || Outcome::Dropped(None);
        assert_eq!(*outcomes.lock(), [dropped(), dropped()]);
        let cancel = CancellationToken::new();
        let began = Instant::now();
        let running = tokio::spawn(lane.run(cancel.clone()));
        tokio::time::sleep(Duration::from_millis(500)).await;
        cancel.cancel();
        running.await.unwrap();
        assert!(began.elapsed() <= Duration::from_millis(2_500));
        // the one under way is done in time; of the others one has until the end
        let taken = outcomes
            .lock()
            .iter()
            .filter(|outcome| matches!(outcome, Outcome::Taken(_)))
            .count();
        assert!((1..=2).contains(&taken));
        assert_eq!(outcomes.lock().len(), LIMITS.messages + 2);
    }
}
