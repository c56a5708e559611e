//! What scripts of both languages have in common: a word and a text a line, a block of further lines below it, `load`, `clear`,
//! and how a failure is expected.

use std::collections::BTreeSet;
use std::path::Path;

use telemetry::{QueryError, Telemetry};

/// Right, or what was expected and what was found; `None` for a word that the language does not know.
pub type Answer = Option<Result<(), String>>;

/// A language of scripts.
pub struct Language {
    /// Folder of its scripts under `tests`.
    pub folder: &'static str,
    /// Loads one line of a `load` block.
    pub append: fn(&Telemetry, &str),
    /// Does a word of its own: the word, its text and the block below.
    pub ask: fn(&Telemetry, &str, &str, &[&str]) -> Answer,
}

impl Language {
    /// Runs one script; returns how many questions it asks, and which answers are wrong.
    pub fn run(&self, file: &str, script: &str) -> (usize, Vec<String>) {
        let (mut telemetry, mut asked, mut failures) = (crate::fresh(), 0, Vec::new());
        let mut lines = script.lines().enumerate().peekable();
        while let Some((number, line)) = lines.next() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut block = Vec::new();
            while let Some((_, inner)) = lines.next_if(|(_, inner)| inner.starts_with("  ")) {
                block.push(&inner[2..]);
            }
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "clear" => telemetry = crate::fresh(),
                "load" => block
                    .iter()
                    .for_each(|line| (self.append)(&telemetry, line)),
                _ => {
                    asked += 1;
                    let answer = (self.ask)(&telemetry, word, rest, &block)
                        .unwrap_or_else(|| panic!("{file}:{}: unknown word {word:?}", number + 1));
                    if let Err(why) = answer {
                        failures.push(format!("{file}:{}: {line}\n   {why}", number + 1));
                    }
                }
            }
        }
        (asked, failures)
    }

    /// Names and texts of all its scripts.
    fn scripts(&self) -> Vec<(String, String)> {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
        let entries = std::fs::read_dir(tests.join(self.folder)).unwrap();
        let mut scripts: Vec<_> = entries
            .map(|entry| {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                (name, std::fs::read_to_string(path).unwrap())
            })
            .collect();
        scripts.sort();
        scripts
    }

    /// Runs all scripts, which ask more than `least` questions.
    pub fn holds(&self, least: usize) {
        let (mut asked, mut failures) = (0, Vec::new());
        for (name, script) in self.scripts() {
            let (count, wrong) = self.run(&name, &script);
            asked += count;
            failures.extend(wrong);
        }
        assert!(
            failures.is_empty(),
            "{} of {asked} are wrong:\n{}",
            failures.len(),
            failures.join("\n")
        );
        assert!(asked > least, "only {asked} questions were asked");
    }

    /// The words in quotes of a grammar file, which are made of characters that fit. Each stands in a script: whoever adds one
    /// adds a script.
    pub fn words<'g>(&self, grammar: &'g str, fits: fn(char) -> bool) -> BTreeSet<&'g str> {
        let word = |word: &&str| word.len() > 1 && word.chars().all(fits);
        let words: BTreeSet<&str> = grammar.split('"').skip(1).step_by(2).filter(word).collect();
        assert!(words.len() > 40, "{words:?}");
        let all: String = self.scripts().into_iter().map(|(_, text)| text).collect();
        let missing: Vec<_> = words.iter().filter(|word| !all.contains(**word)).collect();
        assert!(missing.is_empty(), "no script says {missing:?}");
        words
    }
}

/// Whether a query failed as a script expects: the place of its error (`-` for none) and a part of its text.
pub fn failed_as(error: Option<QueryError>, query: &str, expected: &[&str]) -> Result<(), String> {
    let [expected] = expected else {
        panic!("one line says how {query} fails")
    };
    let (place, part) = expected
        .split_once(' ')
        .expect("a place and a part of the text");
    let Some(error) = error else {
        return Err("no error".to_owned());
    };
    let position = error.position().map_or("-".to_owned(), |at| at.to_string());
    if position == place && error.to_string().contains(part) {
        Ok(())
    } else {
        Err(format!(
            "expected {place} {part:?}\n   found {position} {error}"
        ))
    }
}
