//! The fonts of window and reports.

/// Running text's font (Inter, SIL Open Font License 1.1).
pub const REGULAR: &[u8] = include_bytes!("../../../assets/fonts/Inter-Regular.otf");
/// The font of headings and names.
pub const STRONG: &[u8] = include_bytes!("../../../assets/fonts/Inter-SemiBold.otf");
