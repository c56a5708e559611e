//! The links of the shop: one proxy per directed link between services that run, one door per service
//! for what comes from outside (load, recurring tasks), and one link per service to its database where
//! that is a server. It knows who calls whom, not what is said.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use scenarios::{seed::Seed, shop::Role, vocabulary::aim::Link};

use super::database_url::DatabaseUrl;
use crate::{
    LabError,
    proxy::{Proxy, Upstream},
};

/// All proxies of a lab.
#[derive(Debug)]
pub(crate) struct Network {
    links: BTreeMap<Link, Arc<Proxy>>,
    /// URLs of the databases by way of their links.
    databases: BTreeMap<Role, String>,
}

impl Network {
    /// Opens a proxy for every link between `roles`, and a door for each of them; and one for every link to a database server
    /// that is reached over TCP. A file, or a server behind a socket file, is behind no link.
    pub(crate) async fn open(
        roles: &[Role],
        seed: Seed,
        database_url: Option<&str>,
    ) -> Result<Self, LabError> {
        let (mut links, mut databases) = (BTreeMap::new(), BTreeMap::new());
        let server = database_url.and_then(DatabaseUrl::of);
        for from in roles {
            let door = listen(format!("door-{from}"), seed).await?;
            links.insert(Link::Door(*from), door);
            for to in from.calls().iter().filter(|to| roles.contains(to)) {
                let (from, to) = (*from, *to);
                let call = listen(format!("{from}-{to}"), seed).await?;
                links.insert(Link::Call { from, to }, call);
            }
        }
        if let Some(server) = &server {
            for role in roles.iter().filter(|role| role.has_database()) {
                let proxy = listen(format!("{role}-database"), seed).await?;
                proxy.set_upstream(Upstream::Named(server.server.clone()));
                if let Some(address) = proxy.address() {
                    databases.insert(*role, server.by_way_of(address));
                    links.insert(Link::Database(*role), proxy);
                }
            }
        }
        Ok(Self { links, databases })
    }

    /// The URL of a service's database by way of its link, if there is one.
    pub(crate) fn database_url(&self, of: Role) -> Option<String> {
        self.databases.get(&of).cloned()
    }

    /// The proxy of a link.
    pub(crate) fn on(&self, link: Link) -> Result<&Arc<Proxy>, LabError> {
        self.links.get(&link).ok_or_else(|| match link {
            Link::Call { from, to } => LabError::NoLink {
                from: from.to_string(),
                to: to.to_string(),
            },
            Link::Door(to) => LabError::NoService {
                service: to.to_string(),
            },
            Link::Database(of) => LabError::NoDatabaseLink {
                service: of.to_string(),
            },
        })
    }

    /// Base URL of whoever is called over a link.
    pub(crate) fn base(&self, link: Link) -> Result<String, LabError> {
        let proxy = self.on(link)?;
        url(proxy).ok_or_else(|| LabError::NoService {
            service: link.to_string(),
        })
    }

    /// All links and their proxies.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Link, &Arc<Proxy>)> {
        self.links.iter().map(|(link, proxy)| (*link, proxy))
    }

    /// Base URL of a service for those outside the shop.
    pub(crate) fn door(&self, to: Role) -> Result<String, LabError> {
        self.base(Link::Door(to))
    }

    /// Base URLs of those whom a service calls.
    pub(crate) fn peers(&self, of: Role) -> BTreeMap<Role, String> {
        self.all()
            .filter_map(|(link, proxy)| match link {
                Link::Call { from, to } if from == of => Some((to, url(proxy)?)),
                _ => None,
            })
            .collect()
    }

    /// Sets where connections to a service go.
    pub(crate) fn set_instances(&self, of: Role, instances: &[SocketAddr]) {
        for (link, proxy) in self.all() {
            if matches!(link, Link::Call { to, .. } | Link::Door(to) if to == of) {
                proxy.set_upstream(Upstream::Instances(instances.to_vec()));
            }
        }
    }

    /// Whether no toxic is on any link.
    pub(crate) fn is_healed(&self) -> bool {
        self.links.values().all(|proxy| proxy.is_healed())
    }
}

/// Base URL for callers; every proxy here has listened.
fn url(proxy: &Proxy) -> Option<String> {
    proxy.address().map(|address| format!("http://{address}"))
}

async fn listen(name: String, seed: Seed) -> Result<Arc<Proxy>, LabError> {
    let rng = seed.stream(&format!("link/{name}"));
    Proxy::listen(name.clone(), rng)
        .await
        .map(Arc::new)
        .map_err(|source| LabError::Open {
            what: format!("a port for the link {name}"),
            source,
        })
}
