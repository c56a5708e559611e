//! What can go wrong in the glass. Knows nothing of drawing: a failed query is a [`Failure`], which a
//! view shows in place; only a terminal that cannot be used ends the program with an [`Error`].

use api::Problem;

/// Why the glass could not be opened or had to close.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The terminal refused raw mode, a size, or a write.
    #[error(
        "the terminal cannot be used; run without one with --headless, or as text with --plain"
    )]
    Terminal(#[from] std::io::Error),
    /// The base URL of the lab is not one.
    #[error("{url:?} is not the address of a lab: {why} (it looks like http://127.0.0.1:8300)")]
    Address {
        /// What was given.
        url: String,
        /// What the parser said.
        why: String,
    },
    /// The HTTP client could not be built.
    #[error("the HTTP client could not be built")]
    Client(#[source] reqwest::Error),
    /// No view of that name.
    #[error("no view is called {name:?}; there are {known}")]
    UnknownView {
        /// What was given.
        name: String,
        /// What there is.
        known: String,
    },
    /// No theme of that name.
    #[error("no theme is called {0:?}; there are terminal, dark, light, contrast and none")]
    UnknownTheme(String),
    /// A stretch of time that cannot be shown.
    #[error("{0}")]
    Range(String),
    /// A query for a view that has none.
    #[error("the view {0} has no queries; logs, traces and metrics have")]
    NoQuery(String),
    /// A screen that does not come to show what was waited for.
    #[error("the screen {} {text:?}; it shows:\n{screen}", if *.shown { "never showed" } else { "went on showing" })]
    NotSeen {
        /// What was waited for.
        text: String,
        /// Whether it was to appear, or to go.
        shown: bool,
        /// The screen at last.
        screen: String,
    },
    /// A file that cannot be written.
    #[error("{} cannot be written", path.display())]
    Write {
        /// Which.
        path: std::path::PathBuf,
        /// What the system said.
        #[source]
        why: std::io::Error,
    },
    /// A request failed where there is no screen to show it on.
    #[error("{0}")]
    Request(Failure),
}

/// A request that was not answered as hoped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What happened, lower case.
    pub message: String,
    /// What to do about it, if the server said.
    pub remedy: Option<String>,
    /// Character (from 0) of the query's text at which it went wrong, if the server said.
    pub position: Option<usize>,
    /// HTTP status; none when nothing answered at all.
    pub status: Option<u16>,
    /// Whether nobody listens at the address, unlike a lab that is there and does not answer.
    pub absent: bool,
}

impl Failure {
    /// Nothing answered.
    #[must_use]
    pub fn lost(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            remedy: None,
            position: None,
            status: None,
            absent: false,
        }
    }

    /// This program failed, whatever the server did.
    #[must_use]
    pub fn own(message: impl Into<String>) -> Self {
        Self {
            status: Some(500),
            ..Self::lost(message)
        }
    }

    /// Whether the server was not reached at all.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.status.is_none()
    }

    /// Reads a refusal of a request with this query: our own [`Problem`], Prometheus' `{"status":"error","error":…}`, or
    /// plain text as Loki and Tempo send it.
    #[must_use]
    pub fn refused(status: u16, body: &str, query: &str) -> Self {
        let parsed: Option<serde_json::Value> = serde_json::from_str(body).ok();
        let (message, remedy) = match parsed {
            Some(value) => match serde_json::from_value::<Problem>(value.clone()) {
                Ok(problem) => (problem.error, problem.remedy),
                Err(_) => (
                    value
                        .get("message")
                        .and_then(|m| m.as_str())
                        .unwrap_or(body)
                        .to_owned(),
                    None,
                ),
            },
            None => (body.trim().to_owned(), None),
        };
        let message = if message.is_empty() {
            format!("the lab answered with status {status}")
        } else {
            message
        };
        let position = position_in(&message).map(|place| place.character(query));
        Self {
            message,
            remedy,
            position,
            status: Some(status),
            absent: false,
        }
    }
}

/// A place in a query, as a server counts it, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In bytes of UTF-8.
    Byte(usize),
    /// In characters.
    Character(usize),
}

impl Place {
    /// The place in characters; one within a character is that character's, one beyond the end is the end.
    fn character(self, query: &str) -> usize {
        match self {
            Self::Character(n) => n,
            Self::Byte(n) => query
                .char_indices()
                .take_while(|(at, c)| at + c.len_utf8() <= n)
                .count(),
        }
    }
}

/// Finds the place in an error text. In bytes: `byte 9` (the lab), `offset 9`, `1:13: …` (Prometheus, from 1). In
/// characters: `line 1, col 14` (Loki, Tempo, from 1), `position 9`.
fn position_in(message: &str) -> Option<Place> {
    let number_at = |at: usize| {
        let rest = &message[at..];
        let end = rest.find(|c: char| !c.is_ascii_digit());
        rest[..end.unwrap_or(rest.len())].parse::<usize>().ok()
    };
    let number_after = |word: &str| number_at(message.find(word)? + word.len());
    for word in ["col ", "column ", "line 1:"] {
        if let Some(n) = number_after(word) {
            return Some(Place::Character(n.saturating_sub(1)));
        }
    }
    if let Some(n) = number_after("position ") {
        return Some(Place::Character(n));
    }
    if let Some(n) = number_after("byte ").or_else(|| number_after("offset ")) {
        return Some(Place::Byte(n));
    }
    let start = message.find("1:")? + 2;
    let digits = message[start..].bytes().take_while(u8::is_ascii_digit);
    let closed = message[start + digits.count()..].starts_with(':');
    let column = number_at(start).filter(|_| closed)?;
    Some(Place::Byte(column.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_found_in_every_server_s_wording() {
        assert_eq!(
            position_in("1:13: parse error: unexpected <aggr:sum>"),
            Some(Place::Byte(12))
        );
        assert_eq!(
            position_in("parse error at line 1, col 14: syntax error"),
            Some(Place::Character(13))
        );
        assert_eq!(
            position_in("unknown function at position 7"),
            Some(Place::Character(7))
        );
        assert_eq!(position_in("the store is empty"), None);
    }

    #[test]
    fn bytes_are_counted_as_characters_of_the_query() {
        let query = "sum(größe_µs{ort=\"Köln\"}} )";
        let byte = query.find("}}").expect("it is there") + 1;
        let character = query[..byte].chars().count();
        assert_ne!(byte, character);
        let place = |message: String| Failure::refused(400, &message, query).position;
        for message in [
            format!("parse error at byte {byte}: found }}"),
            format!("1:{}: parse error: unexpected right brace", byte + 1),
            format!(
                "parse error at line 1, col {}: unexpected }}",
                character + 1
            ),
        ] {
            assert_eq!(place(message.clone()), Some(character), "{message}");
        }
        // within the ö, beyond the end, and beyond what a number holds
        assert_eq!(place("at byte 7".to_owned()), Some(6));
        assert_eq!(place("at byte 999".to_owned()), Some(query.chars().count()));
        assert_eq!(place("at byte 99999999999999999999".to_owned()), None);
    }

    #[test]
    fn a_problem_keeps_its_remedy() {
        let failure = Failure::refused(
            409,
            r#"{"error":"the drill has not ended","remedy":"finish it first"}"#,
            "",
        );
        assert_eq!(failure.message, "the drill has not ended");
        assert_eq!(failure.remedy.as_deref(), Some("finish it first"));
        assert!(!failure.is_lost());
    }

    #[test]
    fn plain_text_is_taken_as_it_is() {
        assert_eq!(
            Failure::refused(400, "parse error at line 1, col 3: x\n", "").position,
            Some(2)
        );
        assert_eq!(
            Failure::refused(502, "", "").message,
            "the lab answered with status 502"
        );
    }
}
