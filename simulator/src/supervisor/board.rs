//! The board on the wall: how every instance stands. Written by the services' tasks, read by everyone.

use std::{collections::BTreeMap, net::SocketAddr};

use api::ServiceView;
use parking_lot::RwLock;
use scenarios::shop::Role;

use super::{Desired, share::turns};
use crate::instruments::ScrapeTarget;

/// How one instance stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Standing {
    pub instance: String,
    pub version: String,
    /// `starting`, `ready`, `unready`, `stopping`, `exited`, `standby`.
    pub state: &'static str,
    /// Whether it is of a release that is being tried beside the one in force.
    pub staged: bool,
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
    /// Of a hundred new connections, how many go to what is staged.
    percent: u8,
}

/// The two releases of a service while one is tried.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sides {
    /// Instances of the release in force.
    pub old: Vec<String>,
    /// Instances of the one that is tried.
    pub new: Vec<String>,
    /// How an instance of the new one ended by itself, if one did.
    pub lost: Option<String>,
}

#[derive(Debug, Default)]
pub(crate) struct Board(RwLock<BTreeMap<Role, Row>>);

impl Board {
    /// Notes how a service's instances stand, and what share of new connections, per cent, goes to those that are staged.
    pub(super) fn set(&self, role: Role, desired: &Desired, standings: Vec<Standing>, percent: u8) {
        let row = Row {
            desired: Some(desired.clone()),
            standings,
            percent,
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

    /// Where connections to a service go, in turn; an instance stands in it as often as is its share.
    pub(super) fn serving(&self, role: Role) -> Vec<SocketAddr> {
        let rows = self.0.read();
        let Some(row) = rows.get(&role) else {
            return Vec::new();
        };
        let side = |staged: bool| -> Vec<SocketAddr> {
            let serving = row.standings.iter().filter(|standing| standing.serves());
            serving
                .filter(|standing| standing.staged == staged)
                .filter_map(|standing| standing.address)
                .collect()
        };
        turns(&side(false), &side(true), row.percent)
    }

    /// The instances of a service by release.
    pub(super) fn sides(&self, role: Role) -> Sides {
        let mut sides = Sides::default();
        let rows = self.0.read();
        let standings = rows.get(&role).into_iter().flat_map(|row| &row.standings);
        for standing in standings.filter(|standing| standing.state != "standby") {
            if !standing.staged {
                sides.old.push(standing.instance.clone());
                continue;
            }
            sides.new.push(standing.instance.clone());
            if standing.exit.is_some() {
                sides.lost.clone_from(&standing.exit);
            }
        }
        sides
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
