//! Questions that a person asked of the telemetry: journalled with the evidence that their answers
//! put on screen. It judges answers by what stands in them, not by what was asked.

use std::collections::BTreeSet;

use scenarios::scenario::Query;
use simulator::journal::Event;

use super::Desk;
use crate::sight::Sight;

/// Members of one evidence class that are looked for in an answer; beyond it the newest count.
const MEMBERS: usize = 10_000;
/// Bytes of a question that are journalled; the rest is cut off.
const LONGEST_QUESTION_BYTES: usize = 4_096;

/// A query language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Of logs.
    Logql,
    /// Of metrics.
    Promql,
    /// Of traces.
    Traceql,
}

impl Language {
    /// As it stands in the journal.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Logql => "logql",
            Self::Promql => "promql",
            Self::Traceql => "traceql",
        }
    }
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// In which language.
    pub language: Language,
    /// The query.
    pub text: String,
    /// Window, Unix milliseconds of drill time; equal where one instant was asked for.
    pub start_ms: i64,
    /// See `start_ms`.
    pub end_ms: i64,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// Log lines: time in nanoseconds, text.
    Lines(Vec<(i64, String)>),
    /// So many series (of a metric, or of a metric query on logs).
    Series(u64),
    /// Traces by their ids.
    Traces(Vec<String>),
    /// An error.
    Error(String),
}

impl Answered {
    fn rows(&self) -> u64 {
        match self {
            Self::Lines(lines) => lines.len() as u64,
            Self::Series(series) => *series,
            Self::Traces(traces) => traces.len() as u64,
            Self::Error(_) => 0,
        }
    }
}

impl Desk {
    /// Whether questions are still journalled: after the end they are nobody's business.
    #[must_use]
    pub fn listens(&self) -> bool {
        self.notebook.lock().finished.is_none()
    }

    /// Journals a question with the evidence classes that its answer shows. Asks the telemetry, so it
    /// may take milliseconds: not for a thread that must not block.
    pub fn asked(&self, mut question: Question, answered: &Answered) {
        let classes = self
            .plan
            .scenario
            .evidence
            .iter()
            .filter(|class| {
                class.queries().any(|query| {
                    stands_in(self.sight.as_ref(), query, &question, answered).unwrap_or(false)
                })
            })
            .map(|class| class.id.clone())
            .collect();
        let cut = (0..=LONGEST_QUESTION_BYTES.min(question.text.len()))
            .rev()
            .find(|at| question.text.is_char_boundary(*at));
        question.text.truncate(cut.unwrap_or(0));
        let mut notebook = self.notebook.lock();
        if notebook.finished.is_some() {
            return;
        }
        self.write(
            &mut notebook,
            Event::Query {
                language: question.language.name().to_owned(),
                text: question.text,
                start_ms: question.start_ms,
                end_ms: question.end_ms,
                rows: answered.rows(),
                classes,
                error: match answered {
                    Answered::Error(error) => Some(error.clone()),
                    _ => None,
                },
            },
        );
    }
}

/// Whether a member of the class stands in the answer.
fn stands_in(
    sight: &dyn Sight,
    class: &Query,
    question: &Question,
    answered: &Answered,
) -> Result<bool, String> {
    match (class, answered) {
        (Query::Logql(class), Answered::Lines(lines)) => {
            let Some((first, last)) = span(lines) else {
                return Ok(false);
            };
            let members = sight.lines(class, first, last.saturating_add(1), MEMBERS)?;
            let shown: BTreeSet<(i64, &str)> = lines
                .iter()
                .map(|(ts_ns, line)| (*ts_ns, line.as_str()))
                .collect();
            Ok(members
                .iter()
                .any(|member| shown.contains(&(member.ts_ns, member.line.as_str()))))
        }
        (Query::Traceql(class), Answered::Traces(ids)) => {
            for id in ids {
                if sight.trace_matches(class, id)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        (Query::Promql(class), Answered::Series(1..)) if question.language == Language::Promql => {
            let wanted = sight.selections(class)?;
            let reads = sight.selections(&question.text)?;
            Ok(reads
                .iter()
                .any(|read| wanted.iter().any(|wanted| read.meets(wanted)))
                && !sight.instant(class, question.end_ms)?.is_empty())
        }
        _ => Ok(false),
    }
}

/// First and last time of some lines.
fn span(lines: &[(i64, String)]) -> Option<(i64, i64)> {
    let times = || lines.iter().map(|(ts_ns, _)| *ts_ns);
    Some((times().min()?, times().max()?))
}
