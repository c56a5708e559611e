//! Lends connections to a database, each to one borrower at a time, opened when they are first needed.
//!
//! What distinguishes it from sqlx's own pool is what it leaves out: that one tests each connection
//! when it comes back, which for SQLite is a round trip to another thread as long as the statement's
//! own. Here a connection comes back only from whom all went well with; otherwise it is closed, which
//! also undoes a transaction that was not finished.

use std::{fmt, time::Duration};

use parking_lot::Mutex;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Database as Driver, Executor};
use tokio::sync::{Semaphore, SemaphorePermit};

/// How long a request waits for a connection before it fails.
const LEND_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections to one database.
pub struct Lender<D: Driver> {
    options: <D::Connection as Connection>::Options,
    places: Semaphore,
    idle: Mutex<Vec<D::Connection>>,
    /// What a new connection is told first.
    greeting: Mutex<Option<String>>,
}

impl<D: Driver> Lender<D>
where
    for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
{
    /// Lends at most so many.
    pub fn new(options: <D::Connection as Connection>::Options, connections: usize) -> Self {
        Self {
            options,
            places: Semaphore::new(connections),
            idle: Mutex::default(),
            greeting: Mutex::default(),
        }
    }

    /// From now on each new connection is told this first; those that there are, are not.
    pub fn greet_with(&self, sql: Option<String>) {
        *self.greeting.lock() = sql;
    }

    /// A connection beside those that are lent, for a purpose of its own.
    pub async fn connect(&self) -> Result<D::Connection, sqlx::Error> {
        let mut connection = self.options.connect().await?;
        let greeting = self.greeting.lock().clone();
        if let Some(sql) = greeting {
            connection.execute(AssertSqlSafe(sql)).await?;
        }
        Ok(connection)
    }

    /// Lends a connection, behind everyone who came earlier.
    pub async fn lend(&self) -> Result<Lent<'_, D>, sqlx::Error> {
        let place = match self.places.try_acquire() {
            Ok(place) => place,
            Err(_) => tokio::time::timeout(LEND_TIMEOUT, self.places.acquire())
                .await
                .map_err(|_| sqlx::Error::PoolTimedOut)?
                .map_err(|_| sqlx::Error::PoolClosed)?,
        };
        let idle = self.idle.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            // boxed: the future of connecting has kilobytes that every request would carry around
            None => Box::pin(self.connect()).await?,
        };
        Ok(Lent {
            connection,
            idle: &self.idle,
            _place: place,
        })
    }

    /// Lends nothing any more and closes what is here; what is lent is closed when it comes back.
    pub async fn close(&self) {
        self.places.close();
        let idle = std::mem::take(&mut *self.idle.lock());
        for connection in idle {
            // a connection that cannot say goodbye is gone all the same
            let _ = connection.close().await;
        }
    }
}

impl<D: Driver> fmt::Debug for Lender<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lender = f.debug_struct("Lender");
        lender.field("free", &self.places.available_permits());
        lender.finish_non_exhaustive()
    }
}

/// A lent connection; it is closed unless it is given back.
pub struct Lent<'a, D: Driver> {
    /// To be used by one statement after another.
    pub connection: D::Connection,
    idle: &'a Mutex<Vec<D::Connection>>,
    _place: SemaphorePermit<'a>,
}

impl<D: Driver> Lent<'_, D> {
    /// Gives it back: everything went well, and no transaction is open.
    pub fn give_back(self) {
        self.idle.lock().push(self.connection);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use sqlx::{Executor, Row, Sqlite, sqlite::SqliteConnectOptions};

    async fn lender(folder: &std::path::Path, connections: usize) -> Lender<Sqlite> {
        let file = folder.join("things.db");
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true);
        let lender = Lender::new(options, connections);
        let mut lent: Lent<'_, Sqlite> = lender.lend().await.unwrap();
        let create = "CREATE TABLE IF NOT EXISTS things (id INTEGER)";
        lent.connection.execute(create).await.unwrap();
        lent.give_back();
        lender
    }

    #[tokio::test]
    async fn a_connection_that_is_given_back_is_lent_to_the_next_who_waits() {
        let folder = tempfile::tempdir().unwrap();
        let lender = lender(folder.path(), 1).await;
        let mut first = lender.lend().await.unwrap();
        let mut second = Box::pin(lender.lend());
        assert!(second.as_mut().now_or_never().is_none());
        // only the same connection knows a temporary table
        let mark = "CREATE TEMPORARY TABLE mark (id INTEGER)";
        first.connection.execute(mark).await.unwrap();
        first.give_back();
        let mut second = second.await.unwrap();
        let found = second.connection.execute("SELECT id FROM mark").await;
        assert!(found.is_ok(), "{found:?}");
    }

    #[tokio::test]
    async fn a_transaction_that_nobody_finished_is_undone() {
        let folder = tempfile::tempdir().unwrap();
        let lender = lender(folder.path(), 1).await;
        let mut lent = lender.lend().await.unwrap();
        let begin = "BEGIN; INSERT INTO things (id) VALUES (1)";
        lent.connection.execute(begin).await.unwrap();
        drop(lent);
        let mut lent = lender.lend().await.unwrap();
        let insert = "INSERT INTO things (id) VALUES (2)";
        lent.connection.execute(insert).await.unwrap();
        let rows = lent.connection.fetch_all("SELECT id FROM things").await;
        let ids: Vec<i64> = rows.unwrap().iter().map(|row| row.get(0)).collect();
        assert_eq!(ids, [2]);
    }

    #[tokio::test]
    async fn nothing_is_lent_once_it_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let lender = lender(folder.path(), 2).await;
        lender.close().await;
        let refused = lender.lend().await.err();
        assert!(
            matches!(refused, Some(sqlx::Error::PoolClosed)),
            "{refused:?}"
        );
    }
}
