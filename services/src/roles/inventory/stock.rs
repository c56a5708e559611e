//! Taking pieces off the shelves and putting them back, together with what is noted of it: in one
//! statement that takes only what is there, or by reading and writing back.

use std::collections::HashMap;

use scenarios::setting::Reservations;
use sqlx::AssertSqlSafe;

use crate::{
    database::{Database, Statement, values},
    error::ServiceError,
};

/// Moves pieces, times `sign` off the shelves, and runs `note` with it. `None` when there are not enough or the note misses
/// its rows: then nothing was changed.
///
/// # Errors
/// [`ServiceError::Database`].
pub async fn take(
    database: &Database,
    how: Reservations,
    note: Statement,
    pieces: &[(u32, i64)],
    sign: i64,
) -> Result<Option<u64>, ServiceError> {
    let update = match how {
        Reservations::Conditional => take_if_enough(pieces, sign),
        Reservations::ReadThenWrite => {
            let Some(left) = left_after(database, pieces, sign).await? else {
                return Ok(None);
            };
            write(&left)
        }
    };
    database.batch(vec![note, update]).await
}

/// It touches a row per article or the batch is undone.
fn take_if_enough(pieces: &[(u32, i64)], sign: i64) -> Statement {
    let wanted = values(1, pieces.len(), 2);
    let sql = format!(
        "WITH wanted (sku, pieces) AS (VALUES {wanted}) \
         UPDATE stock SET quantity = stock.quantity - wanted.pieces FROM wanted \
         WHERE stock.sku = wanted.sku AND stock.quantity >= wanted.pieces"
    );
    let mut update = Statement::new("UPDATE stock", AssertSqlSafe(sql));
    for (sku, quantity) in pieces {
        update = update.int(*sku).int(quantity * sign);
    }
    update.touching(pieces.len())
}

/// What is left of each article, as it was read; `None` when there is not enough of one.
async fn left_after(
    database: &Database,
    pieces: &[(u32, i64)],
    sign: i64,
) -> Result<Option<Vec<(u32, i64)>>, ServiceError> {
    let asked = values(1, 1, pieces.len());
    let sql = format!("SELECT sku, quantity FROM stock WHERE sku IN {asked}");
    let mut select = Statement::new("SELECT stock", AssertSqlSafe(sql));
    for (sku, _) in pieces {
        select = select.int(*sku);
    }
    let there: HashMap<i64, i64> = database.rows(select).await?.into_iter().collect();
    let left = pieces.iter().map(|(sku, quantity)| {
        let left = there.get(&i64::from(*sku))? - quantity * sign;
        (left >= 0).then_some((*sku, left))
    });
    Ok(left.collect())
}

/// Writes what is left, whatever is there by now.
fn write(left: &[(u32, i64)]) -> Statement {
    let written = values(1, left.len(), 2);
    let sql = format!(
        "WITH written (sku, pieces) AS (VALUES {written}) \
         UPDATE stock SET quantity = written.pieces FROM written WHERE stock.sku = written.sku"
    );
    let mut update = Statement::new("UPDATE stock", AssertSqlSafe(sql));
    for (sku, quantity) in left {
        update = update.int(*sku).int(*quantity);
    }
    update.touching(left.len())
}
