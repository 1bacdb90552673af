#!/usr/bin/env bash
# Builds the Dockerfile's image `cpu` with buildah, without a Docker daemon, and tries it: not root, read-only root file system,
# health check, labels. Needs root, buildah and mmdebstrap. Two things differ from `docker build`:
# - Where no registry answers, the base image is a stand-in: Debian's minimal root with the Node.js and npm of this machine.
# - Where neither the checkout nor GitHub has NNCPR's network, that step is left out.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
store=(--root "$work/store" --runroot "$work/run" --storage-driver "${STORAGE_DRIVER:-overlay}")
b() { buildah "${store[@]}" "$@"; }
container=
if ! command -v buildah >/dev/null || [ "$(id -u)" != 0 ] || ! b from scratch >/dev/null 2>&1; then
  echo "The image was not built: this needs root, and a buildah that the kernel lets work."
  rm -rf "$work"
  exit 0
fi
trap '[ -z "$container" ] || b umount "$container" >/dev/null 2>&1; buildah "${store[@]}" rm -a >/dev/null 2>&1 || true; umount "$work"/store/overlay 2>/dev/null || true; rm -rf "$work"' EXIT

base=docker.io/library/node:22-bookworm-slim
cp Dockerfile "$work/Dockerfile"
volumes=()
if ! timeout 20 buildah "${store[@]}" pull --quiet "$base" >/dev/null 2>&1; then
  echo 'No registry answers: the base image is a stand-in.'
  root=.sandbox/debian-root/bookworm.tar
  [ -f "$root" ] || { mkdir -p .sandbox/debian-root && mmdebstrap --quiet --variant=minbase --include=adduser bookworm "$root"; }
  container=$(b from scratch)
  b add --quiet "$container" "$root" / >/dev/null
  node=$(command -v node)
  [ ! -x .node22/node_modules/node/bin/node ] || node=.node22/node_modules/node/bin/node
  b copy --quiet "$container" "$node" /usr/local/bin/node >/dev/null
  b copy --quiet "$container" "$(npm root -g)/npm" /usr/local/lib/node_modules/npm >/dev/null
  b run --isolation chroot "$container" -- ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
  b commit --quiet --rm "$container" "$base" >/dev/null
  container=
  # npm needs this machine's certificates and settings where it is behind a mirror.
  echo 'cafile=/etc/ssl/certs/ca-certificates.crt' >"$work/npmrc"
  volumes+=(--volume "$work/npmrc:/usr/local/etc/npmrc:ro")
  [ ! -d /etc/ssl/certs ] || volumes+=(--volume /etc/ssl/certs:/etc/ssl/certs:ro)
  volumes+=(--volume "$(npm config get cache):/root/.npm")
fi
if [ ! -f model/network.pb ] && ! curl -sfIm 10 -o /dev/null https://raw.githubusercontent.com; then
  echo 'NNCPR’s network cannot be fetched: that step is left out.'
  sed -i '/^RUN node dist\/cli.js model fetch/d' "$work/Dockerfile"
fi
began=$(date +%s)
b build --isolation chroot --network host --pull-never --layers=false "${volumes[@]}" --target cpu --format docker \
  --build-arg "SOURCE_COMMIT=$(git describe --always --abbrev=12 --dirty --exclude='*')" \
  --file "$work/Dockerfile" --tag plainview --quiet . >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
echo "Built in $(($(date +%s) - began)) s."

b inspect --type image plainview >"$work/image.json"
node --input-type=module - "$work/image.json" <<'END'
import assert from 'node:assert';
import { readFileSync } from 'node:fs';
const { Docker } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const { User, Labels, Healthcheck, Volumes } = Docker.config;
assert.match(User, /^[1-9]\d*$/);
assert.match(Labels['org.opencontainers.image.revision'], /^[0-9a-f]{12}/);
assert.match(Healthcheck.Test.join(' '), /health\/ready/);
assert.deepEqual(Object.keys(Volumes), ['/var/lib/plainview']);
console.log(`user ${User}, volume ${Object.keys(Volumes)}, labels ${JSON.stringify(Labels)}`);
END

container=$(b from --pull-never plainview)
folder=$(b mount "$container")
all=$(du -sm "$folder" | cut -f1) app=$(du -sm "$folder/app" | cut -f1)
echo "$all MB: the base image $((all - app)), Plainview $app. Of this, in MB:"
(cd "$folder/app" && { du -sm -- * && du -sm node_modules/{onnxruntime-node,@tensorflow,@img,@opentelemetry}; } | sort -rn | head -12)
[ -s "$folder/app/sbom.cdx.json" ]

# As compose runs it: read-only, but for /tmp and the volume; no capabilities; not root.
cat >"$work/try.sh" <<'END'
set -eu
# Settings of this machine that name files which are not in the image.
unset NODE_EXTRA_CA_CERTS
mount --bind "$1" "$1"
mount -o remount,ro,bind "$1"
mount -t tmpfs tmpfs "$1/tmp"
mount -t tmpfs -o mode=0700,uid=1000,gid=1000 tmpfs "$1/var/lib/plainview"
mount -t proc proc "$1/proc"
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin NODE_ENV=production ORT_DISABLE_TELEMETRY=1 PLAINVIEW_HOST=127.0.0.1 PLAINVIEW_PORT="$2"
export PLAINVIEW_STATE_DIR=/var/lib/plainview PLAINVIEW_SECRET=for-this-try-only
inside() { chroot "$1" setpriv --reuid=1000 --regid=1000 --clear-groups --bounding-set=-all --no-new-privs sh -c "cd /app; $2"; }
! inside "$1" 'touch dist/x || touch /x' 2>/dev/null
! inside "$1" 'cat /etc/shadow' 2>/dev/null
inside "$1" 'node dist/cli.js --version'
inside "$1" 'exec node dist/cli.js serve' >"$3" &
service=$!
trap 'kill $service' EXIT
for _ in $(seq 150); do
  live=$(inside "$1" "node -e \"fetch('http://127.0.0.1:$2/health/live').then((r) => r.text()).then(console.log, () => {})\"")
  [ -z "$live" ] || break
  sleep 0.2
done
echo "$live"
[ -n "$live" ]
END
port=$(node -e "require('node:net').createServer().listen(0, '127.0.0.1', function () { console.log(this.address().port); this.close(); })")
unshare --mount sh "$work/try.sh" "$folder" "$port" "$work/service.log" || { cat "$work/service.log"; exit 1; }
echo 'It runs as user 1000 without capabilities, with a read-only root file system.'
