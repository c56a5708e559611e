//! The history of drills: one SQLite file beside the drill folders. It is an index for people who
//! want trends; the folders stay the truth, and a drill goes on without it.

use std::{path::Path, time::Duration};

use serde::Serialize;
use sqlx::{
    FromRow, SqlitePool,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};

/// Name of the file in the logs folder.
pub const HISTORY_FILE: &str = "history.db";

/// How long a writer waits for another process that holds the file; then the drill goes on without.
const BUSY: Duration = Duration::from_secs(2);

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Why the history cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file cannot be opened, or is no history.
    #[error("cannot open the history of drills {path}; move the file away to begin a new one")]
    Open {
        /// Which.
        path: String,
        /// Why.
        source: sqlx::Error,
    },
    /// Its tables cannot be brought up to date.
    #[error(
        "cannot bring the history of drills {path} up to date; move the file away to begin a new one"
    )]
    Migrate {
        /// Which.
        path: String,
        /// Why.
        source: sqlx::migrate::MigrateError,
    },
    /// It cannot be read or written.
    #[error("cannot use the history of drills")]
    Use(#[from] sqlx::Error),
}

/// A drill in the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow)]
pub struct DrillRow {
    /// Opaque id.
    pub id: String,
    /// Scenario; not to be shown before the drill has ended.
    pub slug: String,
    /// Seed, as text: SQLite has no unsigned 64-bit numbers.
    pub seed: String,
    /// 1 to 4.
    pub level: i64,
    /// When it started, RFC 3339.
    pub started: String,
    /// When it ended; none while it runs, or when it crashed.
    pub ended: Option<String>,
    /// How it ended.
    pub how: Option<String>,
    /// Score, decimal.
    pub score: Option<String>,
    /// Time to root cause with hints, milliseconds.
    pub ttrc_ms: Option<i64>,
    /// Folder, if it was recorded.
    pub folder: Option<String>,
}

/// How a drill ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// When, RFC 3339.
    pub ended: String,
    /// How.
    pub how: String,
    /// Score, decimal.
    pub score: String,
    /// Time to root cause, milliseconds, if it was found.
    pub ttrc_ms: Option<i64>,
    /// Folder after its renaming.
    pub folder: Option<String>,
}

/// The history. Clones share their connections.
#[derive(Debug, Clone)]
pub struct History {
    pool: SqlitePool,
}

impl History {
    /// Opens the file, makes it where there is none, and brings its tables up to date.
    ///
    /// # Errors
    /// When it cannot be opened, is no SQLite file, or cannot be written.
    pub async fn open(path: &Path) -> Result<Self, HistoryError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(BUSY);
        let name = || path.display().to_string();
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(BUSY)
            .connect_with(options)
            .await
            .map_err(|source| HistoryError::Open {
                path: name(),
                source,
            })?;
        MIGRATIONS
            .run(&pool)
            .await
            .map_err(|source| HistoryError::Migrate {
                path: name(),
                source,
            })?;
        Ok(Self { pool })
    }

    /// Writes that a drill began.
    ///
    /// # Errors
    /// When it cannot be written, or the id is there already.
    pub async fn begin(&self, row: &DrillRow) -> Result<(), HistoryError> {
        sqlx::query("INSERT INTO drills (id, slug, seed, level, started, folder) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(&row.id)
            .bind(&row.slug)
            .bind(&row.seed)
            .bind(row.level)
            .bind(&row.started)
            .bind(&row.folder)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Writes how it ended.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn end(&self, id: &str, ending: &Ending) -> Result<(), HistoryError> {
        sqlx::query("UPDATE drills SET ended = $2, how = $3, score = $4, ttrc_ms = $5, folder = $6 WHERE id = $1")
            .bind(id)
            .bind(&ending.ended)
            .bind(&ending.how)
            .bind(&ending.score)
            .bind(ending.ttrc_ms)
            .bind(&ending.folder)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The latest drills, newest first, at most `limit`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn list(&self, limit: u32) -> Result<Vec<DrillRow>, HistoryError> {
        Ok(sqlx::query_as(
            "SELECT id, slug, seed, level, started, ended, how, score, ttrc_ms, folder FROM drills \
             ORDER BY started DESC, id LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&self.pool)
        .await?)
    }

    /// Writes everything to the file and lets it go.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, started: &str) -> DrillRow {
        DrillRow {
            id: id.into(),
            slug: "quiet-night".into(),
            seed: u64::MAX.to_string(),
            level: 2,
            started: started.into(),
            ended: None,
            how: None,
            score: None,
            ttrc_ms: None,
            folder: None,
        }
    }

    #[tokio::test]
    async fn a_drill_is_kept_over_reopening_with_its_ending() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(HISTORY_FILE);
        let history = History::open(&path).await.unwrap();
        history
            .begin(&row("a", "2026-11-21T06:00:00Z"))
            .await
            .unwrap();
        history
            .begin(&row("b", "2026-11-21T07:00:00Z"))
            .await
            .unwrap();
        assert!(
            history
                .begin(&row("b", "2026-11-21T08:00:00Z"))
                .await
                .is_err()
        );
        let ending = Ending {
            ended: "2026-11-21T06:30:00Z".into(),
            how: "finished".into(),
            score: "92.5".into(),
            ttrc_ms: Some(372_000),
            folder: Some("logs/a".into()),
        };
        history.end("a", &ending).await.unwrap();
        history.close().await;
        let again = History::open(&path).await.unwrap();
        let rows = again.list(10).await.unwrap();
        assert_eq!(
            rows.iter().map(|r| r.id.as_str()).collect::<Vec<_>>(),
            ["b", "a"]
        );
        assert_eq!(rows[0], row("b", "2026-11-21T07:00:00Z"));
        assert_eq!(rows[1].score.as_deref(), Some("92.5"));
        assert_eq!(rows[1].ttrc_ms, Some(372_000));
        assert_eq!(again.list(1).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_file_that_is_no_history_is_refused_with_its_path_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(HISTORY_FILE);
        let junk = "this is no database, it only has the name of one ".repeat(40);
        std::fs::write(&path, &junk).unwrap();
        let error = History::open(&path).await.unwrap_err();
        assert!(error.to_string().contains("history.db"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), junk);
    }

    #[tokio::test]
    async fn a_missing_folder_is_an_error_and_no_panic() {
        let error = History::open(Path::new("/nonexistent/history.db"))
            .await
            .unwrap_err();
        assert!(matches!(error, HistoryError::Open { .. }));
    }
}
