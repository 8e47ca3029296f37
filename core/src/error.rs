//! The one error type of the library: each variant is one clear sentence with cause and remedy.

use std::path::{Path, PathBuf};

/// Result of every fallible public function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong. `Display` is one sentence for people: what, why, what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("{what} {path}: {source}; check that the path exists and that you may use it")]
    Io {
        /// What was attempted, as in "cannot read".
        what: &'static str,
        /// The file concerned.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file is not what its name or place says, or is damaged.
    #[error("{path} cannot be used: {why}")]
    BadFile {
        /// The file concerned.
        path: PathBuf,
        /// Cause and remedy.
        why: String,
    },
    /// Something that must not be overwritten exists already.
    #[error("{0} exists already; choose another place, or pass --force to replace it")]
    Exists(PathBuf),
    /// A setting or input value is out of its range or contradicts another.
    #[error("{0}")]
    Invalid(String),
    /// The compute device failed or gave wrong answers.
    #[error("{0}")]
    Device(String),
    /// The user asked to stop.
    #[error("stopped on request; what was finished is kept")]
    Cancelled,
}

impl Error {
    /// An [`Error::Io`] for `path`.
    pub fn io(what: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { what, path: path.to_owned(), source }
    }

    /// An [`Error::BadFile`] for `path`.
    pub fn bad(path: &Path, why: impl Into<String>) -> Self {
        Self::BadFile { path: path.to_owned(), why: why.into() }
    }

    /// An [`Error::Invalid`].
    pub fn invalid(why: impl Into<String>) -> Self {
        Self::Invalid(why.into())
    }
}
