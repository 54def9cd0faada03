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

# 0 all passed, 1 something failed, 2 nothing could run: the worst of all runs. CI reads the last line, the sum of them.
worst=0
passed=0
failed=0
finish() {
  [[ $((passed + failed)) -gt 0 ]] && echo "$passed passed, $failed failed"
  exit "$worst"
}

# run SUITE PATTERN [CASES]: that fewer cases ran than there were when this was written is a failure, too.
run() {
  local output code ran=0
  output=$(npx --no-install assay run --driver netns --router "$1" "$2" | tee /dev/stderr; exit "${PIPESTATUS[0]}")
  code=$?
  if [[ ${output##*$'\n'} =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
    passed=$((passed + BASH_REMATCH[1]))
    failed=$((failed + BASH_REMATCH[2]))
    ran=$((BASH_REMATCH[1] + BASH_REMATCH[2]))
  fi
  if [[ $code -ne 2 && $ran -lt ${3:-0} ]]; then
    echo "only $ran cases ran with $1, and there should be $3"
    failed=$((failed + 1))
    code=1
  fi
  [[ $code -eq 1 || $worst -eq 0 ]] && worst=$code
}

# join PATTERN...: one pattern that stands for all.
join() { local IFS='|'; echo "$*"; }

if [[ $# -gt 0 ]]; then
  run "${2:-frr}" "$1"
  finish
fi

# Names of their own: `failover/` alone would take `bgp-failover/` along, which has its choice below.
layer2=(
  layer2/ neighbours/believed-at-once
  failover/link-down failover/partition failover/one-way-loss failover/noisy-network failover/gratuitous-lost
  failover/power-loss failover/speaker- failover/graceful-stop failover/kernel-hang failover/clock-step failover/api-cut-off
)
# What each router must do, with seconds to spare.
both=(
  bgp/every-node-announces bgp/no-pod-no-route bgp/local-policy bgp/requested-addresses bgp/shared-address
  'bgp/communities[value' 'bgp/communities[large-ipv' bgp/local-preference
  'bgp/password[plain' bgp/default-session bgp/internal-session bgp/dynamic-as bgp/local-as bgp/peer-port bgp/ttl-required
  bgp/graceful-restart-offered
  'bfd/node-gone[power' 'bgp-failover/node-gone[power' bgp-failover/every-node-gone bgp-failover/rack-switch-gone
)
# Held against FRR alone.
frr=('bgp-failover/graceful-restart[stop-ipv' 'bgp-topologies/unnumbered[dual-bfd')
run frr "$(join "${layer2[@]}")" 32
run frr "$(join "${both[@]}" "${frr[@]}")" 49
run bird "$(join "${both[@]}")" 46
finish
