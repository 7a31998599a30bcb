#!/bin/sh
# Run a command that sees an emulated powercap tree below /sys: `unshare --map-root-user --mount sh _namespace.sh AWAY FAKE COMMAND…`.
# A tmpfs in this process's own mount namespace replaces /sys; everything of the real /sys is bound into it, but for powercap, which
# comes from FAKE/class/powercap and FAKE/devices/virtual/powercap. AWAY is an empty folder. Nothing outside the namespace changes.
set -e
away=$1 fake=$2
shift 2
mount --rbind /sys "$away"
mount -t tmpfs none /sys
bind() {
    mkdir -p "/sys/$1"
    mount --rbind "$away/$1" "/sys/$1"
}
here=$PWD
cd "$away"
for entry in * class/* devices/* devices/virtual/*; do
    case $entry in class | devices | devices/virtual | class/powercap | devices/virtual/powercap) continue ;; esac
    if [ -d "$entry" ] && [ ! -L "$entry" ]; then bind "$entry"; fi
done
for folder in class/powercap devices/virtual/powercap; do
    mkdir -p "/sys/$folder"
    mount --bind "$fake/$folder" "/sys/$folder"
done
cd "$here"
exec "$@"
