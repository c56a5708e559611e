//! What chaos does to a lab: the closed list that links, services, supervisor and load carry out.
//! A mechanism is turned into acts by its own file; who carries them out does not know mechanisms.

use serde_json::Value;

use super::aim::{Aim, Link};
use crate::{
    setting::Setting,
    shop::Role,
    toxic::{Stream, Toxic, Toxicity},
};

/// Something that is done to a lab until it is taken back.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// A toxic on a link.
    Toxic {
        /// Where.
        link: Link,
        /// Direction.
        stream: Stream,
        /// Share of connections.
        toxicity: Toxicity,
        /// What.
        toxic: Toxic,
    },
    /// Settings over those in force, in all processes of a service, new ones included.
    Set {
        /// Service.
        service: Role,
        /// Settings.
        settings: Vec<Setting>,
    },
    /// Settings over those in force in one running process only; a new process does not have them.
    Drift {
        /// Service.
        service: Role,
        /// Settings.
        settings: Vec<Setting>,
    },
    /// A release with other settings; taken back, the former one is rolled out again.
    Release {
        /// Service.
        service: Role,
        /// Settings that come with it.
        settings: Vec<Setting>,
    },
    /// A process of the service is killed, once.
    Kill {
        /// Service.
        service: Role,
    },
    /// All processes of the service are stopped and started, once.
    Restart {
        /// Service.
        service: Role,
    },
    /// All processes of the service stand still.
    Pause {
        /// Service.
        service: Role,
    },
    /// All processes of the service are killed when they have more resident memory.
    MemoryLimit {
        /// Service.
        service: Role,
        /// MiB.
        mib: u64,
    },
    /// So many times the traffic.
    Load {
        /// Factor.
        factor: f64,
    },
}

impl Act {
    /// The service or link that it is done to, as an aim is written.
    #[must_use]
    pub fn at(&self) -> String {
        match self {
            Self::Toxic { link, .. } => link.to_string(),
            Self::Set { service, .. }
            | Self::Drift { service, .. }
            | Self::Release { service, .. }
            | Self::Kill { service }
            | Self::Restart { service }
            | Self::Pause { service }
            | Self::MemoryLimit { service, .. } => service.to_string(),
            Self::Load { .. } => Aim::Load.to_string(),
        }
    }

    /// What is done, in words.
    #[must_use]
    pub fn says(&self) -> String {
        let list = |settings: &[Setting]| {
            let told: Vec<_> = settings
                .iter()
                .map(|one| serde_json::to_string(one).unwrap_or_else(|_| format!("{one:?}")))
                .collect();
            told.join(", ")
        };
        match self {
            Self::Toxic {
                stream,
                toxicity,
                toxic,
                ..
            } => format!(
                "toxic {} {} {} on {:.0} % of connections",
                toxic.kind(),
                toxic.attributes(),
                stream.as_str(),
                toxicity.share() * 100.0
            ),
            Self::Set { settings, .. } => format!("settings {} in every process", list(settings)),
            Self::Drift { settings, .. } => format!("settings {} in one process", list(settings)),
            Self::Release { settings, .. } => format!("a release with {}", list(settings)),
            Self::Kill { .. } => "one process is killed".to_owned(),
            Self::Restart { .. } => "every process is restarted".to_owned(),
            Self::Pause { .. } => "every process stands still (SIGSTOP)".to_owned(),
            Self::MemoryLimit { mib, .. } => {
                format!("processes of more than {mib} MiB are killed")
            }
            Self::Load { factor } => format!("{factor} times the traffic"),
        }
    }
}

/// A toxic on every link that is aimed at.
pub(super) fn toxics(
    aim: Aim,
    stream: Stream,
    share_of_connections: f64,
    kind: &str,
    attributes: Value,
) -> Vec<Act> {
    let toxic = Toxic::from_wire(kind, attributes)
        .expect("a mechanism's bounds are within those of its toxic, which a test tries");
    let toxicity = Toxicity::new(share_of_connections)
        .expect("a share is within 0 and 1, as its parameter's bounds are");
    let act = |link| Act::Toxic {
        link,
        stream,
        toxicity,
        toxic: toxic.clone(),
    };
    aim.links().into_iter().map(act).collect()
}

/// A setting, as it is written on the control socket.
pub(super) fn setting(wire: Value) -> Setting {
    serde_json::from_value(wire)
        .expect("a mechanism's bounds are within those of its setting, which a test tries")
}

/// Settings in all processes of the service aimed at.
pub(super) fn set(aim: Aim, wire: Value) -> Act {
    Act::Set {
        service: service(aim),
        settings: vec![setting(wire)],
    }
}

/// The service that a mechanism of services is aimed at.
pub(super) fn service(aim: Aim) -> Role {
    aim.service()
        .expect("the aim was admitted, and this mechanism admits services and links only")
}

/// Caller and called of the call that a mechanism of calls is aimed at.
pub(super) fn call(aim: Aim) -> (Role, Role) {
    match aim {
        Aim::Link(Link::Call { from, to }) => (from, to),
        _ => unreachable!("the aim was admitted, and this mechanism admits calls only"),
    }
}
