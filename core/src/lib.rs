//! PaSeR Studio's pipeline as a library: volumes, nets, routing, training, exports. No window here.

pub mod bundle;
pub mod compare;
pub mod cost;
pub mod data;
pub mod device;
pub mod error;
pub mod evaluate;
pub mod event;
pub mod export;
pub mod fault;
pub mod hash;
pub mod lock;
pub mod measure;
pub mod metrics;
pub mod net;
pub mod noise;
pub mod places;
pub mod route;
pub mod study;
pub mod train;
pub mod trust;
pub mod uncertainty;
pub mod volume;

pub use error::{Error, Result};
