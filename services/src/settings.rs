//! The settings in force: defaults, what each role has, bounds, and all-or-none changes.
//!
//! It holds values only; what a value does is where it is used.

use std::{sync::Arc, time::Duration};

use parking_lot::RwLock;
use scenarios::{
    setting::{
        Arithmetic, Breaker, CartTotals, HistoryReads, Latency, QuoteCalls, Report, Retries,
        Setting,
    },
    shop::Role,
};

use crate::error::ServiceError;

/// Most worker slots or connections: beyond it, sockets would run out before slots.
const MOST_SLOTS: u32 = 10_000;
/// Longest timeout, delay or reset: a longer one is a slip of the pen.
const LONGEST_MS: u64 = 600_000;
/// Most retries of one call.
const MOST_RETRIES: u32 = 20;

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
/// Most items settled per second: more than a thread can count off one by one is a slip of the pen.
const MOST_SETTLED_PER_S: u32 = 1_000_000;
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
        }
    }

    /// These settings with some changed.
    ///
    /// # Errors
    /// The first setting that the role does not have or whose value is out of bounds; then none is changed.
    pub fn with(&self, role: Role, changes: &[Setting]) -> Result<Self, ServiceError> {
        let mut settings = self.clone();
        for change in changes {
            if !has(role, change) {
                return Err(ServiceError::ForeignSetting {
                    role,
                    setting: show(change),
                });
            }
            check(change).map_err(|reason| ServiceError::SettingValue {
                setting: show(change),
                reason,
            })?;
            settings.put(change);
        }
        Ok(settings)
    }

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
        }
    }
}

/// Whether a role has a setting, as `scenarios::setting` says.
fn has(role: Role, setting: &Setting) -> bool {
    let owners: &[Role] = match setting {
        Setting::Money(_) | Setting::StableIdempotencyKey(_) | Setting::WorkerSlots(_) => {
            &[Role::Checkout]
        }
        Setting::CallTimeoutMs(_) => &[
            Role::Checkout,
            Role::Pricing,
            Role::Promotions,
            Role::Payments,
            Role::Orders,
        ],
        Setting::Retries(_) => &[Role::Checkout, Role::Payments],
        Setting::Breaker(_) => &[Role::Checkout, Role::Pricing],
        Setting::DeadlineBudgetMs(_) => &[Role::Checkout, Role::Pricing, Role::Promotions],
        Setting::CartTotals(_) => &[Role::Promotions],
        Setting::OutboundConnections(_) => &[Role::Payments],
        Setting::Latency(_) => &[Role::Psp, Role::Shipping],
        Setting::LostAnswers(_) | Setting::DelayedCharges { .. } => &[Role::Psp],
        Setting::HistoryReads(_)
        | Setting::QuoteCalls(_)
        | Setting::QuoteCache(_)
        | Setting::ReadConnections(_)
        | Setting::ExtraIndex(_) => &[Role::Orders],
        Setting::ReconciliationTolerance(_) => &[Role::Ledger],
        Setting::Report(_) | Setting::SettlementPerS(_) => &[Role::Worker],
    };
    owners.contains(&role)
}

fn check(setting: &Setting) -> Result<(), &'static str> {
    let fine = match *setting {
        Setting::WorkerSlots(n) | Setting::OutboundConnections(n) | Setting::ReadConnections(n) => {
            return within((1..=MOST_SLOTS).contains(&n), "must be 1 to 10000");
        }
        Setting::CallTimeoutMs(ms) => (1..=LONGEST_MS).contains(&ms),
        Setting::DeadlineBudgetMs(ms) => ms.is_none_or(|ms| (1..=LONGEST_MS).contains(&ms)),
        Setting::Retries(retries) => {
            retries.max <= MOST_RETRIES && retries.backoff_ms <= LONGEST_MS
        }
        Setting::Breaker(breaker) => {
            breaker.is_none_or(|b| b.failures > 0 && (1..=LONGEST_MS).contains(&b.reset_ms))
        }
        Setting::Latency(latency) => {
            return within(
                latency.median_ms > 0.0
                    && latency.p99_ms >= latency.median_ms
                    && latency.p99_ms <= 600_000.0,
                "the median must be above 0 and the 99th percentile not below it, both at most 600000 ms",
            );
        }
        Setting::LostAnswers(share) => return share_of(share),
        Setting::DelayedCharges { share, delay_ms } if delay_ms <= LONGEST_MS => {
            return share_of(share);
        }
        Setting::DelayedCharges { .. } => false,
        Setting::ReconciliationTolerance(units) => {
            return within(units >= 0, "must not be negative");
        }
        Setting::Report(report) => return share_of(report.duty),
        Setting::SettlementPerS(n) => {
            return within(
                (1..=MOST_SETTLED_PER_S).contains(&n),
                "must be 1 to 1000000 items per second",
            );
        }
        Setting::Money(_)
        | Setting::StableIdempotencyKey(_)
        | Setting::CartTotals(_)
        | Setting::HistoryReads(_)
        | Setting::QuoteCalls(_)
        | Setting::QuoteCache(_)
        | Setting::ExtraIndex(_) => true,
    };
    within(
        fine,
        "must be above 0 where 0 makes no sense, at most 600000 ms and at most 20 retries",
    )
}

fn share_of(share: f64) -> Result<(), &'static str> {
    within((0.0..=1.0).contains(&share), "must be a share, 0 to 1")
}

fn within(fine: bool, reason: &'static str) -> Result<(), &'static str> {
    if fine { Ok(()) } else { Err(reason) }
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
