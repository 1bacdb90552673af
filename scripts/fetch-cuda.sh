#!/bin/sh
# Installs what the engine `cuda` needs beside an NVIDIA driver of release 580 or newer: onnxruntime's provider for CUDA 13
# and NVIDIA's libraries, 1.3 GB, from the wheels that cuda-files.sha256 names. Each is checked before it is used.
#
#   scripts/fetch-cuda.sh                 downloads them with pip, into cuda/wheels
#   scripts/fetch-cuda.sh --from FOLDER   takes them from there: for a machine without a way to PyPI
#
# It needs sha256sum and unzip, and to download python3 with pip. `npm ci` removes the provider: run it again then.
set -eu
list=$(cd "$(dirname "$0")" && pwd)/cuda-files.sha256
cd "$(dirname "$0")/.."
fail() {
  echo "fetch-cuda.sh: $1" >&2
  exit 1
}
wheels=cuda/wheels
case "${1-}" in
  '') ;;
  --from) wheels=${2:?name a folder after --from} ;;
  *) fail "unknown: $1. Usage: scripts/fetch-cuda.sh [--from FOLDER]" ;;
esac
[ "$(uname -s) $(uname -m)" = 'Linux x86_64' ] || fail 'onnxruntime-node has CUDA on Linux with an x86-64 processor only'
command -v unzip > /dev/null || fail 'unzip is missing: install it'

package=node_modules/onnxruntime-node
[ -d "$package" ] || fail "$package is missing: run npm ci first"
version=$(sed -n 's/^ *"version": "\(.*\)",*$/\1/p' "$package/package.json")
grep -q "onnxruntime_gpu-$version-" "$list" || fail "$package is version $version, and $list names another one"

missing=$(while read -r _ file; do [ -f "$wheels/$file" ] || echo "$file"; done < "$list")
if [ -n "$missing" ]; then
  [ $# -eq 0 ] || fail "these are missing in $wheels: $(echo $missing)"
  mkdir -p "$wheels"
  # The file names say which platform they are for; pip must not ask which one it runs on.
  for file in $missing; do
    echo "Downloading $file …"
    wanted=$(echo "$file" | sed -E 's/^([^-]+)-([^-]+)-.*$/\1==\2/')
    platforms=$(echo "${file##*-}" | sed 's/\.whl$//' | tr . '\n' | sed 's/^/--platform /')
    # shellcheck disable=SC2086
    python3 -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.11 $platforms --dest "$wheels" "$wanted"
  done
fi
echo 'Checking the files …'
(cd "$wheels" && sha256sum --check --quiet "$list") || fail "the files in $wheels are not those of $list: remove them and try again"

echo 'Unpacking …'
new=cuda/new
rm -rf "$new"
mkdir -p "$new"
while read -r _ file; do
  case "$file" in
    onnxruntime_gpu-*) provider=$file ;;
    *) unzip -q -o -j "$wheels/$file" 'nvidia/*/lib/*.so*' -d "$new" ;;
  esac
done < "$list"
mv -f "$new"/* cuda/
rmdir "$new"
unzip -q -o -j "$wheels/$provider" 'onnxruntime/capi/libonnxruntime_providers_cuda.so' \
  'onnxruntime/capi/libonnxruntime_providers_shared.so' -d "$package/bin/napi-v6/linux/x64"
echo 'Done. Set PLAINVIEW_ENGINE=gpu, so that Plainview never uses the CPU in silence. cuda/wheels is not needed any more.'
