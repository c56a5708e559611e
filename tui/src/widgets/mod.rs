//! Pieces that several views are made of. They know cells, keys and lists, but no drill.

pub mod axis;
pub mod chart;
pub mod complete;
pub mod cursor;
pub mod cut;
pub mod form;
pub mod picker;
pub mod query;
pub mod selection;
pub mod surface;
