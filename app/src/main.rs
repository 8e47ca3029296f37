//! The one binary: no argument opens the window, a subcommand works without a display.

fn main() -> std::process::ExitCode {
    paser_app::cli::main()
}
