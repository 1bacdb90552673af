#!/bin/sh
# Runs a recipe of docs/own-network.md in a Python environment that it builds: scripts/recipes/run.sh pytorch OUT
# Needs python3 with venv, and PyPI. VENVS names the folder of the environments; they take up to 6 GB.
set -eu
recipe=${1:?keras, pytorch or timm} out=${2:?folder to write}
here=$(cd "$(dirname "$0")" && pwd)
venv=${VENVS:-$here/../../.venv-recipes}/$recipe
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --requirement "$here/from_$recipe.txt"
mkdir -p "$out"
exec "$venv/bin/python" "$here/from_$recipe.py" "$out"
