//! The database of a service: SQLite or PostgreSQL behind the same few operations and the same SQL
//! with `$n`.
//!
//! A loopback query takes microseconds; the link's round trip is declared in the scenario and
//! awaited here, once per statement or batch. The gate bounds how many connections are lent at
//! once, round trip included, as a pool across a network would.

mod lender;
mod pools;
mod statement;
mod trouble;

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tracing::{Instrument, Span, field::Empty};

use crate::{
    error::ServiceError,
    settings::Harms,
    signals::metrics::{Metrics, Operation},
    slots::Slots,
};
use pools::Pools;
pub use statement::{Record, Statement, values};
use trouble::Troubles;

/// Connections that may be lent at once unless the service has a setting for it.
const LENT_CONNECTIONS: usize = 32;
/// How long a readiness check may take.
const CHECK_LIMIT: Duration = Duration::from_secs(1);

/// Where a database is and how far away.
#[derive(Debug, Clone)]
pub struct Location {
    /// A file path, or a `postgres://` URL.
    pub address: String,
    /// Schema of its own, PostgreSQL only.
    pub schema: String,
    /// Whether to clear it first.
    pub fresh: bool,
    /// Declared round trip.
    pub round_trip: Duration,
}

/// An open database. Clones share it.
#[derive(Debug, Clone)]
pub struct Database {
    pools: Arc<Pools>,
    gate: Slots,
    round_trip: Duration,
    troubles: Arc<Troubles>,
    metrics: Arc<Metrics>,
}

impl Database {
    /// Opens it and runs the role's schema (statements that may be repeated).
    ///
    /// # Errors
    /// [`ServiceError::Database`].
    pub async fn open(
        location: &Location,
        schema: &'static str,
        metrics: Arc<Metrics>,
    ) -> Result<Self, ServiceError> {
        let pools = Pools::open(location)
            .await
            .map_err(failed(|| format!("open {}", shown(&location.address))))?;
        pools
            .script(schema.to_owned())
            .await
            .map_err(failed(|| "create the schema".to_owned()))?;
        let gate = Slots::new(LENT_CONNECTIONS);
        gate.register_as_pool("database", &metrics);
        Ok(Self {
            pools: Arc::new(pools),
            gate,
            round_trip: location.round_trip,
            troubles: Arc::new(Troubles::none()),
            metrics,
        })
    }

    /// Follows the settings; the role may have a number of connections of its own.
    ///
    /// # Errors
    /// When it cannot follow them.
    pub async fn follow(&self, harms: &Harms, own: Option<u32>) -> Result<(), ServiceError> {
        let connections = match (own, harms.database_connections) {
            (Some(own), Some(given)) => Some(own.min(given)),
            (one, other) => one.or(other),
        };
        let limit = connections.map_or(LENT_CONNECTIONS, |connections| connections as usize);
        self.gate.resize(limit);
        self.troubles.follow(harms, &self.pools).await
    }

    /// The rows of a query.
    ///
    /// # Errors
    /// [`ServiceError::Database`].
    pub async fn rows<T: Record>(&self, statement: Statement) -> Result<Vec<T>, ServiceError> {
        let operation = statement.operation;
        let span = self.span(&statement);
        let run = async { self.pools.rows(statement).await };
        let rows: Vec<T> = self.timed(operation, span.clone(), run).await?;
        // signed, or it would be sent as a text
        let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        span.record("db.response.returned_rows", count);
        let returned = self
            .metrics
            .returned_rows
            .get_or_create(&Operation { operation });
        #[expect(clippy::cast_precision_loss, reason = "far under 2^52 rows")]
        returned.observe(rows.len() as f64);
        Ok(rows)
    }

    /// Runs a statement; says how many rows it touched.
    ///
    /// # Errors
    /// [`ServiceError::Database`].
    pub async fn execute(&self, statement: Statement) -> Result<u64, ServiceError> {
        let operation = statement.operation;
        let span = self.span(&statement);
        let run = async { self.pools.batch(vec![statement]).await };
        let touched = self.timed(operation, span, run).await?;
        Ok(touched.unwrap_or(0))
    }

    /// Runs statements in one transaction and one round trip, under the first one's name. `None` when one touched another
    /// number of rows than it must ([`Statement::touching`]): then nothing was changed.
    ///
    /// # Errors
    /// [`ServiceError::Database`]; then nothing was changed.
    pub async fn batch(&self, mut statements: Vec<Statement>) -> Result<Option<u64>, ServiceError> {
        let Some(first) = statements.first() else {
            return Ok(Some(0));
        };
        let (operation, span) = (first.operation, self.span(first));
        let run = async {
            if statements.len() > 1 && self.troubles.breaks_off() {
                // what was meant to happen as a whole happens in part
                Err(self.pools.break_off(statements.swap_remove(0)).await)
            } else {
                self.pools.batch(statements).await
            }
        };
        self.timed(operation, span, run).await
    }

    /// Runs SQL text at start, without round trip or span.
    ///
    /// # Errors
    /// [`ServiceError::Database`].
    pub async fn script(&self, what: &str, sql: String) -> Result<(), ServiceError> {
        self.pools
            .script(sql)
            .await
            .map_err(failed(|| what.to_owned()))
    }

    /// Asks whether it answers.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn check(&self) -> Result<(), String> {
        match tokio::time::timeout(CHECK_LIMIT, self.pools.ping()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no answer within {CHECK_LIMIT:?}")),
        }
    }

    /// Closes its connections.
    pub async fn close(&self) {
        self.pools.close().await;
    }

    fn span(&self, statement: &Statement) -> Span {
        tracing::info_span!(
            "database",
            otel.name = statement.operation,
            otel.kind = "client",
            otel.status_code = Empty,
            db.system = self.pools.system(),
            db.operation.name = statement.verb(),
            db.query.text = statement.sql.as_str(),
            db.response.returned_rows = Empty,
        )
    }

    async fn timed<T>(
        &self,
        operation: &'static str,
        span: Span,
        run: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, ServiceError> {
        let began = Instant::now();
        let result = async {
            let _connection = self.gate.acquire().await;
            let takes = self.round_trip + self.troubles.delay();
            if !takes.is_zero() {
                tokio::time::sleep(takes).await;
            }
            run.await
        }
        .instrument(span.clone())
        .await;
        if result.is_err() {
            span.record("otel.status_code", "ERROR");
        }
        self.metrics
            .operations
            .get_or_create(&Operation { operation })
            .observe(began.elapsed().as_secs_f64());
        result.map_err(failed(|| operation.to_owned()))
    }
}

fn failed(what: impl FnOnce() -> String) -> impl FnOnce(sqlx::Error) -> ServiceError {
    move |source| ServiceError::Database {
        what: what(),
        source,
    }
}

/// An address without its password.
fn shown(address: &str) -> String {
    match (address.find("://"), address.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => {
            format!("{}://…{}", &address[..scheme], &address[at..])
        }
        _ => address.to_owned(),
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use scenarios::shop::Role;

    const SCHEMA: &str =
        "CREATE TABLE IF NOT EXISTS things (id BIGINT PRIMARY KEY, name TEXT NOT NULL)";

    /// A location in a folder, without round trip.
    pub fn location(folder: &std::path::Path, role: Role) -> Location {
        Location {
            address: folder.join(format!("{role}.db")).display().to_string(),
            schema: format!("drill_{role}"),
            fresh: false,
            round_trip: Duration::ZERO,
        }
    }

    async fn open(location: &Location) -> Database {
        Database::open(location, SCHEMA, Arc::new(Metrics::new("1")))
            .await
            .unwrap()
    }

    fn insert(id: i64, name: &str) -> Statement {
        Statement::new(
            "INSERT things",
            "INSERT INTO things (id, name) VALUES ($1, $2)",
        )
        .int(id)
        .text(name)
    }

    async fn names(database: &Database) -> Vec<String> {
        let select = Statement::new("SELECT things", "SELECT name FROM things ORDER BY id");
        let rows = database.rows::<(String,)>(select).await.unwrap();
        rows.into_iter().map(|row| row.0).collect()
    }

    #[tokio::test]
    async fn how_many_rows_a_query_brings_back_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&location(folder.path(), Role::Ledger)).await;
        for id in 0..12 {
            database.execute(insert(id, "a")).await.unwrap();
        }
        assert_eq!(names(&database).await.len(), 12);
        let text = database.metrics.text().unwrap();
        let line = |le| {
            format!(
                r#"db_client_response_returned_rows_bucket{{le="{le}",operation="SELECT things"}} "#
            )
        };
        for (le, count) in [("10.0", 0), ("100.0", 1)] {
            let wanted = format!("{}{count}\n", line(le));
            assert!(text.contains(&wanted), "no {wanted} in\n{text}");
        }
        // only queries bring rows back
        assert!(!text.contains(r#"returned_rows_count{operation="INSERT things"}"#));
    }

    #[tokio::test]
    async fn a_batch_whose_statement_misses_its_rows_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&location(folder.path(), Role::Ledger)).await;
        let miss = Statement::new("UPDATE things", "UPDATE things SET name = $1 WHERE id = $2")
            .text("b")
            .int(9)
            .touching(1);
        let outcome = database.batch(vec![insert(1, "a"), miss]).await.unwrap();
        assert_eq!(outcome, None);
        assert_eq!(names(&database).await, Vec::<String>::new());
        assert!(
            database
                .batch(vec![insert(1, "a"), insert(1, "twice")])
                .await
                .is_err()
        );
        assert_eq!(names(&database).await, Vec::<String>::new());
    }

    #[tokio::test]
    async fn a_database_outlives_its_service_unless_it_is_to_be_fresh() {
        let folder = tempfile::tempdir().unwrap();
        let mut location = location(folder.path(), Role::Ledger);
        let first = open(&location).await;
        first.execute(insert(1, "a")).await.unwrap();
        first.close().await;
        let second = open(&location).await;
        assert_eq!(names(&second).await, ["a"]);
        second.close().await;
        location.fresh = true;
        assert_eq!(names(&open(&location).await).await, Vec::<String>::new());
    }

    #[tokio::test]
    async fn a_batch_takes_no_less_than_the_declared_round_trip() {
        let folder = tempfile::tempdir().unwrap();
        let mut location = location(folder.path(), Role::Ledger);
        location.round_trip = Duration::from_millis(40);
        let database = open(&location).await;
        let began = Instant::now();
        database
            .batch(vec![insert(1, "a"), insert(2, "b")])
            .await
            .unwrap();
        assert!(began.elapsed() >= location.round_trip);
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_opened_is_named() {
        let mut location = location(std::path::Path::new("/"), Role::Ledger);
        location.address = "/no/such/folder/a.db".to_owned();
        let error = Database::open(&location, SCHEMA, Arc::new(Metrics::new("1")))
            .await
            .unwrap_err();
        assert!(
            error.to_string().contains("/no/such/folder/a.db"),
            "{error}"
        );
    }

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(
            shown("postgres://me:secret@host/db"),
            "postgres://…@host/db"
        );
        assert_eq!(shown("/tmp/a@b.db"), "/tmp/a@b.db");
    }
}
