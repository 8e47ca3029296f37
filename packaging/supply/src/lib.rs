//! What the packages owe to others: the licences of everything that is linked into the program, and the
//! software bill of materials. Everything is read from `cargo metadata`, `Cargo.lock` and the sources of the
//! dependencies, so that nothing has to be kept up to date by hand.

pub mod licences;
mod parts;
pub mod sbom;

pub use parts::{Part, parts};
