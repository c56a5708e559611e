//! The links of the shop: one proxy per directed link between services that run, and one door per
//! service for what comes from outside (load, recurring tasks). It knows who calls whom, not what is said.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use scenarios::{seed::Seed, shop::Role, vocabulary::aim::Link};

use crate::{
    LabError,
    proxy::{Proxy, Upstream},
};

/// All proxies of a lab.
#[derive(Debug)]
pub(crate) struct Network {
    links: BTreeMap<(Role, Role), Arc<Proxy>>,
    doors: BTreeMap<Role, Arc<Proxy>>,
}

impl Network {
    /// Opens a proxy for every link between `roles`, and a door for each of them.
    pub(crate) async fn open(roles: &[Role], seed: Seed) -> Result<Self, LabError> {
        let (mut links, mut doors) = (BTreeMap::new(), BTreeMap::new());
        for from in roles {
            let name = format!("door-{from}");
            doors.insert(*from, listen(name, seed).await?);
            for to in from.calls().iter().filter(|to| roles.contains(to)) {
                links.insert((*from, *to), listen(format!("{from}-{to}"), seed).await?);
            }
        }
        Ok(Self { links, doors })
    }

    /// The proxy of a link.
    pub(crate) fn link(&self, from: Role, to: Role) -> Result<&Arc<Proxy>, LabError> {
        self.links.get(&(from, to)).ok_or_else(|| LabError::NoLink {
            from: from.to_string(),
            to: to.to_string(),
        })
    }

    /// The proxy of a link, as chaos names it.
    pub(crate) fn on(&self, link: Link) -> Result<&Proxy, LabError> {
        match link {
            Link::Call { from, to } => self.link(from, to),
            Link::Door(to) => self.doors.get(&to).ok_or_else(|| LabError::NoService {
                service: to.to_string(),
            }),
            Link::Database(of) => Err(LabError::NoDatabaseLink {
                service: of.to_string(),
            }),
        }
    }

    /// Base URL of whoever is called over a link.
    pub(crate) fn base(&self, link: Link) -> Result<String, LabError> {
        let proxy = self.on(link)?;
        url(proxy).ok_or_else(|| LabError::NoService {
            service: link.to_string(),
        })
    }

    /// All links and where callers connect to.
    pub(crate) fn all(&self) -> Vec<(Link, SocketAddr)> {
        let calls = self.links.iter().map(|((from, to), proxy)| {
            let (from, to) = (*from, *to);
            (Link::Call { from, to }, proxy)
        });
        let doors = self
            .doors
            .iter()
            .map(|(to, proxy)| (Link::Door(*to), proxy));
        calls
            .chain(doors)
            .filter_map(|(link, proxy)| Some((link, proxy.address()?)))
            .collect()
    }

    /// Base URL of a service for those outside the shop.
    pub(crate) fn door(&self, to: Role) -> Result<String, LabError> {
        self.doors
            .get(&to)
            .and_then(|proxy| url(proxy))
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
        let mut all = self.links.values().chain(self.doors.values());
        all.all(|proxy| proxy.is_healed())
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
