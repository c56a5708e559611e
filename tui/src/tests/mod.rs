//! Tests of the whole glass against a small lab of fixed answers.

mod case;
mod chance;
mod fixture;
mod frame;
mod hostile;
mod journeys;
mod lost;
mod plain;
mod screens;
mod selection;
