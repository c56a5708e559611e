//! The lab's links under Toxiproxy's control API, for scripts that know it: what such a script does is
//! journalled like any other chaos.

use std::sync::Arc;

use tokio::sync::broadcast::error::RecvError;

use crate::{
    journal::Event,
    lab::Core,
    proxy::{Change, Proxies, What},
};

/// Who does what comes over that API, which knows no names.
const BY: &str = "a script, over Toxiproxy's API";

/// Journals every change until the lab is shut down.
pub(in crate::lab) async fn journal(core: Arc<Core>) {
    let mut changes = core.scripts.changes();
    loop {
        let change = tokio::select! {
            () = core.cancel.cancelled() => return,
            change = changes.recv() => change,
        };
        let what = match change {
            Ok(change) => says(&change),
            Err(RecvError::Lagged(missed)) => {
                format!("{missed} changes of links, too many to tell")
            }
            Err(RecvError::Closed) => return,
        };
        core.floor.journal.append(
            core.floor.clock.now_ms(),
            Event::Chaos {
                what,
                by: BY.to_owned(),
                why: "no reason given".to_owned(),
                injection: None,
            },
        );
    }
}

impl Core {
    /// Takes back what scripts have done, if they have done anything.
    pub(super) async fn stop_scripts(&self, by: &str) {
        let changed =
            |proxy: &crate::proxy::ProxyView| !proxy.spec.enabled || !proxy.toxics.is_empty();
        let links = self
            .scripts
            .list()
            .iter()
            .filter(|one| changed(one))
            .count();
        if links == 0 {
            return;
        }
        self.floor.journal.append(
            self.floor.clock.now_ms(),
            Event::Chaos {
                what: format!("{links} links reset that scripts had changed"),
                by: by.to_owned(),
                why: "everything was stopped".to_owned(),
                injection: None,
            },
        );
        if let Err(error) = self.scripts.reset().await {
            tracing::warn!(%error, "a link that a script has changed was not reset");
        }
    }
}

fn says(change: &Change) -> String {
    let link = &change.proxy;
    match &change.what {
        What::Set { enabled: true } => format!("{link} enabled"),
        What::Set { enabled: false } => format!("{link} disabled: connections are refused"),
        What::Deleted => format!("{link} deleted"),
        What::Poisoned(toxic) => format!(
            "toxic {} {} on {link}",
            toxic.toxic.kind(),
            toxic.toxic.attributes()
        ),
        What::Healed(toxic) => format!("toxic {toxic} taken off {link}"),
        What::Ended(toxic) => format!("toxic {toxic} on {link} has ended: its time is over"),
    }
}

/// All links of a network, for scripts.
pub(in crate::lab) fn adopted(
    core: &super::super::Floor,
    seed: scenarios::seed::Seed,
) -> Arc<Proxies> {
    let proxies = Proxies::new(seed, crate::proxy::Limits::default());
    for (link, proxy) in core.network.all() {
        // names of links are unique
        if let Err(error) = proxies.adopt(proxy.clone()) {
            tracing::error!(%link, %error, "a link is not under Toxiproxy's API");
        }
    }
    Arc::new(proxies)
}
