//! Where chaos is aimed: a service, a link, or the load. Names as on the wire: `checkout`,
//! `checkout->payments`, `outside->storefront`, `orders->database`, `load`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{nearest::nearest, shop::Role};

/// A connection that bytes pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Link {
    /// From one service to another.
    Call {
        /// Caller.
        from: Role,
        /// Called.
        to: Role,
    },
    /// From the load and the jobs, outside the shop, to a service.
    Door(Role),
    /// From a service to its database.
    Database(Role),
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call { from, to } => write!(f, "{from}->{to}"),
            Self::Door(to) => write!(f, "outside->{to}"),
            Self::Database(of) => write!(f, "{of}->database"),
        }
    }
}

/// Where chaos is aimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Aim {
    /// A service; for what acts on links, all links to it.
    Service(Role),
    /// A link.
    Link(Link),
    /// The traffic of customers.
    Load,
}

impl Aim {
    /// Everything that can be aimed at.
    pub fn all() -> impl Iterator<Item = Self> {
        let services = Role::ALL.into_iter().map(Self::Service);
        services.chain(links().map(Self::Link)).chain([Self::Load])
    }

    /// The links that are hit.
    #[must_use]
    pub fn links(self) -> Vec<Link> {
        match self {
            Self::Link(link) => vec![link],
            Self::Service(role) => links()
                .filter(|link| match link {
                    Link::Call { to, .. } | Link::Door(to) => *to == role,
                    Link::Database(_) => false,
                })
                .collect(),
            Self::Load => Vec::new(),
        }
    }

    /// The service that is hit; the caller's, when it is a link.
    #[must_use]
    pub fn service(self) -> Option<Role> {
        match self {
            Self::Service(role) | Self::Link(Link::Call { from: role, .. }) => Some(role),
            Self::Link(Link::Door(role) | Link::Database(role)) => Some(role),
            Self::Load => None,
        }
    }
}

/// All links of the shop.
fn links() -> impl Iterator<Item = Link> {
    let calls = Role::ALL.into_iter().flat_map(|from| {
        let calls = from.calls().iter();
        calls.map(move |to| Link::Call { from, to: *to })
    });
    let doors = Role::ALL.into_iter().map(Link::Door);
    let databases = Role::ALL.into_iter().filter(|role| role.has_database());
    calls.chain(doors).chain(databases.map(Link::Database))
}

impl fmt::Display for Aim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(role) => write!(f, "{role}"),
            Self::Link(link) => write!(f, "{link}"),
            Self::Load => write!(f, "load"),
        }
    }
}

/// Why a text is no aim.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no service or link `{given}`{}", did_you_mean(.nearest))]
pub struct UnknownAim {
    /// What was given, cut.
    pub given: String,
    /// The most similar one, if any is.
    pub nearest: Option<String>,
}

fn did_you_mean(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(
        || "; write a service as in checkout, or a link as in checkout->payments".to_owned(),
        |near| format!("; did you mean `{near}`"),
    )
}

impl FromStr for Aim {
    type Err = UnknownAim;

    fn from_str(text: &str) -> Result<Self, UnknownAim> {
        // an arrow as people draw it, and one that needs no quotes in a shell
        let name = text.trim().replace(" ", "").replace(['→', ':'], "->");
        Self::all()
            .find(|aim| aim.to_string() == name)
            .ok_or_else(|| {
                let all: Vec<_> = Self::all().map(|aim| aim.to_string()).collect();
                UnknownAim {
                    given: text.chars().take(60).collect(),
                    nearest: nearest(&name, all.iter().map(String::as_str)).map(str::to_owned),
                }
            })
    }
}

impl From<Aim> for String {
    fn from(aim: Aim) -> Self {
        aim.to_string()
    }
}

impl TryFrom<String> for Aim {
    type Error = UnknownAim;

    fn try_from(text: String) -> Result<Self, UnknownAim> {
        text.parse()
    }
}

/// What a mechanism can be aimed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aims {
    /// Any link; a service means all links to it.
    Links,
    /// Links that carry HTTP: as [`Aims::Links`], databases excepted.
    HttpLinks,
    /// Calls of one service by another that these services make; all services' when none is named.
    CallsOf(&'static [Role]),
    /// These calls.
    Calls(&'static [(Role, Role)]),
    /// These services; all when none is named.
    Services(&'static [Role]),
    /// Services that keep data in a database.
    DatabaseOwners,
    /// The load.
    Load,
    /// Nothing: it cannot be injected.
    Nothing,
}

impl Aims {
    /// Whether it can be aimed there.
    #[must_use]
    pub fn admit(self, aim: Aim) -> bool {
        match (self, aim) {
            (Self::Links, Aim::Link(_) | Aim::Service(_)) => true,
            (Self::HttpLinks, Aim::Link(link)) => !matches!(link, Link::Database(_)),
            (Self::HttpLinks, Aim::Service(_)) | (Self::Load, Aim::Load) => true,
            (Self::CallsOf(callers), Aim::Link(Link::Call { from, .. })) => {
                callers.is_empty() || callers.contains(&from)
            }
            (Self::Calls(calls), Aim::Link(Link::Call { from, to })) => calls.contains(&(from, to)),
            (Self::Services(roles), Aim::Service(role)) => {
                roles.is_empty() || roles.contains(&role)
            }
            (Self::DatabaseOwners, Aim::Service(role)) => role.has_database(),
            _ => false,
        }
    }

    /// Everything that it can be aimed at.
    pub fn all(self) -> impl Iterator<Item = Aim> {
        Aim::all().filter(move |aim| self.admit(*aim))
    }

    /// In words.
    #[must_use]
    pub fn words(self) -> String {
        let names = |roles: &[Role]| roles.iter().map(|role| role.name()).collect::<Vec<_>>();
        match self {
            Self::Links => "any link, or a service: all links to it".to_owned(),
            Self::HttpLinks => {
                "any link between services, or a service: all links to it".to_owned()
            }
            Self::CallsOf([]) => "any call of one service by another".to_owned(),
            Self::CallsOf(callers) => format!("calls made by {}", names(callers).join(", ")),
            Self::Calls(calls) => calls
                .iter()
                .map(|(from, to)| format!("{from}->{to}"))
                .collect::<Vec<_>>()
                .join(", "),
            Self::Services([]) => "any service".to_owned(),
            Self::Services(roles) => names(roles).join(", "),
            Self::DatabaseOwners => "any service that has a database".to_owned(),
            Self::Load => "load".to_owned(),
            Self::Nothing => "nothing".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_aim_is_read_as_it_is_written() {
        for aim in Aim::all() {
            assert_eq!(aim.to_string().parse(), Ok(aim));
        }
        assert_eq!(
            "checkout:payments".parse::<Aim>(),
            "checkout -> payments".parse()
        );
    }

    #[test]
    fn an_unknown_aim_is_told_with_the_nearest() {
        let told = "chekcout".parse::<Aim>().unwrap_err().to_string();
        assert_eq!(
            told,
            "there is no service or link `chekcout`; did you mean `checkout`"
        );
        assert!("".parse::<Aim>().is_err());
    }

    #[test]
    fn a_service_stands_for_all_links_to_it() {
        let told: Vec<_> = Aim::Service(Role::Psp)
            .links()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(told, ["payments->psp", "ledger->psp", "outside->psp"]);
    }
}
