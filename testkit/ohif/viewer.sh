#!/usr/bin/env bash
# Installs the whole viewer for test/browser/ohif.test.ts. npm cannot install the package, because packages that it names
# are not published. But its pages are in it, and need nothing else.
set -euo pipefail
cd "$(dirname "$0")"
install() {
  local version=$1 sum=$2 folder
  [ -f "viewer/$version/index.html" ] && return
  folder=$(mktemp -d)
  npm pack --silent --pack-destination "$folder" "@ohif/app@$version" >/dev/null
  echo "$sum  $folder/ohif-app-$version.tgz" | sha512sum --check --quiet
  # dist/ort, which segments pictures, is most of it.
  tar xzf "$folder/ohif-app-$version.tgz" -C "$folder" --exclude package/dist/ort package/dist
  mkdir -p viewer
  rm -rf "viewer/$version"
  mv "$folder/package/dist" "viewer/$version"
  rm -r "$folder"
}
install 3.13.2 5997719a9986eeba85816f5924b71b82bdd70ad2e2d4a0cd3e831a798e4f3deea3e06e1f8c48e393271933a0ba664d85f3b04ac457e9abe8dde715d907d13c10
install 3.12.0 0fe4b23c43a15bb13e3fe65fcc53b50b79fcab04df2925c4c4d12dd833c1e501e82e34a75154ea104fb16965f607da79ddba097ca5843386f8488566cf4aa638
install 3.11.1 d25251c8782e1ae211d3a3f1789debaa73d67f5380aac6971aea93da49791e436320ec410e74534ccbf21e7927dd9ca370796c22163c81fd21ec0855391aac49
