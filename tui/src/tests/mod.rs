//! Tests of the whole glass against a small lab of fixed answers.

mod fixture;
mod journeys;
mod lost;
mod plain;
mod screens;
mod selection;
