//! PaSeR Studio: the command line and the window, two consumers of the same core.

pub mod cli;
pub mod impersonal;
pub mod logs;
pub mod window;

use mimalloc::MiMalloc;

/// The C library's heap keeps what long runs free in pieces: memory crept by a tenth in a thousand slices. This one
/// does not, and is as fast.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;
