//! Reads a recording back, in the order of arrival per signal.

use std::path::Path;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

use super::recorder::{LOGS_FILE, TRACES_FILE};
use super::writer::Frames;
use crate::error::RecordError;

/// A batch of a recording; its times are store times.
#[derive(Debug, Clone, PartialEq)]
pub enum Recorded {
    /// Logs.
    Logs(ExportLogsServiceRequest),
    /// Spans.
    Traces(ExportTraceServiceRequest),
}

/// Hands every batch in `folder` to `each`; a file that is missing has none. What a crash cut off at
/// the end of a file is skipped.
///
/// # Errors
/// When a file cannot be read or is not a recording. Batches before the fault were handed over.
pub fn read(folder: &Path, mut each: impl FnMut(Recorded)) -> Result<(), RecordError> {
    frames(&folder.join(LOGS_FILE), |request| {
        each(Recorded::Logs(request))
    })?;
    frames(&folder.join(TRACES_FILE), |request| {
        each(Recorded::Traces(request))
    })
}

fn frames<M: Message + Default>(path: &Path, mut each: impl FnMut(M)) -> Result<(), RecordError> {
    if !path.exists() {
        return Ok(());
    }
    let mut frames = Frames::open(path)?;
    loop {
        let offset = frames.offset();
        let Some(frame) = frames.next().transpose()? else {
            return Ok(());
        };
        let message = M::decode(frame.as_slice()).map_err(|error| {
            frames.corrupt(offset, format!("not the expected message ({error})"))
        })?;
        each(message);
    }
}
