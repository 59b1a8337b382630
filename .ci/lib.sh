# Shared by the scripts beside it: sourced, after set -u.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1
results=$root/test-results
tools=${XDG_CACHE_HOME:-$HOME/.cache}/klapka

have() { command -v "$1" >/dev/null 2>&1; }

step() { printf '\n== %s\n' "$*"; }

# node_ready: the packages of the lockfile are installed.
node_ready() {
  have npm && [ -f node_modules/.package-lock.json ] && ! [ package-lock.json -nt node_modules/.package-lock.json ]
}

# npm_install: brings node_modules to the lockfile, when npm is there.
npm_install() {
  node_ready && return 0
  npm ci --no-audit --no-fund --loglevel=error && touch node_modules/.package-lock.json
}
