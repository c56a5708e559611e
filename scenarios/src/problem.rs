//! What is wrong with a scenario file: every problem at once, each with its place, a label under the
//! offending text and a remedy. It knows how to show problems, not what makes one.

use std::{fmt, ops::Range, sync::Arc};

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

/// One problem of a file.
#[derive(Debug, Clone)]
pub struct Problem {
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What to do about it.
    pub remedy: Option<String>,
    /// Bytes of the file that it is about.
    pub at: Range<usize>,
    /// Line of the place, from 1.
    pub line: usize,
    /// Column of the place in characters, from 1.
    pub column: usize,
    source: Arc<NamedSource<String>>,
}

impl Problem {
    /// Places a problem in a file. A range beyond the file's end is cut to it.
    #[must_use]
    pub fn new(
        source: &Arc<NamedSource<String>>,
        at: Range<usize>,
        message: String,
        remedy: Option<String>,
    ) -> Self {
        let text = source.inner();
        let start = text.floor_char_boundary(at.start);
        let end = text.floor_char_boundary(at.end).max(start);
        let line = text[..start].matches('\n').count() + 1;
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            message,
            remedy,
            at: start..end,
            line,
            column: text[line_start..start].chars().count() + 1,
            source: Arc::clone(source),
        }
    }

    /// Name of the file.
    #[must_use]
    pub fn file(&self) -> &str {
        self.source.name()
    }
}

impl fmt::Display for Problem {
    /// `file:line:column: message`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: {}",
            self.file(),
            self.line,
            self.column,
            self.message
        )
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.remedy
            .as_ref()
            .map(|remedy| Box::new(remedy) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.source.as_ref())
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = LabeledSpan::new_primary_with_span(Some("here".into()), self.at.clone());
        Some(Box::new(std::iter::once(label)))
    }
}

/// All problems of a file, in the order of the file. Never empty.
#[derive(Debug, Clone)]
pub struct Problems {
    file: String,
    problems: Vec<Problem>,
}

impl Problems {
    /// From the problems found; none if there were none. Sorts them and drops repetitions.
    #[must_use]
    pub fn from_found(file: &str, mut problems: Vec<Problem>) -> Option<Self> {
        problems.sort_by(|a, b| (a.at.start, &a.message).cmp(&(b.at.start, &b.message)));
        problems.dedup_by(|a, b| a.at == b.at && a.message == b.message);
        (!problems.is_empty()).then(|| Self {
            file: file.to_owned(),
            problems,
        })
    }

    /// How many there are in which file, in words.
    #[must_use]
    pub fn count(&self) -> String {
        let s = if self.problems.len() == 1 { "" } else { "s" };
        format!("{} has {} problem{s}", self.file, self.problems.len())
    }

    /// Each of them.
    #[must_use]
    pub fn all(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for Problems {
    /// A count, then one line a problem.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.count())?;
        for problem in &self.problems {
            write!(f, "\n  {problem}")?;
            if let Some(remedy) = &problem.remedy {
                write!(f, " ({remedy})")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl Diagnostic for Problems {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(
            self.problems
                .iter()
                .map(|problem| problem as &dyn Diagnostic),
        ))
    }
}
