//! A compiled pipeline: what happens to one line between the selector and the result. Knows no store
//! beyond the row that it is given.

use std::borrow::Cow;

use regex::Regex;

use super::ast::{LabelSource, LogExpr, Stage};
use super::capture::Pattern;
use super::fields;
use super::json_fields::json_only;
use super::label_filter::Filter;
use super::line_filter::LineFilter;
use super::segment::Row;
use super::template::Template;
use crate::error::QueryError;
use crate::query::compile_regex;
use crate::time::TraceId;

/// The label that tells what a stage could not do with a line, as in Loki.
pub const ERROR_LABEL: &str = "__error__";

/// What the name of a field gets behind it when the record has a label of that name, as in Loki.
const EXTRACTED: &str = "_extracted";

/// A line on its way through the pipeline.
#[derive(Debug)]
pub struct Entry<'a> {
    /// The record.
    pub row: Row<'a>,
    /// Its text, as rewritten so far.
    pub line: Cow<'a, str>,
    /// Labels that stages added; they hide those of the record.
    pub extracted: Vec<(String, String)>,
    /// `drop`, `keep` and renames hide these.
    hidden: Vec<String>,
    kept: Option<Vec<String>>,
}

impl<'a> Entry<'a> {
    fn new(row: Row<'a>) -> Self {
        Self {
            row,
            line: Cow::Borrowed(row.body()),
            extracted: Vec::new(),
            hidden: Vec::new(),
            kept: None,
        }
    }

    /// The value of a label, wherever it comes from.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<Cow<'_, str>> {
        if let Some((_, value)) = self.extracted.iter().find(|(other, _)| other == name) {
            return Some(Cow::Borrowed(value));
        }
        if self.is_hidden(name) {
            return None;
        }
        self.row.label(name)
    }

    fn is_hidden(&self, name: &str) -> bool {
        let kept = |kept: &Vec<String>| kept.iter().any(|other| other == name);
        self.hidden.iter().any(|other| other == name) || !self.kept.as_ref().is_none_or(kept)
    }

    /// Gives a label a value.
    pub fn set(&mut self, name: &str, value: String) {
        match self.extracted.iter_mut().find(|(other, _)| other == name) {
            Some((_, old)) => *old = value,
            None => self.extracted.push((name.to_owned(), value)),
        }
    }

    /// Adds a label found in the text; one that the record has already gets `_extracted` appended.
    fn extract(&mut self, name: &str, value: String) {
        if self.row.label(name).is_some() {
            self.set(&format!("{name}{EXTRACTED}"), value);
        } else if !name.is_empty() {
            self.set(name, value);
        }
    }

    fn hide(&mut self, name: &str) {
        self.extracted.retain(|(other, _)| other != name);
        self.hidden.push(name.to_owned());
    }

    fn keep(&mut self, names: &[String]) {
        self.extracted.retain(|(name, _)| names.contains(name));
        self.kept = Some(names.to_vec());
    }

    /// All labels, sorted by name, names unique.
    #[must_use]
    pub fn labels(&self) -> Vec<(String, String)> {
        let mut labels = self.extracted.clone();
        let mut add = |name: &str, value: &str| {
            if !self.is_hidden(name) && labels.iter().all(|(other, _)| other != name) {
                labels.push((name.to_owned(), value.to_owned()));
            }
        };
        add("service", &self.row.origin().service);
        add("level", self.row.level().name());
        self.row.each_metadata(add);
        labels.sort();
        labels
    }
}

/// A compiled pipeline.
#[derive(Debug)]
pub struct Pipeline {
    /// Line filters before any stage that rewrites the line: no stage before them decides what they
    /// see, so they come first, for many lines at once.
    filters: Vec<LineFilter>,
    steps: Vec<Step>,
    trace: Option<TraceId>,
}

#[derive(Debug)]
enum Step {
    Line(LineFilter),
    Label(Filter),
    Json(Vec<(String, String)>),
    /// `json` of these fields only, as nobody asks for others.
    JsonOnly(Vec<String>),
    Logfmt(Vec<(String, String)>),
    Pattern(Pattern),
    Regexp(Regex),
    LineFormat(Template),
    LabelFormat(Vec<(String, Source)>),
    Drop(Vec<String>),
    Keep(Vec<String>),
}

#[derive(Debug)]
enum Source {
    Label(String),
    Template(Template),
}

impl Pipeline {
    /// Compiles the stages of a log expression.
    ///
    /// # Errors
    /// [`QueryError`] for regular expressions and templates that do not compile.
    pub fn new(log: &LogExpr) -> Result<Self, QueryError> {
        let compiled = log.stages.iter().map(Step::new);
        let (mut filters, mut steps) = (Vec::new(), Vec::new());
        let mut rewritten = false;
        for step in compiled {
            match step? {
                Step::Line(filter) if !rewritten => filters.push(filter),
                step => {
                    rewritten |= matches!(step, Step::LineFormat(_));
                    steps.push(step);
                }
            }
        }
        // until a stage changes labels, a required trace_id narrows the search to its index
        let trace = steps
            .iter()
            .take_while(|step| matches!(step, Step::Line(_) | Step::Label(_)))
            .find_map(|step| match step {
                Step::Label(filter) => filter.trace(),
                _ => None,
            });
        Ok(Self {
            filters,
            steps,
            trace,
        })
    }

    /// Makes `json` stages read only those fields that the stages ask for, or that lead to one of
    /// `labels`. Returns whether there was such a stage. Lines pass as before; of their labels, only
    /// `labels` and the error label are as before.
    pub fn read_only(&mut self, labels: &[&str]) -> bool {
        let mut names: Vec<String> = Vec::new();
        let mut ask = |name: &str| {
            // a field with the name of a label that every record has is found under another one
            let of_record = matches!(name, "service" | "service_name" | "level");
            names.extend((!of_record).then(|| name.to_owned()));
            names.extend(name.strip_suffix(EXTRACTED).map(str::to_owned));
        };
        labels.iter().copied().for_each(&mut ask);
        self.steps.iter().for_each(|step| step.asks(&mut ask));
        names.sort_unstable();
        names.dedup();
        let mut reads = false;
        for step in &mut self.steps {
            if matches!(step, Step::Json(wanted) if wanted.is_empty()) {
                *step = Step::JsonOnly(names.clone());
                reads = true;
            }
        }
        reads
    }

    /// Whether a filter stands behind another stage.
    #[must_use]
    pub fn filters_late(&self) -> bool {
        let filters = |step: &Step| matches!(step, Step::Line(_) | Step::Label(_));
        self.steps
            .iter()
            .skip_while(|step| filters(step))
            .any(filters)
    }

    /// The one trace that a line must belong to, if the pipeline says so.
    #[must_use]
    pub fn trace(&self) -> Option<TraceId> {
        self.trace
    }

    /// The line filters that come first.
    #[must_use]
    pub fn filters(&self) -> &[LineFilter] {
        &self.filters
    }

    /// Whether the line filters that come first are all that there is.
    #[must_use]
    pub fn only_filters(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether every line passes as it is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.filters.is_empty() && self.steps.is_empty()
    }

    /// Whether a line that passes has the labels of its record, and no others but the error label.
    #[must_use]
    pub fn keeps_labels(&self) -> bool {
        let keeps = |step: &Step| matches!(step, Step::Line(_) | Step::Label(_));
        self.steps.iter().all(keeps)
    }

    /// Runs a row that [`Pipeline::filters`] let pass through the rest; `None` when a filter drops it.
    #[must_use]
    pub fn run<'a>(&self, row: Row<'a>) -> Option<Entry<'a>> {
        let mut entry = Entry::new(row);
        for step in &self.steps {
            if !step.apply(&mut entry) {
                return None;
            }
        }
        Some(entry)
    }
}

impl Step {
    fn new(stage: &Stage) -> Result<Self, QueryError> {
        Ok(match stage {
            Stage::Line {
                regex,
                negate,
                alternatives,
            } => Self::Line(LineFilter::new(*regex, *negate, alternatives)?),
            Stage::Label(filter) => Self::Label(Filter::new(filter)?),
            Stage::Json(wanted) => Self::Json(wanted.clone()),
            Stage::Logfmt(wanted) => Self::Logfmt(wanted.clone()),
            Stage::Pattern(text, position) => Self::Pattern(Pattern::new(text, *position)?),
            Stage::Regexp(text, position) => Self::Regexp(named_groups(text, *position)?),
            Stage::LineFormat(text, position) => Self::LineFormat(Template::new(text, *position)?),
            Stage::LabelFormat(renames) => {
                let compile = |(name, source): &(String, LabelSource)| {
                    let source = match source {
                        LabelSource::Label(label) => Source::Label(label.clone()),
                        LabelSource::Template(text, position) => {
                            Source::Template(Template::new(text, *position)?)
                        }
                    };
                    Ok((name.clone(), source))
                };
                Self::LabelFormat(
                    renames
                        .iter()
                        .map(compile)
                        .collect::<Result<_, QueryError>>()?,
                )
            }
            Stage::Drop(names) => Self::Drop(names.clone()),
            Stage::Keep(names) => Self::Keep(names.clone()),
        })
    }

    /// Calls `ask` with the name of every label that it looks at.
    fn asks(&self, ask: &mut impl FnMut(&str)) {
        match self {
            Self::Label(filter) => filter.asks(ask),
            Self::LineFormat(template) => template.labels().for_each(ask),
            Self::LabelFormat(renames) => {
                for (_, source) in renames {
                    match source {
                        Source::Label(name) => ask(name),
                        Source::Template(template) => template.labels().for_each(&mut *ask),
                    }
                }
            }
            Self::Line(_)
            | Self::Json(_)
            | Self::JsonOnly(_)
            | Self::Logfmt(_)
            | Self::Pattern(_)
            | Self::Regexp(_)
            | Self::Drop(_)
            | Self::Keep(_) => {}
        }
    }

    /// Whether the line stays.
    fn apply(&self, entry: &mut Entry<'_>) -> bool {
        match self {
            Self::Line(filter) => return filter.passes(&entry.line),
            Self::Label(filter) => return filter.passes(entry),
            Self::Json(wanted) if wanted.is_empty() => {
                let line = entry.line.clone();
                extract_all(entry, fields::json(&line));
            }
            Self::Json(wanted) => json_paths(entry, wanted),
            Self::JsonOnly(names) => {
                let line = entry.line.clone();
                extract_all(entry, json_only(&line, names));
            }
            Self::Logfmt(wanted) => {
                for (name, value) in fields::logfmt(&entry.line) {
                    if wanted.is_empty() {
                        entry.extract(&name, value);
                    } else if let Some((label, _)) = wanted.iter().find(|(_, key)| *key == name) {
                        entry.extract(label, value);
                    }
                }
            }
            Self::Pattern(pattern) => {
                let line = entry.line.clone();
                for (name, value) in pattern.captures(&line) {
                    entry.extract(name, value.to_owned());
                }
            }
            Self::Regexp(regex) => {
                let line = entry.line.clone();
                if let Some(groups) = regex.captures(&line) {
                    for name in regex.capture_names().flatten() {
                        let value = groups.name(name).map_or("", |group| group.as_str());
                        entry.extract(name, value.to_owned());
                    }
                }
            }
            Self::LineFormat(template) => {
                entry.line = Cow::Owned(template.render(&entry.line, |name| entry.label(name)));
            }
            Self::LabelFormat(renames) => {
                for (name, source) in renames {
                    match source {
                        Source::Label(old) => {
                            let value = entry.label(old).unwrap_or_default().into_owned();
                            entry.hide(old);
                            entry.set(name, value);
                        }
                        Source::Template(template) => {
                            let value = template.render(&entry.line, |name| entry.label(name));
                            entry.set(name, value);
                        }
                    }
                }
            }
            Self::Drop(names) => names.iter().for_each(|name| entry.hide(name)),
            Self::Keep(names) => entry.keep(names),
        }
        true
    }
}

/// Adds the fields of a JSON line, or notes that it is none.
fn extract_all(entry: &mut Entry<'_>, fields: Option<Vec<(String, String)>>) {
    match fields {
        Some(fields) => {
            for (name, value) in fields {
                entry.extract(&name, value);
            }
        }
        None => entry.set(ERROR_LABEL, "JSONParserErr".into()),
    }
}

fn json_paths(entry: &mut Entry<'_>, wanted: &[(String, String)]) {
    let line = entry.line.clone();
    for (name, path) in wanted {
        match fields::json_path(&line, path) {
            Some(value) => entry.extract(name, value),
            None => return entry.set(ERROR_LABEL, "JSONParserErr".into()),
        }
    }
}

fn named_groups(text: &str, position: usize) -> Result<Regex, QueryError> {
    let regex = compile_regex(text, text, position)?;
    if regex.capture_names().flatten().next().is_some() {
        return Ok(regex);
    }
    Err(QueryError::Invalid {
        position,
        message: "regexp needs at least one named group, such as (?P<status>\\d+)".into(),
    })
}
