//! App.

pub mod window;
