//! The settings that every role has, as a caller and the control socket see them.

use scenarios::{
    setting::{Quota, Setting},
    shop::Role,
};

use super::Shop;

#[tokio::test]
async fn replacing_sets_everything_else_back_to_its_default() {
    let slots = [Setting::WorkerSlots(3), Setting::CallTimeoutMs(9)];
    let shop = Shop::new().with(Role::Checkout, &slots).await;
    assert_eq!(shop.metric(Role::Checkout, "worker_slots_limit"), 3.0);
    let quota = Setting::Quota(Some(Quota { requests: 5 }));
    shop.replace(Role::Checkout, &[Setting::CallTimeoutMs(9), quota])
        .await;
    assert_eq!(shop.metric(Role::Checkout, "worker_slots_limit"), 64.0);
    shop.replace(Role::Checkout, &[]).await;
    let settings = shop.settings(Role::Checkout);
    assert_eq!(settings, crate::settings::Settings::of(Role::Checkout));
}
