//! Those who read log lines too: ripgrep, lnav, and DuckDB through Python. Knows no questions.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{ChildStdin, ChildStdout, Command, Stdio},
    time::Instant,
};

use super::{
    figures::Missing,
    peers::{self, Guard},
};
use crate::exit::Failure;

/// The peers that are here, by the paths of their programs.
pub struct Peers {
    /// ripgrep.
    pub rg: Option<PathBuf>,
    /// lnav.
    pub lnav: Option<PathBuf>,
    /// Python with DuckDB.
    pub python: Option<PathBuf>,
}

impl Peers {
    /// Those that are here; the others are noted in `missing`.
    pub fn find(missing: &mut Vec<Missing>) -> Self {
        let python = peers::find("python3", "apt install python3", missing).filter(|python| {
            let imported = Command::new(python)
                .args(["-c", "import duckdb"])
                .stderr(Stdio::null())
                .status();
            let is_there = imported.is_ok_and(|status| status.success());
            if !is_there {
                missing.push(Missing {
                    peer: "duckdb".to_owned(),
                    install: "pip install duckdb".to_owned(),
                });
            }
            is_there
        });
        Self {
            rg: peers::find("rg", "apt install ripgrep", missing),
            lnav: peers::find("lnav", "apt install lnav", missing),
            python,
        }
    }
}

/// DuckDB in a process of its own, with the lines in a database file of its own.
pub struct Duck {
    _child: Guard,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// Its name and version.
    pub version: String,
}

impl Duck {
    /// Starts it and lets it read the lines; what that takes is not measured.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(python: &Path, lines: &Path, database: &Path) -> Result<Self, Failure> {
        let mut child = Command::new(python)
            .args(["-c", include_str!("duck.py")])
            .args([lines, database])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| Failure::failed(format!("DuckDB cannot be started: {error}")))?;
        let ask = child.stdin.take().expect("standard input is piped");
        let out = child.stdout.take().expect("standard output is piped");
        let mut duck = Self {
            _child: Guard(child),
            ask,
            answers: BufReader::new(out),
            version: String::new(),
        };
        duck.version = format!("DuckDB {}", duck.line()?);
        Ok(duck)
    }

    fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        self.answers.read_line(&mut line).map_err(Failure::failed)?;
        if line.is_empty() {
            return Err(Failure::failed("DuckDB ended without an answer"));
        }
        Ok(line.trim().to_owned())
    }

    /// How long a statement took, ms, and what the last column of its answer adds up to.
    ///
    /// # Errors
    /// When it answers anything else.
    pub fn run(&mut self, sql: &str) -> Result<(f64, f64), Failure> {
        writeln!(self.ask, "{sql}").map_err(Failure::failed)?;
        let line = self.line()?;
        let parsed = line
            .split_once(' ')
            .and_then(|(ms, sum)| Some((ms.parse().ok()?, sum.parse().ok()?)));
        parsed.ok_or_else(|| Failure::failed(format!("DuckDB answered {line:?}")))
    }
}

/// Runs a program that reads the lines; what it took, ms, and what it printed.
///
/// # Errors
/// When it cannot be run.
pub fn timed(program: &Path, arguments: &[&str], lines: &Path) -> Result<(f64, String), Failure> {
    let start = Instant::now();
    let output = Command::new(program)
        .args(arguments)
        .arg(lines)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| {
            Failure::failed(format!("{} cannot be run: {error}", program.display()))
        })?;
    let took = start.elapsed().as_secs_f64() * 1e3;
    Ok((took, String::from_utf8_lossy(&output.stdout).into_owned()))
}

/// The first line that `--version` prints.
pub fn version(program: &Path) -> String {
    let output = Command::new(program).arg("--version").output();
    let text = output.map_or_else(|_| Vec::new(), |output| output.stdout);
    let text = String::from_utf8_lossy(&text);
    text.lines().next().unwrap_or_default().to_owned()
}
