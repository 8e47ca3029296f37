# Sourced at the root of the checkout. Heavy dependencies build once: in the checkout's own target folder
# where `cargo run --release` has filled it, else in one outside the checkout, where it can be made, so
# that a clean checkout finds them built.
if [ -z "${CARGO_TARGET_DIR:-}" ] && [ ! -d target/release ]; then
    cache="${XDG_CACHE_HOME:-${HOME:-}/.cache}/paser-studio/target"
    if mkdir -p "$cache" 2>/dev/null && [ -w "$cache" ]; then
        export CARGO_TARGET_DIR="$cache"
        # Cargo tells sources by their times and paths in the workspace: what another checkout left would pass for ours.
        if [ "$(cat "$cache/checkout" 2>/dev/null)" != "$PWD" ]; then
            find core app tests -name '*.rs' -not -path '*/target/*' -exec touch {} +
            echo "$PWD" >"$cache/checkout"
        fi
    fi
fi
