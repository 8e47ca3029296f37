//! From a slice to routed labels: uncertainty -> decision -> patches by net -> stitched slice.

pub mod batch;
pub mod examine;
mod gates;
pub mod live;
pub mod method;
mod opinions;
mod patches;
pub mod segment;
pub mod speed;
pub mod stack;
pub mod steady;
pub mod tiles;
pub mod tvd;
pub mod uncertainty;
mod whole;

pub use live::Live;
pub use method::{Choice, Method, Router};
pub use segment::{PatchRoute, Segmenter, SliceResult};
pub use speed::Speeds;
pub use steady::Fall;
