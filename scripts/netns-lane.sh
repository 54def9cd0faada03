#!/usr/bin/env bash
# The namespace lane: installs what it needs where it may, then runs the scenarios against this machine's kernel.
set -uo pipefail
cd "$(dirname "$0")/.."

missing=()
command -v ip >/dev/null || missing+=(iproute2)
command -v gcc >/dev/null || missing+=(gcc libc6-dev)
if [[ ${#missing[@]} -gt 0 ]]; then
  if [[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null; then
    apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
  else
    echo "missing: ${missing[*]} (install them, or run as root on a machine with apt)"
  fi
fi
npx --no-install assay run --driver netns
