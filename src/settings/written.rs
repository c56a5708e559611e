//! A small TOML file of one's own, read as far as it goes: what is wrong with it is told with its line, and the rest
//! holds. Deliberately knows nothing of what its keys mean.

use std::{io::Read, ops::Range, path::Path};

use toml::de::{DeTable, DeValue};

/// Most bytes of a file that are read: who names a device by mistake waits for nothing.
const LARGEST: u64 = 1 << 20;

/// A file, read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The file as it was named, for what is told of it.
    name: String,
    /// What it says, line by line.
    pub entries: Vec<Entry>,
    /// What could not be read: file, line, why, remedy.
    pub complaints: Vec<String>,
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
        let line =
            |span: Range<usize>| text[..span.start.min(text.len())].matches('\n').count() + 1;
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut bad = Vec::new();
        for error in errors {
            let at = line(error.span().unwrap_or_default());
            // one mistake often is several to a parser that goes on
            if !bad.contains(&at) {
                bad.push(at);
                written.complain(
                    at,
                    error.message(),
                    "write lines like name = \"text\", or leave the line out",
                );
            }
        }
        written.take(table.get_ref(), "", &|span| line(span), &bad);
        written.entries.sort_by_key(|entry| entry.line);
        written
    }

    /// Keeps what is wrong with a line.
    pub fn complain(&mut self, line: usize, why: &str, remedy: &str) {
        self.complaints.push(format!(
            "{}, line {line}: {why}. Remedy: {remedy}. What the line would change stays as it is.",
            self.name
        ));
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
