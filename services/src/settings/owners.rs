//! Which role has which setting, as `scenarios::setting` says.

use scenarios::{setting::Setting, shop::Role};

/// Whether a role has a setting.
pub fn has(role: Role, setting: &Setting) -> bool {
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
        | Setting::ExtraIndex(_)
        | Setting::ItemsIndex(_)
        | Setting::HistoryLimit(_) => &[Role::Orders],
        Setting::ReconciliationTolerance(_) => &[Role::Ledger],
        Setting::Report(_) | Setting::SettlementPerS(_) => &[Role::Worker],
        Setting::Reservations(_) => &[Role::Inventory],
        Setting::Recommendations(_) => &[Role::Storefront],
        Setting::CpuBurn(_)
        | Setting::MemoryLeak(_)
        | Setting::DescriptorLeak(_)
        | Setting::LogFlood(_)
        | Setting::ClockSkewMs(_)
        | Setting::BlockingWork(_)
        | Setting::Defect(_)
        | Setting::RevokedCallers(_)
        | Setting::Quota(_)
        | Setting::Ready(_)
        | Setting::StartDelayMs(_)
        | Setting::ExitAfterMs(_)
        | Setting::Unresolvable(_)
        | Setting::KeepAlive(_) => return true,
        Setting::DatabaseDelayMs(_)
        | Setting::DatabaseConnections(_)
        | Setting::WriteLock(_)
        | Setting::PartialBatches(_)
        | Setting::DiskFull(_) => return role.has_database(),
    };
    owners.contains(&role)
}
