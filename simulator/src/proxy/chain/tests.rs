//! Chains in made-up time: what comes out, when, in which order.

use super::*;
use proptest::prelude::*;
use scenarios::toxic::{
    Bandwidth, HalfOpen, Latency, LimitData, Partition, ResetPeer, Slicer, SlowClose, Stream,
    Timeout, Toxic, Toxicity,
};

const MS: Duration = Duration::from_millis(1);

/// A chain, its time, and what came out of it when.
struct Bench {
    toxics: Toxics,
    chain: Chain,
    begin: Instant,
    now: Instant,
    out: Vec<(Duration, Item)>,
}

impl Bench {
    fn new(toxics: &[Toxic]) -> Self {
        let begin = Instant::now();
        let mut bench = Self {
            toxics: Toxics::default(),
            chain: Chain::new(Chance {
                seed: 7,
                direction: Direction::Downstream,
            }),
            begin,
            now: begin,
            out: Vec::new(),
        };
        for toxic in toxics {
            bench.add(toxic.clone(), false);
        }
        bench
    }

    fn add(&mut self, toxic: Toxic, was_open: bool) -> ToxicId {
        let id = self
            .toxics
            .add("t", Stream::Downstream, Toxicity::ALL, toxic);
        self.sync(was_open);
        id
    }

    fn change(&mut self, id: ToxicId, toxic: Toxic) {
        self.toxics.change(id, |installed| installed.toxic = toxic);
        self.sync(true);
    }

    fn remove(&mut self, id: ToxicId) {
        assert!(self.toxics.remove(id));
        self.sync(true);
    }

    fn sync(&mut self, was_open: bool) {
        let mut output = VecDeque::new();
        self.chain
            .sync(&self.toxics, was_open, self.now, &mut output);
        self.note(output);
        self.pump();
    }

    fn note(&mut self, output: VecDeque<Item>) {
        let at = self.now - self.begin;
        self.out.extend(output.into_iter().map(|item| (at, item)));
    }

    fn push(&mut self, item: Item) {
        let mut output = VecDeque::new();
        self.chain.push(item, self.now, &mut output);
        self.note(output);
        self.pump();
    }

    fn bytes(&mut self, count: usize) {
        self.push(Item::Bytes(vec![0; count].into()));
    }

    fn pump(&mut self) -> Option<Instant> {
        let mut output = VecDeque::new();
        let wake = self.chain.pump(self.now, &mut output);
        self.note(output);
        wake
    }

    /// Lets time pass, waking when the chain wants to, `late` after that.
    fn pass(&mut self, time: Duration, late: Duration) {
        let end = self.now + time;
        while let Some(wake) = self.pump().filter(|wake| *wake + late <= end) {
            self.now = wake + late;
        }
        self.now = end;
        self.pump();
    }

    /// Milliseconds at which items came out.
    fn times(&self) -> Vec<u128> {
        self.out.iter().map(|(at, _)| at.as_millis()).collect()
    }

    fn count(&self) -> usize {
        let bytes = |item: &Item| match item {
            Item::Bytes(bytes) => bytes.len(),
            _ => 0,
        };
        self.out.iter().map(|(_, item)| bytes(item)).sum()
    }

    fn last(&self) -> Option<&Item> {
        self.out.last().map(|(_, item)| item)
    }
}

fn latency(latency_ms: u64, jitter_ms: u64) -> Toxic {
    Latency {
        latency_ms,
        jitter_ms,
    }
    .into()
}

#[test]
fn latencies_add_up_and_late_timers_do_not() {
    let mut bench = Bench::new(&[latency(30, 0), latency(20, 0)]);
    bench.bytes(1);
    bench.pass(5 * MS, Duration::ZERO);
    bench.bytes(1);
    bench.pass(200 * MS, Duration::from_micros(900));
    // each is due 50 ms after it came; the second stage counts from when the first was due, not from when it was done
    assert_eq!(bench.times(), [50, 55]);
}

#[test]
fn chunks_travel_at_the_same_time_and_keep_their_order_under_jitter() {
    let mut bench = Bench::new(&[latency(100, 90)]);
    for size in 1..=50 {
        bench.bytes(size);
    }
    bench.pass(250 * MS, Duration::ZERO);
    let sizes: Vec<_> = bench.out.iter().map(|(_, item)| item.cost()).collect();
    assert!(sizes.is_sorted() && sizes.len() == 50);
}

#[test]
fn a_bandwidth_is_kept_whatever_the_chunks_and_the_timers_do() {
    let mut bench = Bench::new(&[Bandwidth { rate_kb_per_s: 50 }.into()]);
    for _ in 0..10 {
        bench.bytes(10_000);
    }
    bench.pass(1_000 * MS, Duration::from_micros(700));
    assert!(
        (49_000..=50_000).contains(&bench.count()),
        "{}",
        bench.count()
    );
    bench.pass(1_001 * MS, Duration::ZERO);
    assert_eq!(bench.count(), 100_000);
}

#[test]
fn a_slicer_writes_piece_by_piece_with_pauses() {
    let slicer = Slicer {
        average_bytes: 10,
        variation_bytes: 0,
        delay_us: 4_000,
    };
    let mut bench = Bench::new(&[slicer.into()]);
    bench.bytes(35);
    bench.pass(100 * MS, Duration::ZERO);
    assert_eq!(bench.times(), [0, 4, 8, 12]);
    assert_eq!(bench.count(), 35);
}

#[test]
fn limit_data_counts_on_over_a_change_and_closes_behind_its_last_byte() {
    let mut bench = Bench::new(&[]);
    let id = bench.add(LimitData { bytes: 100 }.into(), false);
    bench.bytes(60);
    bench.change(id, LimitData { bytes: 80 }.into());
    bench.bytes(60);
    bench.bytes(60);
    assert_eq!((bench.count(), bench.last()), (80, Some(&Item::Close)));
}

#[test]
fn a_timeout_swallows_and_closes_after_silence_or_when_it_goes() {
    let mut bench = Bench::new(&[Timeout { timeout_ms: 50 }.into()]);
    bench.pass(40 * MS, Duration::ZERO);
    bench.bytes(9);
    bench.pass(49 * MS, Duration::ZERO);
    assert!(bench.out.is_empty(), "counted anew from the chunk");
    bench.pass(2 * MS, Duration::ZERO);
    assert_eq!(
        (bench.times(), bench.last()),
        (vec![90], Some(&Item::Close))
    );

    let mut hole = Bench::new(&[]);
    let id = hole.add(Timeout { timeout_ms: 0 }.into(), true);
    hole.bytes(9);
    hole.pass(10_000 * MS, Duration::ZERO);
    assert!(hole.out.is_empty());
    hole.remove(id);
    assert_eq!(hole.last(), Some(&Item::Close));
}

#[test]
fn reset_peer_waits_its_time_and_passes_nothing() {
    let mut bench = Bench::new(&[ResetPeer { timeout_ms: 30 }.into(), latency(5, 0)]);
    bench.pass(100 * MS, Duration::ZERO);
    bench.bytes(9);
    bench.bytes(9);
    bench.pass(100 * MS, Duration::ZERO);
    assert_eq!(
        (bench.times(), bench.last()),
        (vec![135], Some(&Item::Reset))
    );
    assert_eq!(bench.count(), 0);
}

#[test]
fn slow_close_delays_only_the_end() {
    let mut bench = Bench::new(&[SlowClose { delay_ms: 40 }.into()]);
    bench.bytes(3);
    bench.push(Item::End);
    bench.pass(100 * MS, Duration::ZERO);
    assert_eq!(bench.times(), [0, 40]);
}

#[test]
fn half_open_kills_what_was_open_and_healing_resets_it() {
    for (was_open, passed, end) in [(true, 0, Some(Item::Reset)), (false, 5, None)] {
        let mut bench = Bench::new(&[]);
        let id = bench.add(HalfOpen {}.into(), was_open);
        bench.bytes(5);
        bench.pass(1_000 * MS, Duration::ZERO);
        assert_eq!(bench.count(), passed);
        bench.out.clear();
        bench.remove(id);
        assert_eq!(bench.last(), end.as_ref());
    }
}

#[test]
fn a_toxicity_that_is_raised_hits_more_and_one_that_is_lowered_sets_free() {
    let mut bench = Bench::new(&[]);
    let id = bench.add(Partition {}.into(), true);
    bench.bytes(4);
    assert_eq!(bench.count(), 0);
    let zero = Toxicity::new(0.0).unwrap();
    bench.toxics.change(id, |one| one.toxicity = zero);
    bench.sync(true);
    assert_eq!(bench.count(), 4);
    assert!(bench.chain.is_clear());
    bench.toxics.change(id, |one| one.toxicity = Toxicity::ALL);
    bench.sync(true);
    bench.bytes(4);
    assert_eq!(bench.count(), 4);
}

/// Something that is done to a chain.
#[derive(Debug, Clone)]
enum Step {
    Send(Vec<u8>),
    Pass(u16),
    Add(u8, u16),
    Change(u8, u16),
    Remove(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => proptest::collection::vec(any::<u8>(), 1..3_000).prop_map(Step::Send),
        3 => (0..400_u16).prop_map(Step::Pass),
        2 => (any::<u8>(), 0..500_u16).prop_map(|(kind, size)| Step::Add(kind, size)),
        1 => (any::<u8>(), 0..500_u16).prop_map(|(at, size)| Step::Change(at, size)),
        1 => any::<u8>().prop_map(Step::Remove),
    ];
    proptest::collection::vec(step, 0..40)
}

/// One that loses nothing.
fn harmless(kind: u8, size: u16) -> Toxic {
    let size = u64::from(size);
    match kind % 6 {
        0 => latency(size, size / 2),
        1 => latency(0, size),
        2 => Bandwidth {
            rate_kb_per_s: size,
        }
        .into(),
        3 => SlowClose { delay_ms: size }.into(),
        4 => Partition {}.into(),
        _ => Slicer {
            average_bytes: size,
            variation_bytes: size / 3,
            delay_us: size,
        }
        .into(),
    }
}

proptest! {
    #[test]
    fn bytes_stay_complete_and_in_order_while_toxics_come_change_and_go(steps in steps()) {
        let mut bench = Bench::new(&[]);
        let mut sent = Vec::new();
        let mut there: Vec<ToxicId> = Vec::new();
        for step in steps {
            match step {
                Step::Send(bytes) => {
                    sent.extend_from_slice(&bytes);
                    bench.push(Item::Bytes(bytes.into()));
                }
                Step::Pass(ms) => bench.pass(u32::from(ms) * MS, Duration::from_micros(300)),
                Step::Add(kind, size) => there.push(bench.add(harmless(kind, size), true)),
                Step::Change(at, size) if !there.is_empty() => {
                    let id = there[usize::from(at) % there.len()];
                    bench.change(id, harmless(at, size));
                }
                Step::Remove(at) if !there.is_empty() => {
                    bench.remove(there.remove(usize::from(at) % there.len()));
                }
                Step::Change(..) | Step::Remove(_) => {}
            }
        }
        bench.push(Item::End);
        while let Some(id) = there.pop() {
            bench.remove(id);
        }
        let mut got = Vec::new();
        for (k, (_, item)) in bench.out.iter().enumerate() {
            match item {
                Item::Bytes(bytes) => got.extend_from_slice(bytes),
                Item::End => prop_assert_eq!(k + 1, bench.out.len()),
                other => prop_assert!(false, "nothing here ends a connection: {:?}", other),
            }
        }
        prop_assert_eq!(got, sent);
        prop_assert_eq!(bench.last(), Some(&Item::End));
        prop_assert_eq!(bench.chain.cost(), (0, 0));
    }
}
