//! What the terminal UI costs as a process of its own, in a real terminal: CPU while nothing comes and while lines come,
//! memory, and how long a key takes to show. Beside lnav with the same lines in a file.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use super::{
    Measure,
    figures::{Figure, Missing, Row, Spread, Target},
    glass::{FOLLOWED, HELD, PATIENCE, quantile, send},
    log_lines::{self, Line},
    log_peers::version,
    peers::{self, Folder},
    pty::InTerminal,
};
use crate::{command::program, exit::Failure};

/// How long CPU is measured.
const WINDOW: Duration = Duration::from_secs(10);
/// The terminal's size, columns and rows.
const SIZE: (u16, u16) = (160, 50);
/// Presses of keys of each figure.
const PRESSES: usize = 60;
/// Share of a core below which a program is taken to have read what there was.
const AT_REST: f64 = 0.10;
/// Targets of the design: percent of a core while nothing comes and while lines come, ms from a key to its frame.
const TARGETS: (f64, f64, f64) = (1.0, 10.0, 16.0);

/// Figures of one program, one for each run.
#[derive(Default)]
struct Seen {
    idle: Vec<f64>,
    following: Vec<f64>,
    mib: Vec<f64>,
    key_p50: Vec<f64>,
    key_p99: Vec<f64>,
}

/// Measures, on a lab that holds the lines already.
pub fn rows(measure: &Measure, url: &str, missing: &mut Vec<Missing>) -> Result<Vec<Row>, Failure> {
    // makes a pseudo terminal the program's own, as a shell does
    let Some(setsid) = peers::find("setsid", "apt install util-linux", missing) else {
        return Ok(Vec::new());
    };
    let lnav = peers::find("lnav", "apt install lnav", missing);
    let folder = Folder::new("glass")?;
    let file = folder.0.join("lines.jsonl");
    let mut lines = log_lines::lines(usize::MAX);
    let mut feed = Feed {
        url,
        file: write_lines(&file, lines.by_ref().take(HELD.0)).map_err(Failure::failed)?,
        lines: &mut lines,
    };
    let start = |program: &Path, words: &[&str], opens: &str| {
        let mut command = Command::new(&setsid);
        // settings of its own, and none of the person who measures
        command.env("HOME", &folder.0).current_dir(&folder.0);
        command.arg("--ctty").arg(program).args(words);
        let mut started = InTerminal::start(&mut command, SIZE)?;
        started.settle(AT_REST, PATIENCE)?;
        started.press(opens)?;
        Ok::<_, Failure>(started)
    };
    measure.tell("glass: the process …");
    let ours = start(&program()?, &["join", url, "--no-tour"], "2")?;
    let mut all = vec![("ours".to_owned(), ours, Seen::default())];
    if let Some(lnav) = &lnav {
        measure.tell("glass: lnav reads the file …");
        let words = [file.to_str().unwrap_or("lines.jsonl")];
        all.push((version(lnav), start(lnav, &words, "G")?, Seen::default()));
    }
    for number in 1..=measure.runs {
        measure.tell(&format!(
            "glass: the process, {number} of {} …",
            measure.runs
        ));
        run(&mut all, &mut feed)?;
    }
    Ok(table(&all))
}

/// One window without lines, one with, and keys.
fn run(all: &mut [(String, InTerminal, Seen)], feed: &mut Feed<'_>) -> Result<(), Failure> {
    for (_, program, _) in &*all {
        program.settle(AT_REST, PATIENCE)?;
    }
    let idle = percents(all, || {
        thread::sleep(WINDOW);
        Ok(())
    })?;
    let following = percents(all, || feed.during(WINDOW))?;
    for ((_, program, seen), (idle, following)) in
        all.iter_mut().zip(idle.into_iter().zip(following))
    {
        seen.idle.push(idle);
        seen.following.push(following);
        seen.mib.push(program.spent().1);
        program.settle(AT_REST, PATIENCE)?;
        let mut took = Vec::new();
        for key in ["k", "j"].iter().cycle().take(PRESSES) {
            took.push(program.key_ms(key)?);
        }
        // back to the newest, to follow them
        program.press("G")?;
        seen.key_p50.push(quantile(&took, 0.5));
        seen.key_p99.push(quantile(&took, 0.99));
    }
    Ok(())
}

/// Percent of a core that each takes while something is done.
fn percents(
    all: &[(String, InTerminal, Seen)],
    done: impl FnOnce() -> Result<(), Failure>,
) -> Result<Vec<f64>, Failure> {
    let spent = || all.iter().map(|(_, program, _)| program.spent().0);
    let (began, before) = (Instant::now(), spent().collect::<Vec<f64>>());
    done()?;
    let seconds = began.elapsed().as_secs_f64();
    Ok(spent()
        .zip(before)
        .map(|(after, before)| 100.0 * (after - before) / seconds)
        .collect())
}

fn table(all: &[(String, InTerminal, Seen)]) -> Vec<Row> {
    let (idle, following, key_ms) = TARGETS;
    let row = |work: &str, unit, of: fn(&Seen) -> &Vec<f64>, most: Option<f64>| {
        let mut figures = all.iter().map(|(name, _, seen)| Figure {
            of: name.clone(),
            value: Spread::of(of(seen).clone()),
        });
        figures.next().map(|ours| Row {
            work: work.to_owned(),
            size: format!("the process at {}x{}", SIZE.0, SIZE.1),
            unit,
            ours,
            peers: figures.collect(),
            target: most.map(Target::AtMost),
        })
    };
    let lines = format!("CPU of one core, following {} lines/s", FOLLOWED.0);
    let rows = [
        row("CPU of one core, idle", "%", |s| &s.idle, Some(idle)),
        row(&lines, "%", |s| &s.following, Some(following)),
        row("memory (PSS)", "MiB", |s| &s.mib, None),
        row(
            "from a key to the terminal, p50",
            "ms",
            |s| &s.key_p50,
            Some(key_ms),
        ),
        row(
            "from a key to the terminal, p99",
            "ms",
            |s| &s.key_p99,
            Some(key_ms),
        ),
    ];
    rows.into_iter().flatten().collect()
}

/// Where lines go: to the lab, and to the end of the file.
struct Feed<'a> {
    url: &'a str,
    file: BufWriter<File>,
    lines: &'a mut (dyn Iterator<Item = Line> + Send),
}

impl Feed<'_> {
    /// Feeds for a while, at the rate that is followed.
    fn during(&mut self, long: Duration) -> Result<(), Failure> {
        let between = Duration::from_secs(1) / FOLLOWED.1;
        let (began, mut batches) = (Instant::now(), 0);
        while began.elapsed() < long {
            let lines: Vec<Line> = self.lines.take(FOLLOWED.0 / FOLLOWED.1 as usize).collect();
            for line in &lines {
                writeln!(self.file, "{}", line.text).map_err(Failure::failed)?;
            }
            self.file.flush().map_err(Failure::failed)?;
            let count = lines.len();
            send(self.url, lines.into_iter(), count, between)?;
            batches += 1;
            thread::sleep((between * batches).saturating_sub(began.elapsed()));
        }
        Ok(())
    }
}

fn write_lines(file: &Path, lines: impl Iterator<Item = Line>) -> std::io::Result<BufWriter<File>> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(file)?);
    for line in lines {
        writeln!(out, "{}", line.text)?;
    }
    out.flush()?;
    Ok(out)
}
