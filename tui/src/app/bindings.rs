//! The keys in force: those of the rows, or those that a person gave them instead. Footer, help and palette read them
//! here, so that what is shown is what acts. Deliberately knows nothing of files.

use std::collections::BTreeMap;

use super::keymap::{EVERYWHERE, Row};
use super::keyname::{self, presses};
use crate::settings::Refused;
use crate::views::{self, ViewId};

/// The keys of a row.
pub type Keys = &'static [&'static str];

/// A row where it stands, with its keys.
#[derive(Clone, Copy)]
pub struct Bound {
    /// The view that has it for itself; none for a row of every view.
    pub of: Option<ViewId>,
    /// The row.
    pub row: &'static Row,
    /// Its keys, the first to be shown.
    pub keys: Keys,
}

/// The keys that differ from those of the rows, by the rows' ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bindings {
    changed: BTreeMap<String, Keys>,
}

/// A wish: the row of this id has these keys and no others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The row's id, as [`Bindings::listed`] tells it.
    pub id: String,
    /// Its keys; none leaves it to the palette.
    pub keys: Vec<String>,
}

/// A row as it is told to people and scripts.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Listed {
    /// What a key file calls it: `logs.context`, or `help` for a row of every view.
    pub id: String,
    /// The view that has it; none for a row of every view.
    pub view: Option<&'static str>,
    /// Its keys.
    pub keys: Keys,
    /// What it does.
    pub about: &'static str,
}

/// Keys that terminals confuse with Backspace, Tab and Enter.
const CONFUSED: [&str; 4] = ["Ctrl-h", "Ctrl-i", "Ctrl-j", "Ctrl-m"];
/// Keys that mean the same wherever one is, also where no row is asked, with the only row that may have them.
const FIXED: [(&str, &str); 2] = [("Ctrl-z", "suspend"), ("Ctrl-c", "quit")];
/// Rows without which one does not find out, or back.
const NEEDED: [&str; 4] = ["help", "palette", "esc", "quit"];

/// All rows: those of every view, then those of each view.
fn all() -> impl Iterator<Item = (Option<ViewId>, &'static Row)> {
    let own = views::ALL.iter().flat_map(|view| {
        let rows = view.keys().iter();
        rows.map(|row| (Some(view.id()), row))
    });
    EVERYWHERE.iter().map(|row| (None, row)).chain(own)
}

fn id(of: Option<ViewId>, row: &Row) -> String {
    let name = match row.id.is_empty() {
        true => row.name.replace(' ', "-"),
        false => row.id.to_owned(),
    };
    match of {
        Some(view) => format!("{}.{name}", views::of(view).name()),
        None => name,
    }
}

/// The row of every view that a row of a view restates in its own words: it stands for the same keys.
pub fn restated(row: &Row) -> Option<&'static Row> {
    let holds = |other: &&Row| row.keys.iter().all(|key| other.keys.contains(key));
    EVERYWHERE
        .iter()
        .find(holds)
        .filter(|_| !row.keys.is_empty())
}

/// Whether two names of keys cannot both be bound: they are the same, or one begins the other, which is a pair.
fn clash(one: &str, two: &str) -> bool {
    let (one, two) = (presses(one), presses(two));
    one.starts_with(&two) || two.starts_with(&one)
}

/// Why a name is no key to be bound.
fn refused(id: &str, key: &str) -> Option<Refused> {
    const NAMES: &str = "write a letter or sign, two of them typed one after the other (gl), Space, Enter, Esc, Tab, Shift-Tab, Up, Down, Left, Right, Home, End, PgUp, PgDn, Backspace, Delete, F1 to F24, or Ctrl- with a small letter (Ctrl-k)";
    let pressed = presses(key);
    let named: Option<String> = pressed.iter().copied().map(keyname::name).collect();
    let function = key.strip_prefix('F').and_then(|n| n.parse::<u8>().ok());
    if CONFUSED.contains(&key) {
        let why = format!("terminals confuse `{key}` with another key, it is never bound");
        return Some(Refused::new(why, "take another key"));
    }
    if let Some((_, owner)) = FIXED.iter().find(|(k, owner)| *k == key && *owner != id) {
        let why = format!("`{key}` is `{owner}` wherever one is");
        return Some(Refused::new(why, "take another key"));
    }
    let known = (1..=2).contains(&pressed.len())
        && named.as_deref() == Some(key)
        && !key.contains(char::is_control)
        && function.is_none_or(|n| (1..=24).contains(&n));
    (!known).then(|| Refused::new(format!("`{key}` is no name of a key"), NAMES))
}

impl Bindings {
    /// The keys of a row.
    #[must_use]
    pub fn keys(&self, of: Option<ViewId>, row: &Row) -> Keys {
        // whoever changed nothing pays nothing
        if self.changed.is_empty() {
            return row.keys;
        }
        self.changed.get(&id(of, row)).copied().unwrap_or(row.keys)
    }

    fn bound(&self, (of, row): (Option<ViewId>, &'static Row)) -> Bound {
        let keys = self.keys(of, row);
        Bound { of, row, keys }
    }

    /// The rows of a view: its own, then those of every view.
    pub fn rows(&self, view: ViewId) -> impl Iterator<Item = Bound> {
        let own = views::of(view)
            .keys()
            .iter()
            .map(move |row| (Some(view), row));
        let everywhere = EVERYWHERE.iter().map(|row| (None, row));
        own.chain(everywhere).map(|at| self.bound(at))
    }

    /// The row of a key: the view's own before those of every view.
    #[must_use]
    pub fn find(&self, view: ViewId, key: &str) -> Option<Bound> {
        self.rows(view).find(|bound| bound.keys.contains(&key))
    }

    /// The pairs that a key begins, each with its second key and its row. A key with a name of its own (`Up`) is no pair,
    /// whatever letter the name begins with.
    #[must_use]
    pub fn pairs(&self, view: ViewId, first: &str) -> Vec<(&'static str, Bound)> {
        let mut found: Vec<(&str, Bound)> = Vec::new();
        for bound in self.rows(view) {
            for key in bound.keys.iter().filter(|key| presses(key).len() == 2) {
                let second = key.strip_prefix(first).filter(|s| !s.is_empty());
                // the view's own rows come first and hide those of every view
                if let Some(second) = second
                    && found.iter().all(|(known, _)| *known != second)
                {
                    found.push((second, bound));
                }
            }
        }
        found
    }

    /// The views that have a row of their own on this key.
    pub fn neighbours(&self, key: &str) -> impl Iterator<Item = Bound> {
        let own = all().filter(|(of, _)| of.is_some());
        let bound = own.map(|at| self.bound(at));
        bound.filter(move |bound| bound.keys.contains(&key))
    }

    /// All rows, those of every view first.
    #[must_use]
    pub fn listed(&self) -> Vec<Listed> {
        let listed = |(of, row)| Listed {
            id: id(of, row),
            view: of.map(|view| views::of(view).name()),
            keys: self.keys(of, row),
            about: row.about,
        };
        all().map(listed).collect()
    }

    /// The keys as a person wants them; with each wish that cannot be, by its place among the wishes, why not. Its row
    /// keeps its keys. A row of a view that restates one of every view (`m`, `Enter`) follows that one, unless it has
    /// keys of its own.
    #[must_use]
    pub fn of(changes: &[Change]) -> (Self, Vec<(usize, Refused)>) {
        let mut refusals: Vec<(usize, Refused)> = Vec::new();
        let mut wanted: Vec<(usize, &Change)> = Vec::new();
        for (place, change) in changes.iter().enumerate() {
            match refused_alone(change) {
                Some(why) => refusals.push((place, why)),
                None => wanted.push((place, change)),
            }
        }
        // what is left out may make room for others, or stand in the way of them again: until nothing clashes
        loop {
            let bindings = Self::built(&wanted);
            let found = (0..wanted.len()).rev().find_map(|i| {
                let ids: Vec<&str> = wanted[i..].iter().map(|(_, c)| c.id.as_str()).collect();
                Some((i, bindings.hindrance(&ids)?))
            });
            let Some((at, why)) = found else {
                refusals.sort_by_key(|(place, _)| *place);
                return (bindings, refusals);
            };
            refusals.push((wanted.remove(at).0, why));
        }
    }

    fn built(wanted: &[(usize, &Change)]) -> Self {
        let mut changed: BTreeMap<String, Keys> = BTreeMap::new();
        for (_, change) in wanted {
            // they are read once and hold as long as the program: like the keys that they stand for
            let keys = change.keys.iter().map(|key| &*key.clone().leak());
            let keys: Vec<&'static str> = keys.collect();
            changed.insert(change.id.clone(), keys.leak());
        }
        for (of, row) in all().filter(|(of, _)| of.is_some()) {
            let own = id(of, row);
            let Some(general) = restated(row).filter(|_| !changed.contains_key(&own)) else {
                continue;
            };
            if let Some(new) = changed.get(&id(None, general)) {
                let follows = |key: &&&str| row.keys.contains(key) || !general.keys.contains(key);
                let keys: Vec<&str> = new.iter().filter(follows).copied().collect();
                changed.insert(own, keys.leak());
            }
        }
        Self { changed }
    }

    /// What stands in the way of the first of these ids: a row that is asked in the same place and has one of its keys.
    /// The others gave way to it, or will.
    fn hindrance(&self, ids: &[&str]) -> Option<Refused> {
        let (own, later) = ids.split_first()?;
        let (of, row) = all().find(|(of, row)| id(*of, row) == **own)?;
        let keys = self.keys(of, row);
        let meets =
            |(other, _): &(Option<ViewId>, &Row)| of.is_none() || other.is_none() || *other == of;
        for (other_of, other) in all().filter(meets) {
            let name = id(other_of, other);
            // the restated row and the one that restates it are one thing
            let kin = |one: Option<&Row>, two: &Row| one.is_some_and(|one| one.about == two.about);
            let same = name == **own || kin(restated(row), other) || kin(restated(other), row);
            if same || later.contains(&name.as_str()) {
                continue;
            }
            for key in keys {
                let by_itself = row.keys.contains(key) && of != other_of;
                let theirs = self.keys(other_of, other).iter();
                if let Some(taken) = theirs.copied().find(|k| !by_itself && clash(key, k)) {
                    let why = format!("`{key}` of `{own}` clashes with `{taken}` of `{name}`");
                    return Some(Refused::new(
                        why,
                        format!("take another key, or give `{name}` others"),
                    ));
                }
            }
        }
        None
    }
}

/// What is wrong with a wish whatever the others are.
fn refused_alone(change: &Change) -> Option<Refused> {
    let id = change.id.as_str();
    if !all().any(|(of, row)| self::id(of, row) == id) {
        let why = format!("`{id}` is no action");
        return Some(Refused::new(why, "`drill keys` lists all of them"));
    }
    if change.keys.is_empty() && NEEDED.contains(&id) {
        let why = format!("`{id}` needs a key: without it one does not find out");
        return Some(Refused::new(why, "give it one"));
    }
    change.keys.iter().find_map(|key| refused(id, key))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn change(id: &str, keys: &[&str]) -> Change {
        Change {
            id: id.to_owned(),
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        }
    }

    fn keys_of(bindings: &Bindings, id: &str) -> Vec<&'static str> {
        let listed = bindings.listed();
        let found = listed.iter().find(|row| row.id == id);
        found
            .unwrap_or_else(|| panic!("no row is called {id}"))
            .keys
            .to_vec()
    }

    #[test]
    fn every_row_has_an_id_of_its_own_that_a_key_file_can_hold() {
        let mut seen = HashSet::new();
        for row in Bindings::default().listed() {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
            assert!(row.id.chars().all(plain), "{}", row.id);
            assert!(seen.insert(row.id.clone()), "{} is there twice", row.id);
        }
        // `[logs]` is the table of a view in the file: no row may be called so
        for view in views::ALL {
            assert!(!seen.contains(view.name()), "{}", view.name());
        }
        for id in NEEDED {
            assert!(seen.contains(id), "{id}");
        }
    }

    #[test]
    fn the_rows_as_they_are_can_all_be_wished_for() {
        let rows = Bindings::default().listed();
        let wishes: Vec<Change> = rows.iter().map(|row| change(&row.id, row.keys)).collect();
        let (bindings, refusals) = Bindings::of(&wishes);
        assert_eq!(refusals, []);
        assert_eq!(bindings.listed(), rows);
    }

    #[test]
    fn a_changed_key_acts_and_the_old_one_does_not() {
        let (bindings, refusals) = Bindings::of(&[change("logs.context", &["C", "F7"])]);
        assert_eq!(refusals, []);
        let about = |key| bindings.find(ViewId::Logs, key).map(|b| b.row.name);
        assert_eq!(about("C"), Some("context"));
        assert_eq!(about("F7"), Some("context"));
        assert_eq!(about("c"), None);
    }

    #[test]
    fn a_row_of_every_view_takes_those_along_that_restate_it() {
        let (bindings, refusals) =
            Bindings::of(&[change("pin", &["F6"]), change("open-act", &["8"])]);
        assert_eq!(refusals, []);
        for view in [ViewId::Logs, ViewId::Traces, ViewId::Changes] {
            let name = |key| bindings.find(view, key).map(|b| b.row.name);
            assert_eq!((name("F6"), name("m")), (Some("pin"), None), "{view:?}");
        }
        // a view's own row on one key of two goes with that key
        assert_eq!(keys_of(&bindings, "overview.act"), [""; 0]);
    }

    #[test]
    fn two_rows_can_change_places() {
        let (bindings, refusals) =
            Bindings::of(&[change("its-logs", &["gt"]), change("its-traces", &["gl"])]);
        assert_eq!(refusals, []);
        let found = bindings.find(ViewId::Changes, "gt").map(|b| b.row.name);
        assert_eq!(found, Some("logs"));
        assert_eq!(keys_of(&bindings, "its-traces"), ["gl"]);
    }

    #[test]
    fn what_cannot_be_is_refused_and_its_row_keeps_its_keys() {
        let rows: [(&str, &[&str], &str); 12] = [
            ("logs.contxt", &["C"], "no action"),
            ("help", &["Ctrl-h"], "confuse"),
            ("pretty", &["Ctrl-j"], "confuse"),
            ("pretty", &["Ctrl-z"], "suspend"),
            ("pretty", &["Ctrl-c"], "quit"),
            ("pretty", &["strg+p"], "no name"),
            ("pretty", &["F99"], "no name"),
            ("pretty", &[""], "no name"),
            ("pretty", &["\u{1b}"], "no name"),
            ("quit", &[], "needs a key"),
            ("pretty", &["t"], "clashes with `t` of `range`"),
            ("pretty", &["g"], "clashes with `g"),
        ];
        for (id, keys, why) in rows {
            let (bindings, refusals) = Bindings::of(&[change(id, keys)]);
            assert_eq!(refusals.len(), 1, "{id} {keys:?}");
            let said = &refusals[0].1;
            assert!(said.why.contains(why), "{id} {keys:?}: {said:?}");
            assert!(!said.remedy.is_empty());
            assert_eq!(bindings, Bindings::default(), "{id} {keys:?}");
        }
    }

    #[test]
    fn of_two_wishes_for_one_key_the_first_holds() {
        let wishes = [
            change("pretty", &["F8"]),
            change("wrap", &["F8"]),
            change("full", &["F9"]),
        ];
        let (bindings, refusals) = Bindings::of(&wishes);
        let places: Vec<usize> = refusals.iter().map(|(place, _)| *place).collect();
        assert_eq!(places, [1]);
        assert_eq!(keys_of(&bindings, "pretty"), ["F8"]);
        assert_eq!(keys_of(&bindings, "wrap"), ["Ctrl-w"]);
        assert_eq!(keys_of(&bindings, "full"), ["F9"]);
    }

    #[test]
    fn a_wish_that_is_refused_stands_in_no_others_way() {
        // `range` keeps `t`, as its own wish cannot be: so `t` is not free for `pretty`
        let (bindings, refusals) =
            Bindings::of(&[change("range", &["z"]), change("pretty", &["t"])]);
        assert_eq!(refusals.len(), 2, "{refusals:?}");
        assert_eq!(bindings, Bindings::default());
    }

    #[test]
    fn keys_that_terminals_confuse_are_never_bound() {
        for key in Bindings::default().listed().iter().flat_map(|row| row.keys) {
            assert!(!CONFUSED.contains(key), "{key} is bound");
        }
    }

    /// A key that is bound and also begins a pair would wait for a second key and never act.
    #[test]
    fn no_key_that_acts_begins_a_pair() {
        let bindings = Bindings::default();
        for view in views::ALL {
            for key in bindings.rows(view.id()).flat_map(|bound| bound.keys) {
                let behind = bindings.pairs(view.id(), key);
                let seconds: Vec<&str> = behind.iter().map(|(second, _)| *second).collect();
                assert_eq!(seconds, [""; 0], "{key} in {}", view.title());
            }
        }
    }

    #[test]
    fn h_is_never_help() {
        for view in views::ALL {
            let bound = Bindings::default().find(view.id(), "h").expect("h moves");
            assert!(!bound.row.about.contains("help"));
        }
    }
}
