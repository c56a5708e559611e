//! The toxics of one direction of one connection, one behind the other: what comes out of one goes into the next. It decides
//! when which bytes go on; it reads no clock and no socket, is told what time it is and says when to ask again.
//!
//! ```text
//! push ──► [stage: latency] ──► [stage: bandwidth] ──► output
//! ```
//! Bytes are never lost, doubled or reordered by a toxic that comes, changes or goes, only by one that says so (discard,
//! close, reset). All times are those at which something was due, not at which the timer went off, so that lateness of timers
//! does not add up along the chain.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scenarios::toxic::{Direction, Event, Parting, Seen, Toxic, Verdict};

use super::toxics::{Installed, ToxicId, Toxics};

/// What goes through a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    /// Bytes, at least one; each is written by itself.
    Bytes(Bytes),
    /// The sender has closed its half.
    End,
    /// The connection is closed here, both ways.
    Close,
    /// The connection is reset on both sides.
    Reset,
}

impl Item {
    /// Bytes of memory that it takes, with a margin for its place in a queue: many tiny chunks are not small.
    pub(super) fn cost(&self) -> usize {
        /// Place in a queue, and what the allocator adds to a small allocation.
        const PLACE: usize = 96;
        match self {
            Self::Bytes(bytes) => PLACE + bytes.len(),
            Self::End | Self::Close | Self::Reset => PLACE,
        }
    }

    fn event(&self) -> Event {
        match self {
            Self::Bytes(bytes) => Event::Bytes(bytes.len()),
            Self::End | Self::Close | Self::Reset => Event::End,
        }
    }
}

/// Seed and direction: all that is left to chance on one direction of a connection follows from them and the toxics' numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chance {
    /// Drawn for each connection in the order of their coming.
    pub(super) seed: u64,
    /// Which half.
    pub(super) direction: Direction,
}

impl Chance {
    /// The generator of one toxic. It does not depend on when the toxic came or what others drew.
    fn of(self, toxic: ToxicId) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(2 * toxic.0 + u64::from(self.direction == Direction::Downstream));
        rng
    }
}

/// All stages of a direction.
#[derive(Debug)]
pub(super) struct Chain {
    chance: Chance,
    stages: Vec<Stage>,
}

impl Chain {
    /// Without toxics.
    pub(super) const fn new(chance: Chance) -> Self {
        Self {
            chance,
            stages: Vec::new(),
        }
    }

    /// Takes over what is on the link now. `was_open` is whether the connection existed before toxics that are new. What is
    /// released by a toxic that has gone is in the next stage, or in `output`, afterwards.
    pub(super) fn sync(
        &mut self,
        toxics: &Toxics,
        was_open: bool,
        now: Instant,
        output: &mut VecDeque<Item>,
    ) {
        for at in (0..self.stages.len()).rev() {
            let (mut released, next) = match toxics.get(self.stages[at].id) {
                Some(installed) => (self.stages[at].change(installed, now), at + 1),
                // the next one moves up to its place
                None => (self.stages.remove(at).part(), at),
            };
            match self.stages.get_mut(next) {
                Some(stage) => released.drain(..).for_each(|item| stage.take(item, now)),
                None => output.append(&mut released),
            }
        }
        let direction = self.chance.direction;
        let acts = |new: &&Arc<Installed>| {
            new.stream.covers(direction) && !matches!(new.toxic, Toxic::Http(_))
        };
        for installed in toxics.iter().filter(acts) {
            if !self.stages.iter().any(|stage| stage.id == installed.id) {
                let rng = self.chance.of(installed.id);
                self.stages.push(Stage::new(installed, rng, was_open, now));
            }
        }
    }

    /// Whether bytes may go round it: nothing is in it, and none of its toxics acts on this connection.
    pub(super) fn is_clear(&self) -> bool {
        self.stages
            .iter()
            .all(|stage| !stage.active && stage.queue.is_empty() && stage.ending.is_none())
    }

    /// Whether the connection's handshake could not cross the link.
    pub(super) fn holds_handshake(&self) -> bool {
        self.stages
            .iter()
            .any(|stage| stage.active && stage.toxic.toxic.holds_handshake())
    }

    /// Puts something in at the front.
    pub(super) fn push(&mut self, item: Item, now: Instant, output: &mut VecDeque<Item>) {
        match self.stages.first_mut() {
            Some(stage) => stage.take(item, now),
            None => output.push_back(item),
        }
    }

    /// Moves everything that is due, out of the end into `output`; answers when there will be more to move.
    pub(super) fn pump(&mut self, now: Instant, output: &mut VecDeque<Item>) -> Option<Instant> {
        let mut wake: Option<Instant> = None;
        for at in 0..self.stages.len() {
            let (this, next) = self.stages[at..].split_at_mut(1);
            let mut onward = |item, when| match next.first_mut() {
                Some(stage) => stage.take(item, when),
                None => output.push_back(item),
            };
            let due = this[0].pump(now, &mut onward);
            wake = [wake, due].into_iter().flatten().min();
        }
        wake
    }

    /// Memory of what is under way: in all, and of that what waits for a line to be free or a cut to heal. Only the latter
    /// makes the sender wait, as it would fill the window of a real connection.
    pub(super) fn cost(&self) -> (usize, usize) {
        self.stages.iter().fold((0, 0), |(all, stuck), stage| {
            let stage_stuck = if stage.delays() { 0 } else { stage.cost };
            (all + stage.cost, stuck + stage_stuck)
        })
    }
}

/// One toxic on one direction of one connection.
#[derive(Debug)]
struct Stage {
    id: ToxicId,
    toxic: Arc<Installed>,
    /// Compared with the toxicity, also after a change of it.
    draw: f64,
    /// Whether the toxic acts on this connection.
    active: bool,
    rng: ChaCha8Rng,
    seen: Seen,
    queue: VecDeque<(Instant, Item)>,
    cost: usize,
    head: Head,
    /// When a throttled line can take more.
    free_at: Instant,
    /// When something came last.
    heard_at: Instant,
    /// When something went on last: what comes behind it is not due before it.
    passed_at: Instant,
    /// How and when it ends the connection, once decided.
    ending: Option<(Instant, Item)>,
    /// After an end went through, nothing more does.
    closed: bool,
}

/// What has been decided of the first in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Head {
    Undecided,
    /// It goes on then.
    Later(Instant),
    /// So much of it goes on then, and the line is busy for so long after.
    Portion(Instant, usize, Duration),
    /// It waits for a change of the toxic.
    Held,
}

impl Stage {
    fn new(toxic: &Arc<Installed>, mut rng: ChaCha8Rng, was_open: bool, now: Instant) -> Self {
        let draw = rng.random::<f64>();
        Self {
            id: toxic.id,
            toxic: toxic.clone(),
            draw,
            active: toxic.toxicity.hits(draw),
            rng,
            seen: Seen {
                passed: 0,
                was_open,
            },
            queue: VecDeque::new(),
            cost: 0,
            head: Head::Undecided,
            free_at: now,
            heard_at: now,
            passed_at: now,
            ending: None,
            closed: false,
        }
    }

    /// Whether what is in it is under way rather than stuck.
    const fn delays(&self) -> bool {
        matches!(self.head, Head::Later(_))
    }

    fn take(&mut self, item: Item, at: Instant) {
        if self.closed || self.ending.is_some() {
            return;
        }
        self.cost += item.cost();
        self.queue.push_back((at, item));
    }

    fn pop(&mut self) -> Option<(Instant, Item)> {
        let (at, item) = self.queue.pop_front()?;
        self.cost -= item.cost();
        self.head = Head::Undecided;
        Some((at, item))
    }

    /// Takes over new attributes or a new toxicity; answers with what is set free by them.
    fn change(&mut self, toxic: &Arc<Installed>, now: Instant) -> VecDeque<Item> {
        if Arc::ptr_eq(&self.toxic, toxic) {
            return VecDeque::new();
        }
        let was_active = self.active;
        self.active = toxic.toxicity.hits(self.draw);
        if was_active && !self.active {
            let set_free = self.part();
            self.toxic = toxic.clone();
            return set_free;
        }
        self.toxic = toxic.clone();
        self.head = Head::Undecided;
        self.free_at = now;
        self.heard_at = now;
        VecDeque::new()
    }

    /// Lets go of the connection: what it held, or the end that is due to it.
    fn part(&mut self) -> VecDeque<Item> {
        let end = match (self.ending.take(), self.toxic.toxic.parting(&self.seen)) {
            // bytes are missing already: the stream must not go on
            (Some((_, end)), _) => Some(end),
            (None, Parting::Close) if self.active => Some(Item::Close),
            (None, Parting::Reset) if self.active => Some(Item::Reset),
            (None, _) => None,
        };
        if let Some(end) = end {
            let already = self.closed;
            self.finish();
            return if already {
                VecDeque::new()
            } else {
                [end].into()
            };
        }
        self.cost = 0;
        self.head = Head::Undecided;
        self.queue.drain(..).map(|(_, item)| item).collect()
    }

    /// Nothing goes through any more.
    fn finish(&mut self) {
        self.closed = true;
        self.queue = VecDeque::new();
        self.cost = 0;
        self.head = Head::Undecided;
    }

    /// Moves what is due and answers when there will be more.
    fn pump(&mut self, now: Instant, onward: &mut impl FnMut(Item, Instant)) -> Option<Instant> {
        loop {
            if let Some((at, end)) = self.ending.take_if(|(at, _)| *at <= now) {
                self.finish();
                onward(end, at);
            }
            if let Some((at, _)) = &self.ending {
                return Some(*at);
            }
            if self.closed {
                return None;
            }
            if self.head == Head::Undecided && !self.queue.is_empty() {
                self.decide(onward);
                continue;
            }
            match self.head {
                Head::Later(due) | Head::Portion(due, ..) if due > now => {
                    return self.sooner(Some(due), now, onward);
                }
                Head::Later(due) => self.deliver(due, onward),
                Head::Portion(due, bytes, after) => {
                    self.free_at = due + after;
                    self.deliver_part(due, bytes, onward);
                }
                Head::Held | Head::Undecided => return self.sooner(None, now, onward),
            }
        }
    }

    /// The due time of the head, or the moment when the silence has been too long if that is sooner.
    fn sooner(
        &mut self,
        due: Option<Instant>,
        now: Instant,
        onward: &mut impl FnMut(Item, Instant),
    ) -> Option<Instant> {
        let silence = self.toxic.toxic.closes_after_silence();
        let Some(at) = silence
            .filter(|_| self.active)
            .map(|most| self.heard_at + most)
        else {
            return due;
        };
        if at <= now {
            self.finish();
            onward(Item::Close, at);
            return None;
        }
        Some(due.map_or(at, |due| due.min(at)))
    }

    /// Asks the toxic about the first in the queue.
    fn decide(&mut self, onward: &mut impl FnMut(Item, Instant)) {
        let Some((came, item)) = self.queue.front() else {
            return;
        };
        let came = *came;
        let verdict = if self.active {
            self.toxic
                .toxic
                .decide(&self.seen, item.event(), &mut self.rng)
        } else {
            Verdict::Pass
        };
        self.heard_at = self.heard_at.max(came);
        match verdict {
            Verdict::Pass => self.deliver(came, onward),
            Verdict::Delay(delay) => self.head = Head::Later(came + delay),
            Verdict::Throttle {
                bytes,
                before,
                after,
            } => {
                let due = self.free_at.max(came) + before;
                self.head = Head::Portion(due, bytes.max(1), after);
            }
            Verdict::Hold => self.head = Head::Held,
            Verdict::Discard => drop(self.pop()),
            Verdict::Close { first, after } => {
                if first > 0 {
                    self.deliver_part(came, first, onward);
                }
                self.end(came + after, Item::Close);
            }
            Verdict::Reset { after } => self.end(came + after, Item::Reset),
        }
    }

    fn end(&mut self, at: Instant, end: Item) {
        self.queue = VecDeque::new();
        self.cost = 0;
        self.head = Head::Undecided;
        self.ending = Some((at, end));
    }

    fn deliver(&mut self, when: Instant, onward: &mut impl FnMut(Item, Instant)) {
        let Some((_, item)) = self.pop() else {
            return;
        };
        match &item {
            Item::Bytes(bytes) => self.seen.passed += bytes.len() as u64,
            Item::End => {}
            Item::Close | Item::Reset => self.finish(),
        }
        self.passed_at = self.passed_at.max(when);
        onward(item, self.passed_at);
    }

    /// Delivers the first bytes of the first in the queue; the rest of it stays, and is asked about anew.
    fn deliver_part(&mut self, when: Instant, most: usize, onward: &mut impl FnMut(Item, Instant)) {
        match self.queue.front_mut() {
            Some((_, Item::Bytes(bytes))) if bytes.len() > most => {
                let part = bytes.split_to(most);
                self.cost -= most;
                self.seen.passed += most as u64;
                self.head = Head::Undecided;
                self.passed_at = self.passed_at.max(when);
                onward(Item::Bytes(part), self.passed_at);
            }
            _ => self.deliver(when, onward),
        }
    }
}

#[cfg(test)]
mod tests;
