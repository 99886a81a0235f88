#!/bin/sh
# What a proxy's container runs: key and request first, in a process of their own, then the proxy in place of this shell.
# The programs beside this file are sources in the repository and bundles in an image.
set -e
here=$(dirname "$0")
bun "$here"/main.[jt]s
# The collector waits for 4 MB of garbage, not for 8 and more: 4 MB less memory under load for 0.1 us per request
# (docs/decisions/0072). Bun refuses to start with options it does not know, so that an upgrade cannot drop them silently.
export BUN_JSC_largeHeapSize="${BUN_JSC_largeHeapSize:-4194304}"
export BUN_JSC_heapGrowthMaxIncrease="${BUN_JSC_heapGrowthMaxIncrease:-1}"
# One thread marks: waiting for helpers that get no processor made the longest pauses twice as long (docs/decisions/0075).
export BUN_JSC_numberOfGCMarkers="${BUN_JSC_numberOfGCMarkers:-1}"
exec bun "$here"/../main.[jt]s "$@"
