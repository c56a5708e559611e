//! The links of the shop: one proxy per directed link between services that run, one door per service
//! for what comes from outside (load, recurring tasks), and one link per service to its database where
//! that is a server. It knows who calls whom, not what is said.

use std::{collections::BTreeMap, net::SocketAddr};

use scenarios::{seed::Seed, shop::Role};

use super::database_url::DatabaseUrl;
use crate::{
    LabError,
    proxy::{Proxy, Upstream},
};

/// All proxies of a lab.
#[derive(Debug)]
pub(crate) struct Network {
    links: BTreeMap<(Role, Role), Proxy>,
    doors: BTreeMap<Role, Proxy>,
    /// Of those that keep data, with the URL that goes through it.
    databases: BTreeMap<Role, (Proxy, String)>,
}

impl Network {
    /// Opens a proxy for every link between `roles`, and a door for each of them; and one for every link to a database server
    /// that is reached over TCP. A file, or a server behind a socket file, is behind no link.
    pub(crate) async fn open(
        roles: &[Role],
        seed: Seed,
        database_url: Option<&str>,
    ) -> Result<Self, LabError> {
        let (mut links, mut doors) = (BTreeMap::new(), BTreeMap::new());
        let mut databases = BTreeMap::new();
        let server = database_url.and_then(DatabaseUrl::of);
        for from in roles {
            let name = format!("door-{from}");
            doors.insert(*from, listen(name, seed).await?);
            for to in from.calls().iter().filter(|to| roles.contains(to)) {
                links.insert((*from, *to), listen(format!("{from}-{to}"), seed).await?);
            }
        }
        if let Some(server) = &server {
            for role in roles.iter().filter(|role| role.has_database()) {
                let proxy = listen(format!("{role}-database"), seed).await?;
                proxy.set_upstream(Upstream::Named(server.server.clone()));
                if let Some(address) = proxy.address() {
                    databases.insert(*role, (proxy, server.by_way_of(address)));
                }
            }
        }
        Ok(Self {
            links,
            doors,
            databases,
        })
    }

    /// The proxy of a service's link to its database, if there is such a link.
    #[allow(dead_code)] // for live injection
    pub(crate) fn database(&self, of: Role) -> Option<&Proxy> {
        self.databases.get(&of).map(|(proxy, _)| proxy)
    }

    /// The URL of a service's database by way of its link, if there is one.
    pub(crate) fn database_url(&self, of: Role) -> Option<String> {
        self.databases.get(&of).map(|(_, url)| url.clone())
    }

    /// The proxy of a link.
    pub(crate) fn link(&self, from: Role, to: Role) -> Result<&Proxy, LabError> {
        self.links.get(&(from, to)).ok_or_else(|| LabError::NoLink {
            from: from.to_string(),
            to: to.to_string(),
        })
    }

    /// Base URL of a service for those outside the shop.
    pub(crate) fn door(&self, to: Role) -> Result<String, LabError> {
        self.doors
            .get(&to)
            .and_then(url)
            .ok_or_else(|| LabError::NoService {
                service: to.to_string(),
            })
    }

    /// Base URLs of those whom `from` calls.
    pub(crate) fn peers(&self, from: Role) -> BTreeMap<Role, String> {
        self.links
            .iter()
            .filter(|((caller, _), _)| *caller == from)
            .filter_map(|((_, to), proxy)| Some((*to, url(proxy)?)))
            .collect()
    }

    /// Sets where connections to a service go.
    pub(crate) fn set_instances(&self, of: Role, instances: &[SocketAddr]) {
        let links = self
            .links
            .iter()
            .filter(|((_, to), _)| *to == of)
            .map(|(_, proxy)| proxy);
        for proxy in links.chain(self.doors.get(&of)) {
            proxy.set_upstream(Upstream::Instances(instances.to_vec()));
        }
    }

    /// Whether no toxic is on any link.
    pub(crate) fn is_healed(&self) -> bool {
        self.links
            .values()
            .chain(self.doors.values())
            .chain(self.databases.values().map(|(proxy, _)| proxy))
            .all(Proxy::is_healed)
    }
}

/// Base URL for callers; every proxy here has listened.
fn url(proxy: &Proxy) -> Option<String> {
    proxy.address().map(|address| format!("http://{address}"))
}

async fn listen(name: String, seed: Seed) -> Result<Proxy, LabError> {
    let rng = seed.stream(&format!("link/{name}"));
    Proxy::listen(name.clone(), rng)
        .await
        .map_err(|source| LabError::Open {
            what: format!("a port for the link {name}"),
            source,
        })
}
