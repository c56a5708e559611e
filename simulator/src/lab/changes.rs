//! The change history: what an on-call engineer can see of deploys, configuration, flags and jobs, and
//! of what they did themselves. It never says which entry matters.

use api::{Change, ChangeKind};
use parking_lot::RwLock;
use scenarios::scenario::ChangeText;

/// Oldest first.
#[derive(Debug, Default)]
pub(super) struct Changes(RwLock<Vec<Change>>);

impl Changes {
    pub(super) fn add(&self, change: Change) {
        self.0.write().push(change);
    }

    pub(super) fn all(&self) -> Vec<Change> {
        self.0.read().clone()
    }

    /// An id for the trainee's next action.
    pub(super) fn next_action(&self) -> String {
        let actions = self
            .0
            .read()
            .iter()
            .filter(|change| change.kind == ChangeKind::Action)
            .count();
        format!("action-{}", actions + 1)
    }
}

/// A visible event of the timeline as it is shown.
pub(super) fn shown(id: &str, at_ms: i64, text: &ChangeText) -> Change {
    Change {
        id: id.to_owned(),
        at_ms,
        kind: kind(&text.kind),
        service: text.service.map(|role| role.to_string()),
        title: text.title.clone(),
        details: text.details.clone(),
        author: text.author.clone(),
    }
}

/// The loader lets only these pass; anything else would be a configuration change.
fn kind(text: &str) -> ChangeKind {
    match text {
        "deploy" => ChangeKind::Deploy,
        "flag" => ChangeKind::Flag,
        "scale" => ChangeKind::Scale,
        "job" => ChangeKind::Job,
        _ => ChangeKind::Config,
    }
}
