//! worker: background jobs. Settlement batches go through a queue at a fixed rate; the nightly
//! report computes for as long as it is on.

mod report;
mod settlement;

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;

use super::Running;
use crate::{
    error::ServiceError,
    hop::Hop,
    problem::{Body, Problem},
    route::Routes,
    service::Service,
    signals::metrics::Live,
    wire::SettlementJob,
};
use report::Report;
use settlement::Queue;

#[derive(Debug, Clone)]
struct Worker {
    queue: Arc<Queue>,
}

/// Starts it.
///
/// # Errors
/// When the report's thread cannot be started.
pub fn start(service: &Arc<Service>) -> Result<Running, ServiceError> {
    let queue = Arc::new(Queue::new(&service.metrics));
    let report = Arc::new(Report::new());
    register(service, &queue, &report);
    report.set(service.settings.now().report.duty)?;
    service.spawn(settlement::drain(Arc::clone(service), Arc::clone(&queue)));
    let router = Routes::new(service)
        .post("/jobs/settlement", settle)
        .with_state(Worker { queue });
    Ok(Running::adapting(service, router, move |settings| {
        Box::pin(std::future::ready(report.set(settings.report.duty)))
    }))
}

/// Answer to a job.
#[derive(Debug, Serialize)]
struct Accepted {
    batch: String,
}

async fn settle(
    State(worker): State<Worker>,
    hop: Hop,
    Body(job): Body<SettlementJob>,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let batch = worker.queue.add(hop, job.items)?;
    tracing::info!(batch, items = job.items, "settlement batch enqueued");
    Ok((StatusCode::ACCEPTED, Json(Accepted { batch })))
}

fn register(service: &Service, queue: &Arc<Queue>, report: &Arc<Report>) {
    let depth = Arc::clone(queue);
    service.metrics.register_live(
        "queue_depth",
        "Items that wait",
        vec![Live::labelled("queue", "settlement", move || {
            f64::from(depth.depth())
        })],
    );
    let (queue, report) = (Arc::clone(queue), Arc::clone(report));
    service.metrics.register_live(
        "job_running",
        "1 while a job is at work",
        vec![
            Live::labelled("job", "settlement", move || {
                f64::from(u8::from(queue.depth() > 0))
            }),
            Live::labelled("job", "nightly-report", move || {
                f64::from(u8::from(report.runs()))
            }),
        ],
    );
}
