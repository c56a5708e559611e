//! The board on the wall: how every instance stands. Written by the services' tasks, read by everyone.

use std::{collections::BTreeMap, net::SocketAddr};

use api::ServiceView;
use parking_lot::RwLock;
use scenarios::shop::Role;

use super::Desired;
use crate::instruments::ScrapeTarget;

/// How one instance stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Standing {
    pub instance: String,
    pub version: String,
    /// `starting`, `ready`, `unready`, `stopping`, `exited`.
    pub state: &'static str,
    pub exit: Option<String>,
    pub restarts: u32,
    pub pid: Option<u32>,
    /// Where it listens, or last did.
    pub address: Option<SocketAddr>,
}

impl Standing {
    /// Whether connections go to it: it listens, however slowly it answers.
    fn serves(&self) -> bool {
        matches!(self.state, "ready" | "unready")
    }
}

#[derive(Debug, Default)]
struct Row {
    desired: Option<Desired>,
    standings: Vec<Standing>,
}

#[derive(Debug, Default)]
pub(crate) struct Board(RwLock<BTreeMap<Role, Row>>);

impl Board {
    pub(super) fn set(&self, role: Role, desired: &Desired, standings: Vec<Standing>) {
        let row = Row {
            desired: Some(desired.clone()),
            standings,
        };
        self.0.write().insert(role, row);
    }

    /// Changes `ready` to `unready` or back; answers whether it did. Other states are not the prober's to change.
    pub(super) fn set_answers(&self, role: Role, instance: &str, answers: bool) -> bool {
        let (from, to) = if answers {
            ("unready", "ready")
        } else {
            ("ready", "unready")
        };
        let mut rows = self.0.write();
        let standing = rows
            .get_mut(&role)
            .and_then(|row| {
                row.standings
                    .iter_mut()
                    .find(|standing| standing.instance == instance)
            })
            .filter(|standing| standing.state == from);
        standing.map(|standing| standing.state = to).is_some()
    }

    pub(super) fn desired(&self, role: Role) -> Option<Desired> {
        self.0.read().get(&role)?.desired.clone()
    }

    pub(super) fn serving(&self, role: Role) -> Vec<SocketAddr> {
        self.0
            .read()
            .get(&role)
            .into_iter()
            .flat_map(|row| &row.standings)
            .filter(|standing| standing.serves())
            .filter_map(|standing| standing.address)
            .collect()
    }

    /// Instances that serve, with their addresses.
    pub(super) fn all_serving(&self) -> Vec<(Role, String, SocketAddr)> {
        let rows = self.0.read();
        let standings = rows
            .iter()
            .flat_map(|(role, row)| row.standings.iter().map(move |standing| (role, standing)));
        standings
            .filter(|(_, standing)| standing.serves())
            .filter_map(|(role, standing)| {
                Some((*role, standing.instance.clone(), standing.address?))
            })
            .collect()
    }

    /// Every instance that is not gone for good: one that crashed stays a target, and is down.
    pub(super) fn targets(&self) -> Vec<ScrapeTarget> {
        let rows = self.0.read();
        let standings = rows
            .iter()
            .flat_map(|(role, row)| row.standings.iter().map(move |standing| (role, standing)));
        standings
            .filter_map(|(role, standing)| {
                Some(ScrapeTarget {
                    service: role.to_string(),
                    instance: standing.instance.clone(),
                    url: format!("http://{}/metrics", standing.address?),
                })
            })
            .collect()
    }

    pub(super) fn views(&self) -> Vec<ServiceView> {
        let rows = self.0.read();
        let view = |role: &Role, standing: &Standing| ServiceView {
            name: role.to_string(),
            instance: standing.instance.clone(),
            version: standing.version.clone(),
            state: standing.state.to_owned(),
            exit: standing.exit.clone(),
            restarts: standing.restarts,
            pid: standing.pid,
        };
        rows.iter()
            .flat_map(|(role, row)| {
                row.standings
                    .iter()
                    .map(move |standing| view(role, standing))
            })
            .collect()
    }
}
