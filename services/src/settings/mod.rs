//! The settings in force: defaults and all-or-none changes.
//!
//! It holds values only; what a value does is where it is used. Who has which is in `owners`, what values they may have
//! in `bounds`.

mod bounds;
mod harms;
mod owners;

use std::{sync::Arc, time::Duration};

use parking_lot::RwLock;
use scenarios::{
    setting::{
        Arithmetic, Breaker, CartTotals, HistoryLimit, HistoryReads, Latency, QuoteCalls, Report,
        Reservations, Retries, Setting,
    },
    shop::Role,
};

use crate::error::ServiceError;
pub use harms::Harms;

/// What the provider and shipping take by default.
const PSP_LATENCY: Latency = Latency {
    median_ms: 40.0,
    p99_ms: 120.0,
};
const SHIPPING_LATENCY: Latency = Latency {
    median_ms: 6.0,
    p99_ms: 20.0,
};
/// How long the edge waits for a service: its callers give up before it does.
const EDGE_TIMEOUT: Duration = Duration::from_secs(10);
/// Default of [`Setting::SettlementPerS`].
const SETTLEMENT_PER_S: u32 = 100;
/// Default of [`Setting::CallTimeoutMs`].
const CALL_TIMEOUT: Duration = Duration::from_secs(3);

/// All values of a service, also those that its role does not have: they stay at their defaults.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // as in `scenarios::setting`
pub struct Settings {
    pub money: Arithmetic,
    pub stable_idempotency_key: bool,
    pub worker_slots: u32,
    pub call_timeout: Duration,
    pub retries: Retries,
    pub breaker: Option<Breaker>,
    pub deadline_budget: Option<Duration>,
    pub cart_totals: CartTotals,
    pub outbound_connections: u32,
    pub latency: Latency,
    pub lost_answers: f64,
    pub delayed_share: f64,
    pub delayed_by: Duration,
    pub history_reads: HistoryReads,
    pub quote_calls: QuoteCalls,
    pub quote_cache: bool,
    pub read_connections: u32,
    pub extra_index: bool,
    pub reconciliation_tolerance: i64,
    pub report: Report,
    pub settlement_per_s: u32,
    pub reservations: Reservations,
    pub items_index: bool,
    pub history_limit: HistoryLimit,
    pub recommendations: bool,
    pub keep_alive: bool,
    /// What every role has.
    pub harms: Harms,
}

impl Settings {
    /// The defaults of a role.
    #[must_use]
    pub fn of(role: Role) -> Self {
        Self {
            money: Arithmetic::Decimal,
            stable_idempotency_key: true,
            worker_slots: 64,
            call_timeout: if role == Role::Storefront {
                EDGE_TIMEOUT
            } else {
                CALL_TIMEOUT
            },
            retries: Retries {
                max: 0,
                backoff_ms: 0,
            },
            breaker: None,
            deadline_budget: None,
            cart_totals: CartTotals::Local,
            outbound_connections: 512,
            latency: if role == Role::Shipping {
                SHIPPING_LATENCY
            } else {
                PSP_LATENCY
            },
            lost_answers: 0.0,
            delayed_share: 0.0,
            delayed_by: Duration::ZERO,
            history_reads: HistoryReads::Batched,
            quote_calls: QuoteCalls::Concurrent,
            quote_cache: true,
            read_connections: 8,
            extra_index: false,
            reconciliation_tolerance: 0,
            report: Report { duty: 0.0 },
            settlement_per_s: SETTLEMENT_PER_S,
            reservations: Reservations::Conditional,
            items_index: true,
            history_limit: HistoryLimit::Page,
            recommendations: false,
            keep_alive: true,
            harms: Harms::default(),
        }
    }

    /// These settings with some changed.
    ///
    /// # Errors
    /// The first setting that the role does not have or whose value is out of bounds; then none is changed.
    pub fn with(&self, role: Role, changes: &[Setting]) -> Result<Self, ServiceError> {
        let mut settings = self.clone();
        for change in changes {
            if !owners::has(role, change) {
                return Err(ServiceError::ForeignSetting {
                    role,
                    setting: show(change),
                });
            }
            bounds::check(role, change).map_err(|reason| ServiceError::SettingValue {
                setting: show(change),
                reason,
            })?;
            if !settings.harms.put(change) {
                settings.put(change);
            }
        }
        Ok(settings)
    }

    /// Takes a value of one that only some roles have.
    fn put(&mut self, change: &Setting) {
        match *change {
            Setting::Money(value) => self.money = value,
            Setting::StableIdempotencyKey(value) => self.stable_idempotency_key = value,
            Setting::WorkerSlots(value) => self.worker_slots = value,
            Setting::CallTimeoutMs(value) => self.call_timeout = Duration::from_millis(value),
            Setting::Retries(value) => self.retries = value,
            Setting::Breaker(value) => self.breaker = value,
            Setting::DeadlineBudgetMs(value) => {
                self.deadline_budget = value.map(Duration::from_millis);
            }
            Setting::CartTotals(value) => self.cart_totals = value,
            Setting::OutboundConnections(value) => self.outbound_connections = value,
            Setting::Latency(value) => self.latency = value,
            Setting::LostAnswers(value) => self.lost_answers = value,
            Setting::DelayedCharges { share, delay_ms } => {
                self.delayed_share = share;
                self.delayed_by = Duration::from_millis(delay_ms);
            }
            Setting::HistoryReads(value) => self.history_reads = value,
            Setting::QuoteCalls(value) => self.quote_calls = value,
            Setting::QuoteCache(value) => self.quote_cache = value,
            Setting::ReadConnections(value) => self.read_connections = value,
            Setting::ExtraIndex(value) => self.extra_index = value,
            Setting::ReconciliationTolerance(value) => self.reconciliation_tolerance = value,
            Setting::Report(value) => self.report = value,
            Setting::SettlementPerS(value) => self.settlement_per_s = value,
            Setting::Reservations(value) => self.reservations = value,
            Setting::ItemsIndex(value) => self.items_index = value,
            Setting::HistoryLimit(value) => self.history_limit = value,
            Setting::Recommendations(value) => self.recommendations = value,
            Setting::KeepAlive(value) => self.keep_alive = value,
            // those in `harms`
            _ => {}
        }
    }
}

/// Name and value as on the control socket.
fn show(setting: &Setting) -> String {
    serde_json::to_string(setting).unwrap_or_else(|_| format!("{setting:?}"))
}

/// The settings in force, shared; reading never waits for long, changing swaps the whole.
#[derive(Debug, Clone)]
pub struct SettingsCell(Arc<RwLock<Arc<Settings>>>);

impl SettingsCell {
    /// With these.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(settings))))
    }

    /// As they are now; a request that takes them once sees no change half-way.
    #[must_use]
    pub fn now(&self) -> Arc<Settings> {
        Arc::clone(&self.0.read())
    }

    /// Puts others in force.
    pub fn replace(&self, settings: Settings) {
        *self.0.write() = Arc::new(settings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenarios::setting::{CpuBurn, LogFlood, MemoryLeak, WriteLock};

    fn flood(lines_per_s: u32) -> LogFlood {
        LogFlood { lines_per_s }
    }

    fn leak(mib_per_s: f64, most_mib: u32) -> MemoryLeak {
        MemoryLeak {
            mib_per_s,
            most_mib,
        }
    }

    #[test]
    fn every_role_can_be_harmed_and_only_one_with_a_database_by_way_of_it() {
        for role in Role::ALL {
            let settings = Settings::of(role);
            let flooded = settings.with(role, &[Setting::LogFlood(flood(7))]).unwrap();
            assert_eq!(flooded.harms.log_flood, flood(7));
            assert_eq!(
                flooded.with(role, &[Setting::LogFlood(flood(0))]).unwrap(),
                settings
            );
            let database = settings.with(role, &[Setting::PartialBatches(0.5)]);
            assert_eq!(database.is_ok(), role.has_database(), "{role}");
        }
    }

    #[test]
    fn a_change_with_one_foreign_setting_changes_nothing() {
        let before = Settings::of(Role::Checkout);
        let refused = before.with(
            Role::Checkout,
            &[Setting::WorkerSlots(5), Setting::OutboundConnections(2)],
        );
        let reason = refused.unwrap_err().to_string();
        assert_eq!(
            reason,
            r#"checkout has no setting {"outbound-connections":2}"#
        );
        assert_eq!(before, Settings::of(Role::Checkout));
    }

    #[test]
    fn values_out_of_bounds_are_refused_with_the_bounds() {
        for (role, setting) in [
            (Role::Checkout, Setting::WorkerSlots(0)),
            (Role::Checkout, Setting::CallTimeoutMs(0)),
            (Role::Psp, Setting::LostAnswers(1.5)),
            (Role::Psp, Setting::LostAnswers(f64::NAN)),
            (
                Role::Psp,
                Setting::Latency(Latency {
                    median_ms: 10.0,
                    p99_ms: 5.0,
                }),
            ),
            (Role::Worker, Setting::Report(Report { duty: -0.1 })),
            (Role::Ledger, Setting::ReconciliationTolerance(-1)),
            (Role::Psp, Setting::CpuBurn(CpuBurn { duty: 1.01 })),
            (Role::Psp, Setting::ClockSkewMs(i64::MIN)),
            (Role::Psp, Setting::LogFlood(flood(20_001))),
            (Role::Psp, Setting::MemoryLeak(leak(f64::INFINITY, 1))),
            (Role::Psp, Setting::MemoryLeak(leak(1.0, u32::MAX))),
            (Role::Payments, Setting::Unresolvable(vec![Role::Ledger])),
            (Role::Psp, Setting::RevokedCallers(vec![Role::Shipping])),
            (Role::Ledger, Setting::PartialBatches(-0.1)),
            (Role::Ledger, Setting::DatabaseConnections(Some(0))),
            (
                Role::Ledger,
                Setting::WriteLock(WriteLock {
                    hold_ms: 100,
                    every_ms: 99,
                }),
            ),
        ] {
            let refused = Settings::of(role).with(role, std::slice::from_ref(&setting));
            assert!(
                matches!(refused, Err(ServiceError::SettingValue { .. })),
                "{setting:?}"
            );
        }
    }

    #[test]
    fn a_whole_change_takes_effect_and_the_last_of_two_wins() {
        let after = Settings::of(Role::Checkout)
            .with(
                Role::Checkout,
                &[
                    Setting::Money(Arithmetic::BinaryFloat),
                    Setting::WorkerSlots(5),
                    Setting::WorkerSlots(6),
                    Setting::DeadlineBudgetMs(Some(400)),
                ],
            )
            .unwrap();
        assert_eq!(after.money, Arithmetic::BinaryFloat);
        assert_eq!(after.worker_slots, 6);
        assert_eq!(after.deadline_budget, Some(Duration::from_millis(400)));
    }
}
