//! What the lines of a range aggregation amount to, series by series: counts where only their number or
//! size matters, else a value each. Knows no arithmetic of windows.

use std::collections::HashMap;
use std::sync::Arc;

use super::ast::{RangeAggregation, RangeOp};
use super::label_filter::Sampler;
use super::pipeline::{ERROR_LABEL, Entry};
use super::record::Labels;
use super::scan::{Deadline, Direction, Plan, pieces};
use super::segment::{Segment, Stream};
use super::tally::{Amount, Tally, Windows};
use crate::error::QueryError;
use crate::parallel::try_map;

/// Series within a query before aggregation; more are refused.
const INNER_SERIES_MAX: usize = 20_000;

/// Labels that are the same for all rows of a stream.
const STREAM_LABELS: [&str; 3] = ["service", "service_name", "level"];

/// Series, sorted by labels.
#[derive(Debug)]
pub enum Samples {
    /// How much lies in the window of each step.
    Amounts(Vec<(Labels, Vec<Amount>)>),
    /// Time and value of each line, in order of arrival.
    Values(Vec<(Labels, Vec<(i64, f64)>)>),
}

/// How lines become samples of series.
#[derive(Debug)]
pub struct Sampling<'a> {
    range: &'a RangeAggregation,
    /// Metadata labels that an enclosing aggregation groups by.
    wanted: &'a [String],
    plan: Plan,
    sampler: Option<Sampler>,
    /// Whether all rows of a stream belong to the same series.
    by_stream: bool,
}

impl<'a> Sampling<'a> {
    /// Compiles the lines of an aggregation. `wanted` are labels of records that split series, besides
    /// the stream's and those that stages extract.
    ///
    /// # Errors
    /// [`QueryError`] for regular expressions and templates that do not compile.
    pub fn new(range: &'a RangeAggregation, wanted: &'a [String]) -> Result<Self, QueryError> {
        let mut sampling = Self {
            range,
            wanted,
            plan: Plan::new(&range.log)?,
            sampler: Sampler::new(&range.log)?,
            by_stream: false,
        };
        let names = sampling.names(&[]);
        let of_stream = names.iter().all(|name| STREAM_LABELS.contains(name));
        let by_stream = of_stream && sampling.plan.pipeline().keeps_labels();
        let are_known = range.op == RangeOp::AbsentOverTime
            || range.grouping.as_ref().is_some_and(|by| !by.without);
        if are_known {
            let mut asked: Vec<String> = names.into_iter().map(str::to_owned).collect();
            if let Some(sampler) = &sampling.sampler {
                sampler.asks(&mut |name| asked.push(name.to_owned()));
            }
            let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
            sampling.plan = Plan::for_labels(&range.log, &asked)?;
        }
        sampling.by_stream = by_stream;
        Ok(sampling)
    }

    /// The samples that the windows can hold.
    ///
    /// # Errors
    /// [`QueryError`] when there are too many series, it takes too long, or a line cannot be read as the
    /// query wants.
    pub fn samples(
        &self,
        segments: &[Arc<Segment>],
        windows: &Windows,
        deadline: Deadline,
    ) -> Result<Samples, QueryError> {
        let (pieces, helped) = pieces(segments, windows.bounds_ns());
        let steps = windows.steps();
        if self.is_counted() {
            let groups = self.groups(&pieces, helped, |segment, groups| {
                deadline.check()?;
                self.tally(segment, windows, groups)
            })?;
            let merge = |mine: &mut Tally, other| mine.merge(other, steps);
            let series = Groups::merged(groups, merge)?.into_iter();
            let amounts = series.map(|(labels, tally)| (labels, tally.amounts(steps)));
            return Ok(Samples::Amounts(amounts.collect()));
        }
        let groups = self.groups(&pieces, helped, |segment, groups| {
            deadline.check()?;
            let add = |samples: &mut Vec<_>, entry: &Entry<'_>, value| {
                samples.push((entry.row.ts_ns(), value));
            };
            self.each_entry(segment, windows.bounds_ns(), groups, add)
        })?;
        let merge = |mine: &mut Vec<_>, mut other| mine.append(&mut other);
        Ok(Samples::Values(Groups::merged(groups, merge)?))
    }

    /// Whether only number and size of the lines matter.
    fn is_counted(&self) -> bool {
        match self.range.op {
            RangeOp::AbsentOverTime => true,
            RangeOp::CountOverTime
            | RangeOp::Rate
            | RangeOp::BytesOverTime
            | RangeOp::BytesRate => self.sampler.is_none(),
            _ => false,
        }
    }

    /// The groups of each piece, piece by piece.
    fn groups<V: Default + Send>(
        &self,
        pieces: &[Vec<&Segment>],
        helped: bool,
        read: impl Fn(&Segment, &mut Groups<V>) -> Result<(), QueryError> + Sync,
    ) -> Result<Vec<Groups<V>>, QueryError> {
        try_map(pieces, helped, |piece| {
            let mut groups = Groups::default();
            piece
                .iter()
                .try_for_each(|segment| read(segment, &mut groups))?;
            Ok(groups)
        })
    }

    /// Counts the lines of a segment.
    fn tally(
        &self,
        segment: &Segment,
        windows: &Windows,
        groups: &mut Groups<Tally>,
    ) -> Result<(), QueryError> {
        let window_ns = windows.bounds_ns();
        if self.by_stream && self.plan.pipeline().only_filters() {
            return self.tally_streams(segment, windows, groups);
        }
        let mut run = windows.holding(window_ns.0);
        self.each_entry(segment, window_ns, groups, |tally, entry, _| {
            let ts_ns = entry.row.ts_ns();
            if !run.is_for(ts_ns) {
                run = windows.holding(ts_ns);
            }
            let bytes = entry.line.len() as u64;
            tally.add(&run, windows.steps(), Amount { lines: 1, bytes });
        })
    }

    /// Counts the lines of a segment by stream, without looking at any label of a line.
    fn tally_streams(
        &self,
        segment: &Segment,
        windows: &Windows,
        groups: &mut Groups<Tally>,
    ) -> Result<(), QueryError> {
        let window_ns = windows.bounds_ns();
        let Some((first, last)) = segment.span_ns() else {
            return Ok(());
        };
        let mut run = windows.holding(first);
        let whole = run.is_for(last) && self.plan.pipeline().is_empty();
        if whole {
            for stream in segment.streams() {
                if self.plan.selects(stream) {
                    let slot = groups.slot(self.stream_labels(stream))?;
                    let (lines, bytes) = (stream.rows, stream.body_bytes);
                    groups
                        .at(slot)
                        .add(&run, windows.steps(), Amount { lines, bytes });
                }
            }
            return Ok(());
        }
        let Some(rows) = self.plan.candidates(segment, window_ns) else {
            return Ok(());
        };
        let (times, streams) = (segment.times_ns(), segment.stream_indexes());
        let bodies = segment.bodies();
        let mut slots: Vec<Option<usize>> = vec![None; segment.streams().len()];
        for row in rows.iter() {
            let stream = usize::from(streams[row]);
            let slot = match slots[stream] {
                Some(slot) => slot,
                None => groups.slot(self.stream_labels(&segment.streams()[stream]))?,
            };
            slots[stream] = Some(slot);
            if !run.is_for(times[row]) {
                run = windows.holding(times[row]);
            }
            let bytes = (bodies.end(row) - bodies.start(row)) as u64;
            groups
                .at(slot)
                .add(&run, windows.steps(), Amount { lines: 1, bytes });
        }
        Ok(())
    }

    /// Calls `add` with the group, the line and the value of every line of a segment that has one.
    fn each_entry<V: Default>(
        &self,
        segment: &Segment,
        window_ns: (i64, i64),
        groups: &mut Groups<V>,
        mut add: impl FnMut(&mut V, &Entry<'_>, f64),
    ) -> Result<(), QueryError> {
        let bytes = matches!(self.range.op, RangeOp::BytesRate | RangeOp::BytesOverTime);
        let mut failure = None;
        let mut slots: Vec<Option<usize>> = vec![None; segment.streams().len()];
        let mut one = |mut entry: Entry<'_>| {
            let value = match &self.sampler {
                Some(sampler) => sampler.sample(&mut entry),
                None if bytes => Some(entry.line.len() as f64),
                None => Some(1.0),
            };
            let Some(value) = value else {
                return Ok(());
            };
            if let Some(error) = entry.label(ERROR_LABEL).filter(|error| !error.is_empty()) {
                return Err(pipeline_failure(&error, &entry.line));
            }
            let stream = entry.row.stream_index();
            let slot = match slots[stream] {
                Some(slot) => slot,
                None => groups.slot(self.labels(&entry))?,
            };
            if self.by_stream {
                slots[stream] = Some(slot);
            }
            add(groups.at(slot), &entry, value);
            Ok(())
        };
        self.plan
            .visit(segment, window_ns, Direction::Forward, |entry| {
                failure = one(entry).err();
                failure.is_none()
            });
        failure.map_or(Ok(()), Err)
    }

    /// The names of the labels of a line's series, where stages extracted `extracted` from it.
    fn names<'n>(&'n self, extracted: &'n [(String, String)]) -> Vec<&'n str> {
        let mut names: Vec<&str> = vec!["service", "level"];
        names.extend(extracted.iter().map(|(name, _)| name.as_str()));
        names.extend(self.wanted.iter().map(String::as_str));
        let unwrapped = self.sampler.as_ref().map_or("", Sampler::label);
        names.retain(|name| *name != unwrapped && *name != ERROR_LABEL);
        match &self.range.grouping {
            Some(grouping) if grouping.without => {
                names.retain(|name| grouping.labels.iter().all(|label| label != name));
            }
            Some(grouping) => names = grouping.labels.iter().map(String::as_str).collect(),
            None => {}
        }
        if self.range.op == RangeOp::AbsentOverTime {
            // whether there is a line, whatever its labels
            names.clear();
        }
        names.sort_unstable();
        names.dedup();
        names
    }

    fn labels(&self, entry: &Entry<'_>) -> Labels {
        let label = |name: &str| {
            let value = entry.label(name)?;
            (!value.is_empty()).then(|| (name.to_owned(), value.into_owned()))
        };
        let names = self.names(&entry.extracted).into_iter();
        names.filter_map(label).collect()
    }

    /// The labels of the series of a stream's lines.
    fn stream_labels(&self, stream: &Stream) -> Labels {
        let label = |name: &str| {
            let value = match name {
                "level" => stream.level.name(),
                _ => &*stream.origin.service,
            };
            (!value.is_empty()).then(|| (name.to_owned(), value.to_owned()))
        };
        self.names(&[]).into_iter().filter_map(label).collect()
    }
}

/// Something for each series.
#[derive(Debug)]
struct Groups<V> {
    known: HashMap<Labels, usize>,
    all: Vec<V>,
}

impl<V> Default for Groups<V> {
    fn default() -> Self {
        Self {
            known: HashMap::new(),
            all: Vec::new(),
        }
    }
}

impl<V: Default> Groups<V> {
    /// The place of a series, which is added where it is not known.
    fn slot(&mut self, labels: Labels) -> Result<usize, QueryError> {
        if let Some(slot) = self.known.get(&labels) {
            return Ok(*slot);
        }
        if self.all.len() >= INNER_SERIES_MAX {
            return Err(QueryError::Limit(format!(
                "more than {INNER_SERIES_MAX} series before aggregation: extract or group by fewer labels"
            )));
        }
        self.known.insert(labels, self.all.len());
        self.all.push(V::default());
        Ok(self.all.len() - 1)
    }

    fn at(&mut self, slot: usize) -> &mut V {
        &mut self.all[slot]
    }

    /// All series of all pieces, sorted by labels; `merge` adds a later piece's to an earlier one's.
    fn merged(
        pieces: Vec<Self>,
        merge: impl Fn(&mut V, V),
    ) -> Result<Vec<(Labels, V)>, QueryError> {
        let mut merged = Self::default();
        for piece in pieces {
            let mut values: Vec<Option<V>> = piece.all.into_iter().map(Some).collect();
            for (labels, at) in piece.known {
                let slot = merged.slot(labels)?;
                if let Some(value) = values[at].take() {
                    merge(merged.at(slot), value);
                }
            }
        }
        let mut values: Vec<Option<V>> = merged.all.into_iter().map(Some).collect();
        let known = merged.known.into_iter();
        let mut series: Vec<(Labels, V)> = known
            .filter_map(|(labels, at)| Some((labels, values[at].take()?)))
            .collect();
        series.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(series)
    }
}

fn pipeline_failure(error: &str, line: &str) -> QueryError {
    let sample: String = line.chars().take(80).collect();
    QueryError::Execution(format!(
        "{error} on the line {sample:?}: leave such lines out with `| {ERROR_LABEL}=\"\"`, or filter first"
    ))
}
