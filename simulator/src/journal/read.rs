//! Reading a journal back. A crash may leave half a last line: it is left out and reported. Anything
//! else that is no entry is an error with its line.

use std::path::Path;

use super::{BrokenChain, Entry, JournalError, SEALED_JOURNAL_FILE, unhex, verify_chain};

/// A journal as read from its file.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The entries, in order.
    pub entries: Vec<Entry>,
    /// Line (counted from 1) that was cut off by a crash and left out, if one was.
    pub cut_line: Option<usize>,
    /// Where the hash chain breaks, if it does.
    pub broken: Option<BrokenChain>,
}

/// Whether a running drill holds a journal file; none when the file system does not tell. A drill that was killed holds
/// nothing, and one that has ended has let go.
#[must_use]
pub fn is_held(path: &Path) -> Option<bool> {
    let file = std::fs::File::open(path).ok()?;
    match file.try_lock_shared() {
        Ok(()) => Some(false),
        Err(std::fs::TryLockError::WouldBlock) => Some(true),
        Err(std::fs::TryLockError::Error(_)) => None,
    }
}

/// Reads a journal file, opened or sealed.
///
/// # Errors
/// When the file cannot be read, or a whole line of it is no entry.
pub fn read(path: &Path) -> Result<Recorded, JournalError> {
    let bytes = std::fs::read(path).map_err(|source| JournalError::Read {
        path: path.to_owned(),
        source,
    })?;
    let sealed = path
        .file_name()
        .is_some_and(|name| name == SEALED_JOURNAL_FILE);
    let mut entries = Vec::new();
    let mut cut_line = None;
    for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let whole = line.ends_with(b"\n");
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match entry(line, sealed) {
            Ok(entry) => entries.push(entry),
            Err(_) if !whole => cut_line = Some(index + 1),
            Err(source) => {
                return Err(JournalError::Line {
                    path: path.to_owned(),
                    line: index + 1,
                    source,
                });
            }
        }
    }
    let broken = verify_chain(&entries).err();
    Ok(Recorded {
        entries,
        cut_line,
        broken,
    })
}

fn entry(line: &[u8], sealed: bool) -> serde_json::Result<Entry> {
    if !sealed {
        return serde_json::from_slice(line);
    }
    let bytes = unhex(line.trim_ascii_end())
        .ok_or_else(|| serde::de::Error::custom("a sealed line has hexadecimal digits only"))?;
    serde_json::from_slice(&bytes)
}

#[cfg(test)]
mod tests {
    use super::super::{Event, InvariantResult, Journal, file_in};
    use super::*;
    use proptest::prelude::*;

    fn written(values: &[f64]) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::create(folder.path()).unwrap();
        for (at, value) in (0i64..).zip(values) {
            journal.append(
                at,
                Event::Alert {
                    name: "A".into(),
                    state: "firing".into(),
                    service: None,
                    value: *value,
                },
            );
        }
        journal.unseal().unwrap();
        let path = file_in(folder.path());
        (folder, path)
    }

    proptest! {
        #[test]
        fn any_number_survives_the_file_and_the_chain_holds(values in proptest::collection::vec(any::<f64>(), 1..20)) {
            let (_folder, path) = written(&values);
            let recorded = read(&path).unwrap();
            prop_assert_eq!(recorded.entries.len(), values.len());
            prop_assert_eq!(recorded.broken, None);
            prop_assert_eq!(recorded.cut_line, None);
        }
    }

    #[test]
    fn an_edited_entry_breaks_the_chain_at_its_place() {
        let (_folder, path) = written(&[1.0, 2.5, 3.0]);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("2.5", "2.6")).unwrap();
        let broken = read(&path).unwrap().broken.unwrap();
        assert_eq!(broken.seq, 1);
        assert!(
            broken
                .to_string()
                .contains("entry 1 does not match its hash")
        );
    }

    #[test]
    fn a_removed_entry_breaks_the_chain() {
        let (_folder, path) = written(&[1.0, 2.0, 3.0]);
        let text = std::fs::read_to_string(&path).unwrap();
        let kept: String = text
            .lines()
            .filter(|line| !line.contains("\"seq\":1,"))
            .flat_map(|line| [line, "\n"])
            .collect();
        std::fs::write(&path, kept).unwrap();
        assert_eq!(
            read(&path).unwrap().broken.map(|broken| broken.seq),
            Some(1)
        );
    }

    #[test]
    fn half_a_last_line_is_left_out_and_reported() {
        let (_folder, path) = written(&[1.0, 2.0, 3.0]);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 40]).unwrap();
        let recorded = read(&path).unwrap();
        assert_eq!(
            (recorded.entries.len(), recorded.cut_line, recorded.broken),
            (2, Some(3), None)
        );
    }

    #[test]
    fn a_journal_is_sealed_until_the_end_and_readable_either_way() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::create(folder.path()).unwrap();
        let says = "the answer".to_owned();
        journal.append(1, Event::Note { text: says });
        let sealed = file_in(folder.path());
        let text = std::fs::read_to_string(&sealed).unwrap();
        assert!(!text.contains("answer"), "{text}");
        assert_eq!(read(&sealed).unwrap().entries, journal.entries());
        // a crash leaves half a line here as well
        std::fs::write(&sealed, &text[..text.len() - 7]).unwrap();
        assert_eq!(read(&sealed).unwrap().cut_line, Some(1));

        journal.unseal().unwrap();
        assert!(!sealed.exists());
        journal.append(2, Event::Acknowledged);
        let opened = file_in(folder.path());
        assert!(
            std::fs::read_to_string(&opened)
                .unwrap()
                .contains("the answer")
        );
        assert_eq!(read(&opened).unwrap().entries, journal.entries());
        journal.unseal().unwrap();
        assert_eq!(read(&opened).unwrap().entries.len(), 2, "once is enough");
    }

    #[test]
    fn a_journal_that_cannot_be_opened_stays_sealed_and_readable() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::create(folder.path()).unwrap();
        journal.append(1, Event::Acknowledged);
        std::fs::create_dir(folder.path().join("journal.part")).unwrap();
        assert!(journal.unseal().is_err());
        let sealed = file_in(folder.path());
        assert_eq!(read(&sealed).unwrap().entries.len(), 1);
    }

    #[test]
    fn a_whole_line_of_junk_is_an_error_with_its_place() {
        let (_folder, path) = written(&[1.0]);
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("junk\n");
        std::fs::write(&path, text).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.starts_with("line 2 of "), "{error}");
    }

    #[test]
    fn time_never_decreases_and_a_second_journal_never_overwrites_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::create(folder.path()).unwrap();
        assert_eq!(journal.append(50, Event::Acknowledged).at_ms, 50);
        assert_eq!(journal.append(40, Event::Paused).at_ms, 50);
        assert!(matches!(
            Journal::create(folder.path()),
            Err(JournalError::Create { .. })
        ));
        assert_eq!(journal.entries_since(1).len(), 1);
        assert_eq!(journal.entries_since(9), vec![]);
    }

    #[test]
    fn a_full_disk_stops_the_recording_and_not_the_drill() {
        // /dev/full is the disk that is always full
        if !Path::new("/dev/full").exists() {
            eprintln!("skipped: this system has no /dev/full");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/full", folder.path().join("target")).unwrap();
        let journal = Journal::on(&folder.path().join("target"));
        journal.append(
            1,
            Event::Proof {
                passed: true,
                invariants: vec![InvariantResult {
                    id: "i".into(),
                    before: None,
                    after: Some(f64::NAN),
                    holds: true,
                }],
            },
        );
        journal.append(2, Event::Acknowledged);
        assert_eq!(journal.entries().len(), 2);
        assert!(journal.status().unwrap().starts_with("recording stopped: "));
        assert_eq!(verify_chain(&journal.entries()), Ok(()));
    }
}
