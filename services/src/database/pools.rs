//! Two typed pools behind one face. SQLite in WAL mode has one writer and a few readers; with
//! PostgreSQL one pool does both. It knows neither spans nor round trips.

use std::{path::Path, time::Duration};

use sqlx::{
    AssertSqlSafe, Database as Driver, PgPool, Postgres, Sqlite, SqlitePool,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{
    Location, Record,
    statement::{Statement, Value},
};

/// Readers of a SQLite file: a loopback read takes microseconds, so a few serve many requests.
const SQLITE_READERS: u32 = 3;
/// Connections to PostgreSQL per service; eleven services stay below its default of 100.
const POSTGRES_CONNECTIONS: u32 = 8;
/// How long a writer waits for another process's write before it fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a request waits for a connection before it fails.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// Page cache of a SQLite connection, KiB: the whole lab is to stay small, and the files are.
const SQLITE_CACHE_KIB: &str = "-512";

/// The pools.
#[derive(Debug)]
pub enum Pools {
    /// A file.
    Sqlite {
        /// One connection.
        writer: SqlitePool,
        /// A few.
        readers: SqlitePool,
    },
    /// A server, in a schema of its own.
    Postgres(PgPool),
}

impl Pools {
    /// Opens the database, cleared first if it is to be fresh.
    pub async fn open(location: &Location) -> Result<Self, sqlx::Error> {
        let address = location.address.as_str();
        if address.starts_with("postgres://") || address.starts_with("postgresql://") {
            return Self::open_postgres(location).await;
        }
        if location.fresh {
            clear_file(address)?;
        }
        let options = SqliteConnectOptions::new()
            .filename(address)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // a drill's data need not survive a power cut
            .synchronous(SqliteSynchronous::Off)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("cache_size", SQLITE_CACHE_KIB)
            .command_buffer_size(16)
            .row_buffer_size(16);
        let pool = |connections: u32| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .idle_timeout(None)
                .max_lifetime(None)
                .test_before_acquire(false)
                .acquire_timeout(ACQUIRE_TIMEOUT)
        };
        // the writer first: it makes the file
        let writer = pool(1).connect_with(options.clone()).await?;
        let readers = pool(SQLITE_READERS).connect_lazy_with(options);
        Ok(Self::Sqlite { writer, readers })
    }

    async fn open_postgres(location: &Location) -> Result<Self, sqlx::Error> {
        let schema = &location.schema;
        let options: PgConnectOptions = location.address.parse()?;
        let options = options.options([("search_path", schema.as_str())]);
        let pool = PgPoolOptions::new()
            .max_connections(POSTGRES_CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options)
            .await?;
        if location.fresh {
            let drop = format!(r#"DROP SCHEMA IF EXISTS "{schema}" CASCADE"#);
            sqlx::raw_sql(AssertSqlSafe(drop)).execute(&pool).await?;
        }
        let create = format!(r#"CREATE SCHEMA IF NOT EXISTS "{schema}""#);
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&pool).await?;
        Ok(Self::Postgres(pool))
    }

    /// Name in `db.system`.
    pub fn system(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "sqlite",
            Self::Postgres(_) => "postgresql",
        }
    }

    /// SQL text without values; several statements, one transaction.
    pub async fn script(&self, sql: String) -> Result<(), sqlx::Error> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql));
        match self {
            Self::Sqlite { writer, .. } => {
                let mut transaction = writer.begin().await?;
                sql.execute(&mut *transaction).await?;
                transaction.commit().await
            }
            Self::Postgres(pool) => {
                let mut transaction = pool.begin().await?;
                sql.execute(&mut *transaction).await?;
                transaction.commit().await
            }
        }
    }

    /// Rows of a query.
    pub async fn rows<T: Record>(&self, statement: Statement) -> Result<Vec<T>, sqlx::Error> {
        match self {
            Self::Sqlite { readers, .. } => {
                let mut query = sqlx::query_as::<Sqlite, T>(statement.sql);
                for value in statement.values {
                    query = match value {
                        Value::Int(value) => query.bind(value),
                        Value::Text(value) => query.bind(value),
                    };
                }
                query.fetch_all(readers).await
            }
            Self::Postgres(pool) => {
                let mut query = sqlx::query_as::<Postgres, T>(statement.sql);
                for value in statement.values {
                    query = match value {
                        Value::Int(value) => query.bind(value),
                        Value::Text(value) => query.bind(value),
                    };
                }
                query.fetch_all(pool).await
            }
        }
    }

    /// Statements in one transaction; `None` and nothing changed when one touches other rows than it must. One statement
    /// without such a demand goes without a transaction of its own.
    pub async fn batch(&self, statements: Vec<Statement>) -> Result<Option<u64>, sqlx::Error> {
        let alone = statements.len() == 1 && statements[0].must_touch.is_none();
        match self {
            Self::Sqlite { writer, .. } => {
                if alone {
                    let mut connection = writer.acquire().await?;
                    return run_sqlite(&mut connection, statements).await;
                }
                let mut transaction = writer.begin().await?;
                let touched = run_sqlite(&mut transaction, statements).await?;
                finish(transaction, touched).await
            }
            Self::Postgres(pool) => {
                if alone {
                    let mut connection = pool.acquire().await?;
                    return run_postgres(&mut connection, statements).await;
                }
                let mut transaction = pool.begin().await?;
                let touched = run_postgres(&mut transaction, statements).await?;
                finish(transaction, touched).await
            }
        }
    }

    /// Whether it answers.
    pub async fn ping(&self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite { readers, .. } => {
                sqlx::query("SELECT 1").execute(readers).await.map(drop)
            }
            Self::Postgres(pool) => sqlx::query("SELECT 1").execute(pool).await.map(drop),
        }
    }

    /// Closes all connections.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

async fn finish<D: Driver>(
    transaction: sqlx::Transaction<'_, D>,
    touched: Option<u64>,
) -> Result<Option<u64>, sqlx::Error> {
    if touched.is_some() {
        transaction.commit().await?;
    } else {
        transaction.rollback().await?;
    }
    Ok(touched)
}

async fn run_sqlite(
    connection: &mut sqlx::SqliteConnection,
    statements: Vec<Statement>,
) -> Result<Option<u64>, sqlx::Error> {
    let mut all = 0;
    for statement in statements {
        let mut query = sqlx::query::<Sqlite>(statement.sql);
        for value in statement.values {
            query = match value {
                Value::Int(value) => query.bind(value),
                Value::Text(value) => query.bind(value),
            };
        }
        let touched = query.execute(&mut *connection).await?.rows_affected();
        if statement.must_touch.is_some_and(|rows| rows != touched) {
            return Ok(None);
        }
        all += touched;
    }
    Ok(Some(all))
}

async fn run_postgres(
    connection: &mut sqlx::PgConnection,
    statements: Vec<Statement>,
) -> Result<Option<u64>, sqlx::Error> {
    let mut all = 0;
    for statement in statements {
        let mut query = sqlx::query::<Postgres>(statement.sql);
        for value in statement.values {
            query = match value {
                Value::Int(value) => query.bind(value),
                Value::Text(value) => query.bind(value),
            };
        }
        let touched = query.execute(&mut *connection).await?.rows_affected();
        if statement.must_touch.is_some_and(|rows| rows != touched) {
            return Ok(None);
        }
        all += touched;
    }
    Ok(Some(all))
}

/// Removes a database file and what belongs to it.
fn clear_file(address: &str) -> Result<(), sqlx::Error> {
    for suffix in ["", "-wal", "-shm"] {
        let file = format!("{address}{suffix}");
        match std::fs::remove_file(Path::new(&file)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}
