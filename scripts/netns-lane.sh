#!/usr/bin/env bash
# The namespace lane: installs what it needs where it may, builds the socket addon, holds the adapters against this
# machine's kernel, then runs scenarios on it: those named on the command line with what routers run (frr or bird), else
# the groups whose bounds leave room for a busy machine, with FRR and BIRD. Without root it says so and exits with 2.
set -uo pipefail
cd "$(dirname "$0")/.."

missing=()
command -v ip >/dev/null || missing+=(iproute2)
command -v ping >/dev/null || missing+=(iputils-ping)
command -v sysctl >/dev/null || missing+=(procps)
command -v unshare >/dev/null || missing+=(util-linux)
command -v gcc >/dev/null || missing+=(gcc libc6-dev)
[[ -x /usr/lib/frr/bgpd ]] || missing+=(frr)
[[ -x /usr/sbin/bird ]] || missing+=(bird2)
if [[ ${#missing[@]} -gt 0 ]]; then
  if [[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null; then
    apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
  else
    echo "missing: ${missing[*]} (install them, or run as root on a machine with apt)"
  fi
fi

node scripts/node24.mjs node scripts/build-native.ts || { echo "could not run: the socket addon was not built"; exit 2; }

if [[ $(id -u) -eq 0 ]]; then
  # In a namespace of their own these tests may do what they like, one file after the other: they count open files. The /sys of another one shows other interfaces.
  own='mount -t sysfs sysfs /sys && ASSAY_OWN_NETNS=1 exec node scripts/node24.mjs vitest run --no-file-parallelism impl/adapters/linux/kernel'
  if ! unshare --net --mount sh -c "$own"; then
    echo "0 passed, 1 failed"
    exit 1
  fi
fi

# 0 all passed, 1 something failed, 2 nothing could run: the worst of all runs.
worst=0
run() {
  npx --no-install assay run --driver netns --router "$1" "$2"
  local code=$?
  [[ $code -eq 1 || $worst -eq 0 ]] && worst=$code
}

if [[ $# -gt 0 ]]; then
  run "${2:-frr}" "$1"
  exit "$worst"
fi
run frr 'failover/|layer2/|neighbours/believed-at-once'
sessions='bgp/every-node-announces|bgp/no-pod-no-route|bgp/password[plain|bgp/default-session'
run frr "$sessions"
run bird "$sessions"
exit "$worst"
