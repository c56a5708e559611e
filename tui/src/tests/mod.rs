//! Tests of the whole glass against a small lab of fixed answers.

mod act;
mod case;
mod chance;
mod changes;
mod debrief;
mod extremes;
mod fixture;
mod flood;
mod frame;
mod full;
mod hostile;
mod journeys;
mod lost;
mod map;
mod metrics;
mod plain;
mod records;
mod records_lab;
mod screens;
mod seat;
mod selection;
