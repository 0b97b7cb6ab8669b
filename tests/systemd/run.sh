#!/usr/bin/env bash
# Proves the service in a systemd of its own: a container that boots, what `npm pack` makes in it, and a Node
# beside it. By hand and as root, not in CI; it takes about ten minutes. Debian packages: debootstrap,
# systemd-container. With --rootfs DIR the system is made once and used again; with --from FILE, what `npm pack` made
# of an older version, it is proven as well that this one goes on with what that one has left.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(cd "$here/../.." && pwd)

rootfs=
from=
while (($# > 0)); do
  case $1,${2:+value} in
    --rootfs,value) rootfs=$(realpath -m "$2") ;;
    --from,value) from=$(realpath "$2") ;;
    *)
      echo "usage: $0 [--rootfs DIR] [--from FILE]" >&2
      exit 2
      ;;
  esac
  shift 2
done
if ((EUID != 0)); then
  echo "$0: only root can boot a container" >&2
  exit 2
fi
for program in debootstrap systemd-nspawn npm; do
  if ! command -v "$program" >/dev/null; then
    echo "$0: $program is missing; apt-get install debootstrap systemd-container" >&2
    exit 2
  fi
done

work=$(mktemp -d /var/tmp/watchkeeper-systemd-XXXXXX)
trap 'rm -rf "$work"' EXIT
rootfs=${rootfs:-$work/rootfs}
step() {
  printf '== %s (%ss)\n' "$*" "$SECONDS"
}

if [[ ! -e $rootfs/usr/lib/systemd/systemd ]]; then
  step "debootstrap"
  debootstrap --variant=minbase --include=systemd-sysv,dbus,dbus-user-session,libpam-systemd,libnss-systemd,iputils-ping \
    bookworm "$rootfs" >"$work/debootstrap.log" 2>&1 || {
    tail -n 20 "$work/debootstrap.log" >&2
    exit 1
  }
fi

step "npm pack, twice: this version, and one above it"
cd "$checkout"
npm pack --silent --pack-destination "$work" >/dev/null
tarball=$(echo "$work"/watchkeeper-*.tgz)
mkdir "$work/next"
tar -xzf "$tarball" -C "$work/next"
node=$checkout/node_modules/node/bin/node
"$node" -e '
  const { readFileSync, writeFileSync } = require("node:fs");
  const [file] = process.argv.slice(1);
  const info = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, JSON.stringify({ ...info, version: "99.0.0" }));
' "$work/next/package/package.json"
(cd "$work/next/package" && npm pack --silent --ignore-scripts --pack-destination "$work/next" >/dev/null)

step "a system of its own"
system=$work/system
cp -a --reflink=auto "$rootfs" "$system"
install -m 755 "$node" "$system/usr/local/bin/node"
install_into() {
  npm install --silent --global --prefer-offline --ignore-scripts --prefix "$1" "$2" >/dev/null
}
install_into "$system/usr/local" "$tarball"
install_into "$system/opt/next" "$work"/next/watchkeeper-*.tgz
if [[ -n $from ]]; then install_into "$system/opt/old" "$from"; fi
cp -r "$here/watch" "$system/etc/watchkeeper"
(
  umask 077
  cd "$system/etc/watchkeeper"
  printf 'TIDE_TOKEN=tide-3f9a7c1e55\nMOON_TOKEN_FILE=/etc/watchkeeper/moon\n' >.env
  echo moon-8842aa17bd >moon
)
install -m 755 "$here/inside.sh" "$system/usr/local/bin/inside"
cat >"$system/etc/systemd/system/inside.service" <<'UNIT'
[Service]
Type=exec
Environment=HOME=/root
ExecStart=/usr/local/bin/inside
StandardOutput=append:/log/lines
StandardError=append:/log/lines
ExecStopPost=/usr/bin/systemctl --no-block poweroff
[Install]
WantedBy=multi-user.target
UNIT
systemctl --root="$system" --quiet enable inside.service
mkdir "$work/log"
: >"$work/log/lines"

step "boot"
systemd-nspawn --quiet --directory="$system" --boot --register=no --keep-unit --private-network \
  --bind="$work/log:/log" </dev/null >"$work/console" 2>&1 &
container=$!
tail --pid="$container" -n +1 -f "$work/log/lines"
wait "$container" || true
step "done"
if ! grep -q '^all of it$' "$work/log/lines"; then
  echo "it did not come to its end; the console said:" >&2
  tail -n 20 "$work/console" >&2
  exit 1
fi
! grep -q '^FAIL' "$work/log/lines"
