#!/bin/sh
# Puts PaSeR Studio where the desktop finds it, for this user alone (no administrator needed), or takes it away
# with --remove. The folder can be moved; run this again from where it then lies.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
data="${XDG_DATA_HOME:-$HOME/.local/share}"
entry="$data/applications/paser-studio.desktop"
icon="$data/icons/hicolor/scalable/apps/paser-studio.svg"
link="$HOME/.local/bin/paser"
if [ "${1:-}" = --remove ]; then
    rm -f "$entry" "$icon" "$link"
    echo "PaSeR Studio is no longer in the menu; delete $here to remove it wholly."
    exit 0
fi
mkdir -p "$(dirname "$entry")" "$(dirname "$icon")" "$(dirname "$link")"
sed "s|^Exec=paser|Exec=\"$here/bin/paser\"|" "$here/share/applications/paser-studio.desktop" >"$entry"
cp "$here/share/icons/hicolor/scalable/apps/paser-studio.svg" "$icon"
ln -sf "$here/bin/paser" "$link"
command -v update-desktop-database >/dev/null && update-desktop-database "$(dirname "$entry")" 2>/dev/null || true
echo "PaSeR Studio is in the menu now, and as \"paser\" in $(dirname "$link")."
