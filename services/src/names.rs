//! The shop's names: `payments.shop.internal` is where payments is. A name that cannot be looked up
//! fails as the system's own lookup would.

use std::{
    collections::BTreeMap,
    future::{Ready, ready},
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    task::{Context, Poll},
};

use hyper_util::client::legacy::connect::dns::Name;
use parking_lot::RwLock;
use scenarios::shop::Role;
use ureq::unversioned::{
    resolver::{ResolvedSocketAddrs, Resolver},
    transport::NextTimeout,
};

/// What all names of the shop end with.
const DOMAIN: &str = ".shop.internal";
/// What getaddrinfo says of a name that is not known, as the standard library words it.
const NOT_KNOWN: &str = "failed to lookup address information: Name or service not known";

/// Where the called services are. Clones share it.
#[derive(Debug, Clone)]
pub struct Names(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    hosts: BTreeMap<Role, IpAddr>,
    unresolvable: RwLock<Vec<Role>>,
}

impl Names {
    /// Of services at these addresses.
    #[must_use]
    pub fn new(hosts: BTreeMap<Role, IpAddr>) -> Self {
        Self(Arc::new(Inner {
            hosts,
            unresolvable: RwLock::default(),
        }))
    }

    /// The name of a role.
    #[must_use]
    pub fn of(role: Role) -> String {
        format!("{role}{DOMAIN}")
    }

    /// From now on these cannot be looked up; whether that is a change.
    pub fn lose(&self, roles: &[Role]) -> bool {
        let mut unresolvable = self.0.unresolvable.write();
        let changed = *unresolvable != roles;
        *unresolvable = roles.to_vec();
        changed
    }

    fn look_up(&self, name: &str) -> io::Result<IpAddr> {
        let role = name.strip_suffix(DOMAIN);
        let unresolvable = self.0.unresolvable.read();
        let known = self
            .0
            .hosts
            .iter()
            .find(|(of, _)| role == Some(of.name()) && !unresolvable.contains(of));
        known
            .map(|(_, host)| *host)
            .ok_or_else(|| io::Error::other(NOT_KNOWN))
    }
}

/// For the clients that do not block.
impl tower::Service<Name> for Names {
    type Response = std::option::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Ready<io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        // the port is the URL's
        let found = self.look_up(name.as_str());
        ready(found.map(|host| Some(SocketAddr::new(host, 0)).into_iter()))
    }
}

/// For the one that blocks.
impl Resolver for Names {
    fn resolve(
        &self,
        uri: &ureq::http::Uri,
        _: &ureq::config::Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let (Some(host), Some(port)) = (uri.host(), uri.port_u16()) else {
            return Err(ureq::Error::HostNotFound);
        };
        let mut addresses = self.empty();
        addresses.push(SocketAddr::new(self.look_up(host)?, port));
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn a_name_is_known_unless_it_is_lost_or_nobodys() {
        let here = IpAddr::from(Ipv4Addr::LOCALHOST);
        let hosts = [(Role::Payments, here), (Role::Orders, here)];
        let names = Names::new(hosts.into());
        assert_eq!(names.look_up("payments.shop.internal").unwrap(), here);
        for nobodys in ["psp.shop.internal", "payments", "payments.shop.example", ""] {
            assert!(names.look_up(nobodys).is_err(), "{nobodys}");
        }
        assert!(names.lose(&[Role::Payments]));
        assert!(!names.lose(&[Role::Payments]));
        let lost = names.look_up("payments.shop.internal").unwrap_err();
        assert!(lost.to_string().ends_with("Name or service not known"));
        assert_eq!(names.look_up("orders.shop.internal").unwrap(), here);
        names.lose(&[]);
        assert!(names.look_up("payments.shop.internal").is_ok());
    }
}
