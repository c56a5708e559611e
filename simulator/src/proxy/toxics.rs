//! The toxics of a link, in the order in which they were put on: a list that is replaced as a whole, so that whoever carries
//! bytes looks at one version of it. It knows neither connections nor what toxics do.

use std::sync::Arc;

use scenarios::toxic::{Stream, Toxic, Toxicity};

/// Numbers the toxics of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ToxicId(pub u64);

/// A toxic on a link.
#[derive(Debug, Clone, PartialEq)]
pub struct Installed {
    /// Its number, never given twice on one link.
    pub id: ToxicId,
    /// Its name, unique on the link.
    pub name: String,
    /// The directions that it acts on.
    pub stream: Stream,
    /// The share of the connections that it acts on.
    pub toxicity: Toxicity,
    /// What it does.
    pub toxic: Toxic,
}

/// All of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Toxics {
    next: u64,
    list: Vec<Arc<Installed>>,
}

impl Toxics {
    /// In the order in which they were put on.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Installed>> {
        self.list.iter()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The one of this number.
    #[must_use]
    pub fn get(&self, id: ToxicId) -> Option<&Arc<Installed>> {
        self.list.iter().find(|one| one.id == id)
    }

    /// The one of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Arc<Installed>> {
        self.list.iter().find(|one| one.name == name)
    }

    /// Adds one at the end. A name that is taken already gets a number behind it.
    pub(super) fn add(
        &mut self,
        name: &str,
        stream: Stream,
        toxicity: Toxicity,
        toxic: Toxic,
    ) -> ToxicId {
        let id = ToxicId(self.next);
        self.next += 1;
        let mut unique = name.to_owned();
        while self.named(&unique).is_some() {
            unique = format!("{unique}-{}", id.0);
        }
        self.list.push(Arc::new(Installed {
            id,
            name: unique,
            stream,
            toxicity,
            toxic,
        }));
        id
    }

    /// Changes one; answers whether anything is different now.
    pub(super) fn change(&mut self, id: ToxicId, change: impl FnOnce(&mut Installed)) -> bool {
        let Some(place) = self.list.iter_mut().find(|one| one.id == id) else {
            return false;
        };
        let mut changed = Installed::clone(place);
        change(&mut changed);
        if changed == **place {
            return false;
        }
        *place = Arc::new(changed);
        true
    }

    /// Takes one off; answers whether it was there.
    pub(super) fn remove(&mut self, id: ToxicId) -> bool {
        let before = self.list.len();
        self.list.retain(|one| one.id != id);
        self.list.len() < before
    }

    /// Takes all off; answers whether there were any.
    pub(super) fn clear(&mut self) -> bool {
        !std::mem::take(&mut self.list).is_empty()
    }
}
