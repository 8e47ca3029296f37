//! Labelled images: class tables, splits, normalisation, the simulated electrode.

pub mod augment;
pub mod classes;
pub mod dataset;
pub mod normalise;
pub mod phantom;
pub mod scan;
