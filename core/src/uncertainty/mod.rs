//! Error bars on what is measured of a segmentation: label volumes are drawn that the nets hold possible, each is
//! measured, and the spread becomes an interval. What the draws need to know (how far probabilities can be trusted,
//! how far errors reach) and how wide an interval must be is found on simulated scans with exact truth and lies
//! beside the bundle; without that there are no bars.

mod bars;
mod calibrate;
mod calibration;
mod draw;
mod field;
mod fit;
mod model;
mod seen;
mod spool;

pub use self::bars::{ErrorBar, ErrorBars, Missing};
pub use self::calibrate::{Plan, calibrate};
pub use self::calibration::{COVERAGE, Calibration, Centre, Reach};
pub use self::draw::ErrorModel;
pub use self::fit::Subject;
pub use self::spool::Probabilities;

#[cfg(test)]
mod tests;
