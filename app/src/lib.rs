//! PaSeR Studio: the command line and the window, two consumers of the same core.

pub mod cli;
pub mod heap;
pub mod impersonal;
pub mod logs;
pub mod window;
