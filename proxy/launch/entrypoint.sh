#!/bin/sh
# What a proxy's container runs: key and request first, in a process of their own, then the proxy in place of this shell.
set -e
here=$(dirname "$0")
bun "$here/main.ts"
exec bun "$here/../main.ts" "$@"
