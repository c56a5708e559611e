//! What LogQL and TraceQL share: tokens with byte offsets, the cursor of a recursive-descent parser,
//! and matchers. Knows neither language's grammar. (PromQL has a parser of its own, and shares the limit of regular expressions.)

mod compare;
mod cursor;
mod lexer;
mod matcher;
mod quantity;

pub use compare::Compare;
pub use cursor::Cursor;
pub use lexer::{Dialect, Spanned, Token, lex};
pub use matcher::{MatchOp, TextMatcher};
pub(crate) use matcher::{build_regex, compile_regex};
pub use quantity::{parse_bytes, parse_duration_ns};
