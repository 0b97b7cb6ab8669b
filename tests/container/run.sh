#!/usr/bin/env bash
# Builds the image of this checkout with podman and proves that it does what docs/operations.md promises.
# By hand and as root, not in CI: tests/container/run.sh; it takes about seven minutes. Needs podman, runc or crun,
# catatonit, openssl and curl's CA certificates, and debootstrap where node:24-bookworm-slim cannot be pulled beforehand.
# Prints a PASS or FAIL for each proof; exit code 0 when all of them passed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

base=node:24-bookworm-slim
image=localhost/watchkeeper:proof
# Planted where secrets lie in a checkout; no layer may hold it.
canary=canary-$RANDOM-$RANDOM-$RANDOM
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! podman image exists "$base"; then
  echo "$base is not here: a stand-in is made with debootstrap (pull it first to use the real one)"
  tests/container/base-image.sh "localhost/$base"
fi

git ls-files --cached --others --exclude-standard -z | tar --null --files-from - -c | tar -x -C "$work"
mkdir -p "$work/state" "$work/deploy/secrets" "$work/deploy/config"
for place in .env skills/inbox/.env state/web-token deploy/secrets/IMAP_PASSWORD deploy/config/.env; do
  echo "$canary" >"$work/$place"
done

# npm inside asks the registry that npm asks here, and trusts the same certificates.
certificates=${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt}
mkdir "$work/.certificates"
cp "$certificates" "$work/.certificates/all.crt"
printf 'registry=%s\ncafile=/run/certificates/all.crt\n' "$(npm config get registry)" >"$work/.npmrc"
started=$SECONDS
podman build --isolation chroot --format docker --pull=never --network host \
  --secret "id=npmrc,src=$work/.npmrc" --volume "$work/.certificates:/run/certificates:ro" \
  --label "org.opencontainers.image.version=$(npm pkg get version | tr -d '"')" \
  --label "org.opencontainers.image.revision=$(git rev-parse HEAD)" \
  --tag "$image" "$work" >"$work/build.log" 2>&1 || {
  tail -n 40 "$work/build.log"
  echo "FAIL  the image is built"
  exit 1
}
printf 'PASS  the image is built  %d s\n' "$((SECONDS - started))"

npx --no-install node tests/container/prove.ts "$image" "$base" "$canary"
