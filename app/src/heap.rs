//! How memory is asked of the system.

/// Has all threads take memory from one heap. The GNU C library gives threads heaps of their own, and each keeps what it
/// once needed: where buffers are made on one thread and dropped on another, as here, a process that works all day grows by
/// steps. Other systems' libraries do not, and nothing is done there.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
pub fn share() {
    // SAFETY: it sets one number of the C library under that library's own lock, which is allowed at any time; no memory
    // is touched through a pointer.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
}

/// Nothing needs to be done here.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn share() {}
