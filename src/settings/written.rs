//! A small TOML file of one's own, read as far as it goes: what is wrong with it is told with its line, and the rest
//! holds. Deliberately knows nothing of what its keys mean.

use std::{io::Read, ops::Range, path::Path};

use toml::de::{DeTable, DeValue};

/// Most bytes of a file that are read: who names a device by mistake waits for nothing.
const LARGEST: u64 = 1 << 20;
/// Most lines that are left out as no TOML; behind them reading ends.
const MOST_MISTAKES: usize = 50;

/// A file, read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The file as it was named, for what is told of it.
    name: String,
    /// What it says, line by line.
    pub entries: Vec<Entry>,
    /// What could not be read: file, line, why, remedy; by line.
    pub complaints: Vec<String>,
    /// The lines of the complaints.
    complained: Vec<usize>,
}

/// A key and what stands behind it.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// Line, from 1.
    pub line: usize,
    /// The key, with the names of the tables around it: `logs.context`.
    pub key: String,
    /// One text, or those of a list.
    pub texts: Vec<String>,
    /// Whether it is a list.
    pub list: bool,
}

/// The line in which something begins, from 1.
fn line_of(text: &str, span: &Range<usize>) -> usize {
    let before = text.as_bytes().iter().take(span.start);
    before.filter(|byte| **byte == b'\n').count() + 1
}

/// The first line that is no TOML, and why.
fn first_mistake(text: &str) -> Option<(usize, String)> {
    let (_, errors) = DeTable::parse_recoverable(text);
    let begins = |error: &toml::de::Error| error.span().unwrap_or_default().start;
    let first = errors.iter().min_by_key(|error| begins(error))?;
    let at = line_of(text, &first.span().unwrap_or_default());
    Some((at, first.message().to_owned()))
}

/// The text with a line emptied.
fn without(text: &str, line: usize) -> String {
    let lines = text.split('\n').zip(1..);
    let kept: Vec<&str> = lines
        .map(|(kept, at)| if at == line { "" } else { kept })
        .collect();
    kept.join("\n")
}

impl Written {
    /// Reads a file; one that cannot be read is one that says nothing, with a complaint.
    pub fn read(path: &Path) -> Self {
        let name = path.display().to_string();
        let mut text = String::new();
        let read = std::fs::File::open(path)
            .and_then(|file| file.take(LARGEST + 1).read_to_string(&mut text));
        let why = match read {
            Ok(_) if text.len() as u64 > LARGEST => "is larger than a mebibyte".to_owned(),
            Ok(_) => return Self::parse(name, &text),
            Err(error) => format!("cannot be read: {error}"),
        };
        Self {
            complaints: vec![format!(
                "{name} {why}. Remedy: correct the path, or leave it out. What it would change stays as it is."
            )],
            name,
            ..Self::default()
        }
    }

    /// Reads the text of a file of that name.
    pub fn parse(name: String, text: &str) -> Self {
        let mut written = Self {
            name,
            ..Self::default()
        };
        let mut text = text.to_owned();
        let mut bad = Vec::new();
        // one mistake is several to a parser that goes on, and may take what follows with it: the first line that it
        // names is left out, and the rest is read anew
        while let Some((at, why)) = first_mistake(&text) {
            if bad.len() == MOST_MISTAKES {
                let before: Vec<&str> = text.split('\n').take(at - 1).collect();
                text = before.join("\n");
                let why = "this line, too, is no TOML; from here on nothing is read";
                written.complain(at, why, "correct the lines above, or begin a new file");
                break;
            }
            written.complain(
                at,
                &why,
                "write lines like name = \"text\" or name = [\"a\", \"b\"], or leave the line out",
            );
            text = without(&text, at);
            bad.push(at);
        }
        let (table, _) = DeTable::parse_recoverable(&text);
        written.take(table.get_ref(), "", &|span| line_of(&text, &span), &bad);
        written.entries.sort_by_key(|entry| entry.line);
        written
    }

    /// Keeps what is wrong with a line.
    pub fn complain(&mut self, line: usize, why: &str, remedy: &str) {
        let place = self.complained.partition_point(|other| *other <= line);
        self.complained.insert(place, line);
        let complaint = format!(
            "{}, line {line}: {why}. Remedy: {remedy}. What the line would change stays as it is.",
            self.name
        );
        self.complaints.insert(place, complaint);
    }

    fn take(
        &mut self,
        table: &DeTable<'_>,
        around: &str,
        line: &dyn Fn(Range<usize>) -> usize,
        bad: &[usize],
    ) {
        for (key, value) in table.iter() {
            let at = line(key.span());
            let key = format!("{around}{}", key.get_ref());
            let text = |value: &DeValue<'_>| match value {
                DeValue::String(text) => Some(text.to_string()),
                _ => None,
            };
            let texts = match value.get_ref() {
                DeValue::Table(inner) => {
                    self.take(inner, &format!("{key}."), line, bad);
                    continue;
                }
                DeValue::Array(all) => all.iter().map(|one| text(one.get_ref())).collect(),
                one => text(one).map(|text| vec![text]),
            };
            let list = matches!(value.get_ref(), DeValue::Array(_));
            match texts {
                // the line has been told of; what recovery made of it is a guess
                _ if bad.contains(&at) => {}
                Some(texts) => self.entries.push(Entry {
                    line: at,
                    key,
                    texts,
                    list,
                }),
                None => self.complain(
                    at,
                    &format!("the value of `{key}` is no text"),
                    "put it in quotes",
                ),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_right_holds_and_what_is_wrong_is_told_with_its_line() {
        let written = Written::parse(
            "mine.toml".to_owned(),
            "help = \"F1\"\nbroken = = 3\n\n[logs]\ncontext = [\"c\", \"C\"]\ncount = 3\n",
        );
        let entry = |line, key: &str, texts: &[&str]| Entry {
            line,
            key: key.to_owned(),
            texts: texts.iter().map(|t| (*t).to_owned()).collect(),
            list: texts.len() > 1,
        };
        assert_eq!(
            written.entries,
            [
                entry(1, "help", &["F1"]),
                entry(5, "logs.context", &["c", "C"])
            ]
        );
        let told = written.complaints.join("\n");
        assert!(told.contains("mine.toml, line 2: "), "{told}");
        assert!(
            told.contains("mine.toml, line 6: the value of `logs.count` is no text"),
            "{told}"
        );
        assert_eq!(written.complaints.len(), 2, "{told}");
    }

    #[test]
    fn a_line_that_swallows_others_is_left_out_alone_and_lines_are_told_in_order() {
        let text = "quit = [q\n\n[logs]\ncontext = [\"C\"]\ncount = 3\nx = = 1\n";
        let written = Written::parse("k.toml".to_owned(), text);
        let keys: Vec<&str> = written.entries.iter().map(|e| e.key.as_str()).collect();
        assert_eq!(keys, ["logs.context"], "{:#?}", written.complaints);
        let told = |line: usize| format!("k.toml, line {line}: ");
        let places: Vec<bool> = [1, 5, 6]
            .iter()
            .zip(&written.complaints)
            .map(|(line, said)| said.starts_with(&told(*line)))
            .collect();
        assert_eq!(places, [true; 3], "{:#?}", written.complaints);
        assert_eq!(written.complaints.len(), 3, "{:#?}", written.complaints);
        let mistakes = "= 1\n".repeat(2_000);
        let many = Written::parse("k.toml".to_owned(), &mistakes).complaints;
        assert_eq!(many.len(), MOST_MISTAKES + 1);
        assert!(many[MOST_MISTAKES].contains("nothing is read"));
    }

    #[test]
    fn files_that_are_no_such_files_are_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let large = folder.path().join("large.toml");
        std::fs::write(&large, vec![b'#'; LARGEST as usize + 1]).unwrap();
        let binary = folder.path().join("binary.toml");
        std::fs::write(&binary, [0xff, 0xfe, 0]).unwrap();
        for path in [
            folder.path().to_owned(),
            folder.path().join("none.toml"),
            large,
            binary,
        ] {
            let written = Written::read(&path);
            assert_eq!(written.entries, []);
            assert_eq!(written.complaints.len(), 1);
            let name = path.display().to_string();
            assert!(
                written.complaints[0].contains(&name),
                "{:?}",
                written.complaints
            );
        }
    }

    #[test]
    fn no_text_makes_reading_fail() {
        for text in [
            "[[[",
            "a = ",
            "= 1",
            "a = 'x",
            "a.b = 1\na = 2",
            "\u{1b}[31m = 1",
            "a = [1, 'b']",
            "a = 'one'\na = 'two'",
        ] {
            let written = Written::parse("x.toml".to_owned(), text);
            assert!(!written.complaints.is_empty(), "{text:?}: {written:?}");
        }
        assert_eq!(
            Written::parse("x".to_owned(), "\u{feff}# nothing\n").complaints,
            [""; 0]
        );
    }
}
