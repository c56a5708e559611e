//! Two typed pools behind one face. SQLite in WAL mode has one writer and a few readers; with
//! PostgreSQL one pool does both. It knows neither spans nor round trips.

use std::{path::Path, time::Duration};

use sqlx::{
    Arguments as _, AssertSqlSafe, ConnectOptions, Connection, Database as Driver, Encode,
    Executor, FromRow, IntoArguments, Postgres, Sqlite, Type,
    postgres::{PgConnectOptions, PgQueryResult},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteQueryResult, SqliteSynchronous},
};

use super::{
    Location, Record,
    lender::Lender,
    statement::{Statement, Value},
};

/// Readers of a SQLite file: a loopback read takes microseconds, so a few serve many requests.
const SQLITE_READERS: usize = 3;
/// Connections to PostgreSQL per service; eleven services stay below its default of 100.
const POSTGRES_CONNECTIONS: usize = 8;
/// How long a writer waits for another process's write before it fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// Page cache of a SQLite connection, KiB: the whole lab is to stay small, and the files are.
const SQLITE_CACHE_KIB: &str = "-512";

/// SQLite's own bound of a file, pages.
const SQLITE_MOST_PAGES: i64 = 4_294_967_294;
/// Locks every table of the schema against writers.
const POSTGRES_LOCK: &str = "BEGIN; \
    DO $$ DECLARE held record; BEGIN \
        FOR held IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() LOOP \
            EXECUTE format('LOCK TABLE %I IN EXCLUSIVE MODE', held.tablename); \
        END LOOP; \
    END $$";

/// The pools of a database of either kind.
#[derive(Debug)]
pub enum Pools {
    /// A file.
    Sqlite(Pair<Sqlite>),
    /// A server, in a schema of its own.
    Postgres(Pair<Postgres>),
}

/// Where statements that change something run, and where queries do.
#[derive(Debug)]
pub struct Pair<D: Driver> {
    writer: Lender<D>,
    /// None of its own: the writer's serve.
    readers: Option<Lender<D>>,
}

/// Calls a method of the pair, whichever it is.
macro_rules! pair {
    ($pools:expr, $pair:ident => $call:expr) => {
        match $pools {
            Pools::Sqlite($pair) => $call,
            Pools::Postgres($pair) => $call,
        }
    };
}

impl Pools {
    /// Opens the database, cleared first if it is to be fresh.
    pub async fn open(location: &Location) -> Result<Self, sqlx::Error> {
        let address = location.address.as_str();
        if address.starts_with("postgres://") || address.starts_with("postgresql://") {
            open_postgres(location).await.map(Self::Postgres)
        } else {
            open_sqlite(location).await.map(Self::Sqlite)
        }
    }

    /// Name in `db.system`.
    pub fn system(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgresql",
        }
    }

    /// SQL text without values; several statements, one transaction.
    pub async fn script(&self, sql: String) -> Result<(), sqlx::Error> {
        pair!(self, pair => pair.script(sql).await)
    }

    /// Rows of a query.
    pub async fn rows<T: Record>(&self, statement: Statement) -> Result<Vec<T>, sqlx::Error> {
        pair!(self, pair => pair.rows(statement).await)
    }

    /// Statements in one transaction; `None` and nothing changed when one touches other rows than it must. One statement
    /// without such a demand goes without a transaction of its own.
    pub async fn batch(&self, statements: Vec<Statement>) -> Result<Option<u64>, sqlx::Error> {
        pair!(self, pair => pair.batch(statements).await)
    }

    /// Runs a statement by itself and loses the connection before its result arrives.
    pub async fn break_off(&self, statement: Statement) -> sqlx::Error {
        pair!(self, pair => pair.break_off(statement).await)
    }

    /// Lets readers in and keeps writers out for so long, over a connection of its own. Dropping the future lets them in.
    pub async fn keep_writers_out(&self, hold: Duration) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(pair) => pair.hold("BEGIN IMMEDIATE", hold).await,
            Self::Postgres(pair) => pair.hold(POSTGRES_LOCK, hold).await,
        }
    }

    /// Lets it grow no more, or again; `None` when it cannot be kept from it.
    pub async fn bound(&self, bounded: bool) -> Option<Result<(), sqlx::Error>> {
        match self {
            Self::Sqlite(pair) => Some(bound_pages(pair, bounded).await),
            Self::Postgres(_) => None,
        }
    }

    /// Whether it answers.
    pub async fn ping(&self) -> Result<(), sqlx::Error> {
        pair!(self, pair => pair.ping().await)
    }

    /// Closes all connections.
    pub async fn close(&self) {
        pair!(self, pair => {
            pair.readers().close().await;
            pair.writer.close().await;
        });
    }
}

async fn open_sqlite(location: &Location) -> Result<Pair<Sqlite>, sqlx::Error> {
    let address = location.address.as_str();
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
        .row_buffer_size(16)
        // our own spans tell of statements; nobody reads sqlx's
        .disable_statement_logging();
    let pair = Pair {
        writer: Lender::new(options.clone(), 1),
        readers: Some(Lender::new(options, SQLITE_READERS)),
    };
    // the writer makes the file, so that readers find it
    pair.writer.lend().await?.give_back();
    Ok(pair)
}

async fn open_postgres(location: &Location) -> Result<Pair<Postgres>, sqlx::Error> {
    let schema = &location.schema;
    let options: PgConnectOptions = location.address.parse()?;
    let options = options
        .options([("search_path", schema.as_str())])
        .disable_statement_logging();
    let pair = Pair {
        writer: Lender::new(options, POSTGRES_CONNECTIONS),
        readers: None,
    };
    if location.fresh {
        pair.script(format!(r#"DROP SCHEMA IF EXISTS "{schema}" CASCADE"#))
            .await?;
    }
    pair.script(format!(r#"CREATE SCHEMA IF NOT EXISTS "{schema}""#))
        .await?;
    Ok(pair)
}

/// Bounds the file at the pages that it has, or not at all. The bound is each connection's own, so the next ones get it too.
async fn bound_pages(pair: &Pair<Sqlite>, bounded: bool) -> Result<(), sqlx::Error> {
    let mut lent = pair.writer.lend().await?;
    let pages = if bounded {
        sqlx::query_scalar("PRAGMA page_count")
            .fetch_one(&mut lent.connection)
            .await?
    } else {
        SQLITE_MOST_PAGES
    };
    let pragma = format!("PRAGMA max_page_count = {pages}");
    let execute = lent.connection.execute(AssertSqlSafe(pragma.clone()));
    execute.await?;
    pair.writer.greet_with(bounded.then_some(pragma));
    lent.give_back();
    Ok(())
}

/// How many rows a statement touched, which sqlx says of every driver but promises of none.
pub trait Touched {
    /// Rows of a statement that ran.
    fn touched(&self) -> u64;
}

impl Touched for SqliteQueryResult {
    fn touched(&self) -> u64 {
        self.rows_affected()
    }
}

impl Touched for PgQueryResult {
    fn touched(&self) -> u64 {
        self.rows_affected()
    }
}

impl<D> Pair<D>
where
    D: Driver<Arguments: IntoArguments<D>, QueryResult: Touched>,
    for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
    for<'q> i64: Encode<'q, D> + Type<D>,
    for<'q> String: Encode<'q, D> + Type<D>,
{
    fn readers(&self) -> &Lender<D> {
        self.readers.as_ref().unwrap_or(&self.writer)
    }

    async fn script(&self, sql: String) -> Result<(), sqlx::Error> {
        let mut lent = self.writer.lend().await?;
        lent.connection.execute("BEGIN").await?;
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut lent.connection)
            .await?;
        lent.connection.execute("COMMIT").await?;
        lent.give_back();
        Ok(())
    }

    async fn rows<T>(&self, statement: Statement) -> Result<Vec<T>, sqlx::Error>
    where
        T: for<'r> FromRow<'r, D::Row> + Send + Unpin,
    {
        let arguments = Self::arguments(statement.values)?;
        let mut lent = self.readers().lend().await?;
        let rows = sqlx::query_as_with(statement.sql, arguments)
            .fetch_all(&mut lent.connection)
            .await?;
        lent.give_back();
        Ok(rows)
    }

    async fn batch(&self, statements: Vec<Statement>) -> Result<Option<u64>, sqlx::Error> {
        let mut lent = self.writer.lend().await?;
        let alone = statements.len() == 1 && statements[0].must_touch.is_none();
        if !alone {
            lent.connection.execute("BEGIN").await?;
        }
        let touched = Self::run(&mut lent.connection, statements).await?;
        if !alone {
            let end = touched.map_or("ROLLBACK", |_| "COMMIT");
            lent.connection.execute(end).await?;
        }
        lent.give_back();
        Ok(touched)
    }

    async fn break_off(&self, statement: Statement) -> sqlx::Error {
        let ran = async {
            let mut lent = self.writer.lend().await?;
            // not given back: whoever lost it cannot use it any more
            Self::run(&mut lent.connection, vec![statement]).await
        };
        match ran.await {
            Ok(_) => sqlx::Error::Io(rustix::io::Errno::CONNRESET.into()),
            Err(error) => error,
        }
    }

    async fn hold(&self, begin: &'static str, hold: Duration) -> Result<(), sqlx::Error> {
        let mut connection = self.writer.connect().await?;
        sqlx::raw_sql(begin).execute(&mut connection).await?;
        tokio::time::sleep(hold).await;
        connection.execute("ROLLBACK").await?;
        connection.close().await
    }

    async fn ping(&self) -> Result<(), sqlx::Error> {
        let mut lent = self.readers().lend().await?;
        lent.connection.execute("SELECT 1").await?;
        lent.give_back();
        Ok(())
    }

    async fn run(
        connection: &mut D::Connection,
        statements: Vec<Statement>,
    ) -> Result<Option<u64>, sqlx::Error> {
        let mut all = 0;
        for statement in statements {
            let arguments = Self::arguments(statement.values)?;
            let touched = sqlx::query_with(statement.sql, arguments)
                .execute(&mut *connection)
                .await?
                .touched();
            if statement.must_touch.is_some_and(|rows| rows != touched) {
                return Ok(None);
            }
            all += touched;
        }
        Ok(Some(all))
    }

    fn arguments(values: Vec<Value>) -> Result<D::Arguments, sqlx::Error> {
        let mut arguments = D::Arguments::default();
        for value in values {
            match value {
                Value::Int(value) => arguments.add(value),
                Value::Text(value) => arguments.add(value),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        Ok(arguments)
    }
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
