//! A proxy in the registry: the engine, what was asked for, and the toxics that the registry has put on.

use std::sync::Arc;

use parking_lot::Mutex;

use super::{
    Proxy,
    registry::RegistryError,
    scheduled::{Scheduled, ToxicView},
    spec::{ProxySpec, ProxyView},
};

/// See the head of the file.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) proxy: Arc<Proxy>,
    /// Where it listens, or should.
    pub(super) listen: Mutex<String>,
    pub(super) of_lab: bool,
    /// Those put on over the registry.
    pub(super) toxics: Mutex<Vec<Scheduled>>,
}

impl Entry {
    /// Listens, and remembers the real port.
    pub(super) async fn start(&self) -> Result<(), RegistryError> {
        let address = self.listen.lock().clone();
        match self.proxy.start(&address).await {
            Ok(real) => {
                *self.listen.lock() = real.to_string();
                Ok(())
            }
            Err(source) => Err(RegistryError::Listen { address, source }),
        }
    }

    pub(super) fn owned(&self, change: &'static str) -> Result<(), RegistryError> {
        if self.of_lab {
            return Err(RegistryError::OfLab(self.proxy.name().to_owned(), change));
        }
        Ok(())
    }

    pub(super) fn spec(&self) -> ProxySpec {
        ProxySpec {
            name: self.proxy.name().to_owned(),
            listen: self.listen.lock().clone(),
            upstream: self.proxy.upstream().to_string(),
            enabled: self.proxy.is_running(),
        }
    }

    /// Whether its addresses are as asked for; `localhost` is the same as the address that it was resolved to.
    pub(super) fn is_at(&self, spec: &ProxySpec) -> bool {
        let now = self.spec();
        let same_listen = now.listen == spec.listen
            || spec.listen.strip_prefix("localhost:").is_some_and(|port| {
                now.listen == format!("127.0.0.1:{port}") || now.listen == format!("[::1]:{port}")
            });
        same_listen && now.upstream == spec.upstream
    }

    pub(super) fn view(&self) -> ProxyView {
        let toxics = self.toxics.lock();
        let mut views: Vec<_> = self.toxic_views(&toxics).collect();
        // stable: the order of their coming stays within
        views.sort_by_key(|toxic| toxic.stream);
        ProxyView {
            spec: self.spec(),
            toxics: views,
        }
    }

    /// Those put on here. What a lab has put on its link itself is its own secret.
    pub(super) fn toxic_views<'a>(
        &self,
        ours: &'a [Scheduled],
    ) -> impl Iterator<Item = ToxicView> + 'a {
        ours.iter()
            .filter(|one| !one.has_ended())
            .map(Scheduled::view)
    }
}
