//! Recordings: what was received, on disk, as the OpenTelemetry collector's file exporter writes it,
//! so that a real collector can load it. Knows no drill folder; its caller names the folder.

mod read;
mod recorder;
mod writer;

pub use read::{Recorded, read};
pub(crate) use recorder::Item;
pub use recorder::{LOGS_FILE, RecordStatus, Recorder, Signal, TRACES_FILE};
pub use writer::{FrameWriter, Frames};
