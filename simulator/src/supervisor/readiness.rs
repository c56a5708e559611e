//! Whether instances are ready: asked of them, as a load balancer would. The answer of a running one
//! is shown and has no other consequence.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use http::{HeaderMap, Method};
use tokio_util::sync::CancellationToken;

use super::Floor;

/// How long a process may take to answer whether it is ready; then it counts as not.
const READY_ANSWER: Duration = Duration::from_secs(1);
/// How often instances are asked whether they are ready.
const PROBE_PERIOD: Duration = Duration::from_secs(1);

/// Asks an instance.
pub(super) async fn is_ready(floor: &Floor, address: SocketAddr) -> bool {
    let url = format!("http://{address}/readyz");
    let answer = floor
        .client
        .send(Method::GET, &url, HeaderMap::new(), None, READY_ANSWER)
        .await;
    answer.is_ok_and(|answer| answer.status.is_success())
}

/// Asks every instance now and then, until cancelled.
pub(super) async fn probe(floor: Arc<Floor>, cancel: CancellationToken) {
    let mut period = tokio::time::interval(PROBE_PERIOD);
    period.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            _ = period.tick() => {}
        }
        let asked = floor
            .board
            .all_serving()
            .into_iter()
            .map(|(role, instance, address)| {
                let floor = &floor;
                async move { (role, instance, is_ready(floor, address).await) }
            });
        for (role, instance, answers) in futures_util::future::join_all(asked).await {
            if floor.board.set_answers(role, &instance, answers) {
                floor.publish(role);
            }
        }
    }
}
