# Sourced: one target folder outside the checkout, where it can be made, so that a clean checkout
# does not build the heavy dependencies again.
if [ -z "${CARGO_TARGET_DIR:-}" ]; then
    cache="${XDG_CACHE_HOME:-${HOME:-}/.cache}/paser-studio/target"
    if mkdir -p "$cache" 2>/dev/null && [ -w "$cache" ]; then
        export CARGO_TARGET_DIR="$cache"
    fi
fi
