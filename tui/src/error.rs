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
    #[error("no theme is called {0:?}; there are default, dark, light, contrast and none")]
    UnknownTheme(String),
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
        }
    }

    /// Whether the server was not reached at all.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.status.is_none()
    }

    /// Reads a refusal: our own [`Problem`], Prometheus' `{"status":"error","error":…}`, or plain text as Loki and Tempo send it.
    #[must_use]
    pub fn refused(status: u16, body: &str) -> Self {
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
        let position = position_in(&message);
        Self {
            message,
            remedy,
            position,
            status: Some(status),
        }
    }
}

/// Finds the place in an error text: `1:13: …` (Prometheus), `line 1, col 14` (Loki, Tempo), `position 9`, `offset 9` (0-based).
fn position_in(message: &str) -> Option<usize> {
    let number_after = |word: &str| {
        let at = message.find(word)? + word.len();
        let digits: String = message[at..]
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        digits.parse::<usize>().ok()
    };
    for word in ["col ", "column ", "line 1:"] {
        if let Some(n) = number_after(word) {
            return Some(n.saturating_sub(1));
        }
    }
    if let Some(n) = number_after("position ")
        .or_else(|| number_after("offset "))
        .or_else(|| number_after("byte "))
    {
        return Some(n);
    }
    let start = message.find("1:")?;
    let digits: String = message[start + 2..]
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    let closed = message[start + 2 + digits.len()..].starts_with(':');
    if closed {
        digits.parse::<usize>().ok().map(|n| n.saturating_sub(1))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_found_in_every_server_s_wording() {
        assert_eq!(
            position_in("1:13: parse error: unexpected <aggr:sum>"),
            Some(12)
        );
        assert_eq!(
            position_in("parse error at line 1, col 14: syntax error"),
            Some(13)
        );
        assert_eq!(position_in("unknown function at position 7"), Some(7));
        assert_eq!(position_in("the store is empty"), None);
    }

    #[test]
    fn a_problem_keeps_its_remedy() {
        let failure = Failure::refused(
            409,
            r#"{"error":"the drill has not ended","remedy":"finish it first"}"#,
        );
        assert_eq!(failure.message, "the drill has not ended");
        assert_eq!(failure.remedy.as_deref(), Some("finish it first"));
        assert!(!failure.is_lost());
    }

    #[test]
    fn plain_text_is_taken_as_it_is() {
        assert_eq!(
            Failure::refused(400, "parse error at line 1, col 3: x\n").position,
            Some(2)
        );
        assert_eq!(
            Failure::refused(502, "").message,
            "the lab answered with status 502"
        );
    }
}
