//! HTTP toxics through the real proxy, between real callers and callees.

mod api;
mod bytes;
mod hostile;
mod stage;
mod toxics;
