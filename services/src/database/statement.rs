//! A statement: SQL with `$n`, its values, and the name it goes by in spans and metrics.

use sqlx::{FromRow, SqlSafeStr, SqlStr, postgres::PgRow, sqlite::SqliteRow};

/// A row that both databases can give: tuples of `i64`, `String` and options of them.
pub trait Record:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

impl<T> Record for T where
    T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

/// A value to bind.
#[derive(Debug, Clone)]
pub enum Value {
    /// A whole number.
    Int(i64),
    /// A text.
    Text(String),
}

/// SQL and what it is bound to.
#[derive(Debug, Clone)]
pub struct Statement {
    /// As in `SELECT orders`.
    pub operation: &'static str,
    /// With `$1`, `$2`, ….
    pub sql: SqlStr,
    /// In the order of their numbers.
    pub values: Vec<Value>,
    /// Rows that it must touch in a batch.
    pub must_touch: Option<u64>,
}

impl Statement {
    /// SQL that goes by the name of an operation on a table.
    pub fn new(operation: &'static str, sql: impl SqlSafeStr) -> Self {
        Self {
            operation,
            sql: sql.into_sql_str(),
            values: Vec::new(),
            must_touch: None,
        }
    }

    /// Binds a whole number.
    #[must_use]
    pub fn int(mut self, value: impl Into<i64>) -> Self {
        self.values.push(Value::Int(value.into()));
        self
    }

    /// Binds a text.
    #[must_use]
    pub fn text(mut self, value: impl Into<String>) -> Self {
        self.values.push(Value::Text(value.into()));
        self
    }

    /// In a batch: everything is undone unless it touches so many rows.
    #[must_use]
    pub fn touching(mut self, rows: usize) -> Self {
        self.must_touch = Some(rows as u64);
        self
    }

    /// First word of its operation.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        self.operation.split(' ').next().unwrap_or(self.operation)
    }
}

/// `($1, $2), ($3, $4)`: so many rows of so many values, numbered from `first`.
#[must_use]
pub fn values(first: usize, rows: usize, columns: usize) -> String {
    let mut text = String::with_capacity(rows * columns * 5);
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            if column > 0 {
                text.push_str(", ");
            }
            text.push('$');
            text.push_str(&(first + row * columns + column).to_string());
        }
        text.push(')');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_values_are_numbered_through() {
        assert_eq!(values(2, 2, 3), "($2, $3, $4), ($5, $6, $7)");
    }
}
