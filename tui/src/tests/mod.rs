//! Tests of the whole glass against a small lab of fixed answers.

mod act;
mod chance;
mod fixture;
mod hostile;
mod journeys;
mod lost;
mod plain;
mod screens;
mod selection;
