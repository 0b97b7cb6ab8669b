#!/usr/bin/env bash
# Makes a stand-in for node:24-bookworm-slim where no image can be pulled: Debian 12 as debootstrap makes
# it, without its documentation, with the Node of node_modules, npm, and the user node (1000:1000).
set -euo pipefail
image=$1
mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -m1 /debian)}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rootfs=$work/rootfs

debootstrap --variant=minbase bookworm "$rootfs" "$mirror" >"$work/log" 2>&1 || {
  tail -n 20 "$work/log"
  exit 1
}
rm -rf "$rootfs"/var/cache/apt/* "$rootfs"/var/lib/apt/lists/* "$rootfs"/usr/share/{doc,man,info,locale}/*
local=$rootfs/usr/local
mkdir -p "$local/lib/node_modules"
# A link of node_modules/.bin is none of a running process: the file itself.
cp "$here/node_modules/node/bin/node" "$local/bin/node"
cp -r "$(npm root --global)/npm" "$local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$local/bin/npm"
ln -s ../lib/node_modules/npm/bin/npx-cli.js "$local/bin/npx"
chroot "$rootfs" useradd --uid 1000 --user-group --create-home --shell /bin/bash node
tar -C "$rootfs" -c . | podman import --quiet --change 'CMD ["node"]' - "$image"
