//! Training PaSeR, all stages of Algorithm 1: data in, bundle out.

pub mod config;
pub mod loss;
mod reinforce;
mod run;
mod supervised;
mod table;

pub use config::TrainConfig;
