//! Why no window opens, as one sentence with a remedy.

/// The sentence for what a library has said of it.
pub(super) fn unopened(why: &str) -> String {
    tracing::error!("{why}");
    let (cause, remedy) = if ["shared librar", "could not be loaded"].iter().any(|sign| why.contains(sign)) {
        let said = why.rsplit(": ").next().unwrap_or(why).trim_end_matches('.');
        let packages = "libx11-6, libx11-xcb1, libxcursor1, libxi6 and libxkbcommon-x11-0";
        (format!("a library is missing ({said})"), format!("install {packages} (as Debian calls them)"))
    } else if why.contains("WGPU") {
        let packages =
            "libvulkan1 and mesa-vulkan-drivers (as Debian calls them), or the driver of the graphics card";
        ("no graphics driver answers".to_owned(), format!("install {packages}"))
    } else {
        let remedy = "start it on a desktop, or set DISPLAY or WAYLAND_DISPLAY".to_owned();
        ("no display answers".to_owned(), remedy)
    };
    format!("the window cannot open: {cause}; {remedy}; the command line works without, see paser --help")
}

#[cfg(test)]
mod tests {
    use super::unopened;

    #[test]
    fn a_missing_library_a_missing_driver_and_a_missing_display_are_told_apart() {
        let cases = [
            (
                "os error at mod.rs:788: Failed to load one of xlib's shared libraries",
                "xlib's shared libraries); install libx11-6",
            ),
            (
                "Library libxkbcommon-x11.so could not be loaded.",
                "(Library libxkbcommon-x11.so could not be loaded); install",
            ),
            (
                "WGPU error: Failed to create surface for any enabled backend: {}",
                "no graphics driver answers; install libvulkan1",
            ),
            (
                "os error at mod.rs:788: Failed to open connection to X server",
                "no display answers; start it on a desktop",
            ),
        ];
        for (said, told) in cases {
            assert!(unopened(said).contains(told), "{}", unopened(said));
        }
    }
}
