//! A cursor over tokens for recursive-descent parsers: every refusal says where, what was found and
//! what was expected; nesting is bounded, so that hostile queries cannot exhaust the stack.

use super::lexer::{Spanned, Token};
use crate::error::QueryError;

/// Levels of nesting (parentheses, aggregations) that a query may have.
pub const NESTING_MAX: usize = 64;

/// Walks tokens.
#[derive(Debug)]
pub struct Cursor<'a> {
    tokens: &'a [Spanned],
    at: usize,
    end: usize,
    depth: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor before the first of `tokens`; `end` is the byte length of the text.
    #[must_use]
    pub fn new(tokens: &'a [Spanned], end: usize) -> Self {
        Self {
            tokens,
            at: 0,
            end,
            depth: 0,
        }
    }

    /// The next token.
    #[must_use]
    pub fn peek(&self) -> Option<&'a Token> {
        self.peek_at(0)
    }

    /// The token `ahead` of the next one.
    #[must_use]
    pub fn peek_at(&self, ahead: usize) -> Option<&'a Token> {
        self.tokens
            .get(self.at + ahead)
            .map(|spanned| &spanned.token)
    }

    /// Byte offset of the next token.
    #[must_use]
    pub fn position(&self) -> usize {
        self.tokens
            .get(self.at)
            .map_or(self.end, |spanned| spanned.start)
    }

    /// The next token, consumed.
    pub fn advance(&mut self) -> Option<&'a Token> {
        let token = self.peek();
        self.at += usize::from(token.is_some());
        token
    }

    /// The operator that comes next, if one does.
    #[must_use]
    pub fn peek_op(&self) -> Option<&'static str> {
        match self.peek() {
            Some(Token::Op(op)) => Some(op),
            _ => None,
        }
    }

    /// Whether `op` comes next.
    #[must_use]
    pub fn at_op(&self, op: &str) -> bool {
        self.peek_op() == Some(op)
    }

    /// Consumes `op` if it comes next.
    pub fn take_op(&mut self, op: &str) -> bool {
        let found = self.at_op(op);
        self.at += usize::from(found);
        found
    }

    /// Consumes `op`.
    ///
    /// # Errors
    /// [`QueryError::Syntax`] when something else comes next.
    pub fn expect_op(&mut self, op: &str) -> Result<(), QueryError> {
        if self.take_op(op) {
            return Ok(());
        }
        Err(self.unexpected(&format!("`{op}`")))
    }

    /// The name that comes next, if one does.
    #[must_use]
    pub fn peek_name(&self) -> Option<&'a str> {
        match self.peek() {
            Some(Token::Name(name)) => Some(name),
            _ => None,
        }
    }

    /// Consumes the name `word` if it comes next.
    pub fn take_word(&mut self, word: &str) -> bool {
        let found = self.peek_name() == Some(word);
        self.at += usize::from(found);
        found
    }

    /// Consumes a name.
    ///
    /// # Errors
    /// [`QueryError::Syntax`] when something else comes next.
    pub fn expect_name(&mut self, expected: &str) -> Result<&'a str, QueryError> {
        let name = self.peek_name().ok_or_else(|| self.unexpected(expected))?;
        self.at += 1;
        Ok(name)
    }

    /// Consumes a string literal.
    ///
    /// # Errors
    /// [`QueryError::Syntax`] when something else comes next.
    pub fn expect_text(&mut self, expected: &str) -> Result<&'a str, QueryError> {
        match self.peek() {
            Some(Token::Text(text)) => {
                self.at += 1;
                Ok(text)
            }
            _ => Err(self.unexpected(expected)),
        }
    }

    /// Consumes a plain number, negative ones included.
    ///
    /// # Errors
    /// [`QueryError::Syntax`] when something else comes next.
    pub fn expect_number(&mut self, expected: &str) -> Result<f64, QueryError> {
        let sign = if self.take_op("-") { -1.0 } else { 1.0 };
        match self.peek() {
            Some(Token::Number(number)) => {
                self.at += 1;
                Ok(sign * number)
            }
            _ => Err(self.unexpected(expected)),
        }
    }

    /// Consumes a duration and returns its nanoseconds.
    ///
    /// # Errors
    /// [`QueryError::Syntax`] when something else comes next.
    pub fn expect_duration_ns(&mut self) -> Result<i64, QueryError> {
        match self.peek() {
            Some(Token::DurationNs(duration_ns)) => {
                self.at += 1;
                Ok(*duration_ns)
            }
            _ => Err(self.unexpected("a duration such as 5m")),
        }
    }

    /// Refuses what comes after a complete query.
    ///
    /// # Errors
    /// [`QueryError::Syntax`] when a token is left.
    pub fn expect_end(&self, expected: &str) -> Result<(), QueryError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.unexpected(expected)),
        }
    }

    /// Goes one level deeper; pair with [`Cursor::leave`].
    ///
    /// # Errors
    /// [`QueryError::Limit`] past the greatest depth that a query may nest.
    pub fn enter(&mut self) -> Result<(), QueryError> {
        self.depth += 1;
        if self.depth > NESTING_MAX {
            return Err(QueryError::Limit(format!(
                "the query nests deeper than {NESTING_MAX} levels at byte {}: flatten it",
                self.position()
            )));
        }
        Ok(())
    }

    /// Comes back one level.
    pub fn leave(&mut self) {
        self.depth -= 1;
    }

    /// The error for a next token that does not fit.
    #[must_use]
    pub fn unexpected(&self, expected: &str) -> QueryError {
        let found = match self.peek() {
            None => "the end of the query".to_owned(),
            Some(Token::Name(name)) => format!("`{name}`"),
            Some(Token::Text(text)) => format!("the string {text:?}"),
            Some(Token::Number(number)) => format!("the number {number}"),
            Some(Token::DurationNs(_)) => "a duration".to_owned(),
            Some(Token::Bytes(_)) => "a size".to_owned(),
            Some(Token::Op(op)) => format!("`{op}`"),
        };
        QueryError::Syntax {
            position: self.position(),
            found,
            expected: expected.to_owned(),
        }
    }

    /// The error for a construct at `position` that is known but not evaluated.
    #[must_use]
    pub fn unsupported(position: usize, what: &str) -> QueryError {
        QueryError::Unsupported {
            position,
            what: what.to_owned(),
        }
    }
}
