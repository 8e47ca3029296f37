#!/bin/sh
# Puts PaSeR Studio where the desktop and the shell find it, for this user alone; no administrator is needed.
#   ./install.sh            into the menu, with its file type, man pages and completions
#   ./install.sh --remove   out again
#   ./install.sh --purge    out again, with settings, caches, logs and what was kept for a restart
# The folder can be moved; run this again from where it then lies.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
data="${XDG_DATA_HOME:-$HOME/.local/share}"
link="$HOME/.local/bin/paser"

# Everything but the program's own data and documents, as paths below share.
shared() {
    (cd "$here/share" && find . -type f ! -path './paser-studio/*' ! -path './doc/*' | sed 's|^\./||')
}

# Empty folders that nobody else uses.
prune() {
    folder=$1
    while [ "$folder" != "$HOME" ] && [ "$folder" != / ] && rmdir "$folder" 2>/dev/null; do folder=$(dirname "$folder"); done
}

# Lets the desktop notice; what it has written itself goes with the last file that was the reason for it.
refresh() {
    if command -v update-desktop-database >/dev/null && [ -d "$data/applications" ]; then
        update-desktop-database "$data/applications" 2>/dev/null || true
    fi
    if command -v update-mime-database >/dev/null && [ -d "$data/mime/packages" ]; then
        update-mime-database "$data/mime" 2>/dev/null || true
    fi
    if ! ls "$data"/applications/*.desktop >/dev/null 2>&1; then rm -f "$data/applications/mimeinfo.cache"; fi
    if ! ls "$data"/mime/packages/*.xml >/dev/null 2>&1; then rm -rf "$data/mime"; fi
}

remove() {
    shared | while read -r file; do
        rm -f "$data/$file"
        [ "${file#mime/}" = "$file" ] && prune "$(dirname "$data/$file")"
    done
    rm -f "$link" && prune "$(dirname "$link")"
    refresh
    for folder in "$data/applications" "$data"; do [ -d "$folder" ] && prune "$folder"; done
    return 0
}

# The entry's command, quoted as the desktop entry specification asks for, and again for sed.
install_entry() {
    program=$(printf '%s' "$here/bin/paser" | sed -e 's/[\\"`$]/\\\\&/g' -e 's/%/%%/g' -e 's/[\\&|]/\\&/g')
    sed -e "s|^Exec=paser|Exec=\"$program\"|" -e '/^TryExec=/d' "$here/share/$1" >"$data/$1"
}

install_all() {
    shared | while read -r file; do
        mkdir -p "$(dirname "$data/$file")"
        case $file in
            *.desktop) install_entry "$file" ;;
            *) cp "$here/share/$file" "$data/$file" ;;
        esac
    done
    mkdir -p "$(dirname "$link")"
    ln -sf "$here/bin/paser" "$link"
    refresh
}

case "${1:-}" in
    '')
        install_all
        echo "PaSeR Studio is in the menu now, and as \"paser\" in $(dirname "$link")."
        ;;
    --remove | --purge)
        if [ "$1" = --purge ]; then
            rm -rf "$data/paser-studio" "${XDG_CACHE_HOME:-$HOME/.cache}/paser-studio"
            rm -rf "${XDG_STATE_HOME:-$HOME/.local/state}/paser-studio"
            prune "${XDG_STATE_HOME:-$HOME/.local/state}"
        fi
        remove
        echo "PaSeR Studio is no longer in the menu; delete $here to remove it wholly."
        ;;
    *)
        echo "use: install.sh [--remove | --purge]" >&2
        exit 2
        ;;
esac
