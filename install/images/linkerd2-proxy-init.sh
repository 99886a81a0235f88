#!/usr/lib/linkerd/capable/sh
# Keeps the capabilities of the container for the programs that init runs (contents.ts says why it takes this). Without
# them init itself says what is missing.
init=/usr/lib/linkerd/linkerd2-proxy-init.js
keep="/usr/lib/linkerd/capable/setpriv --inh-caps=+net_admin,+net_raw --ambient-caps=+net_admin,+net_raw"
if $keep true 2>/dev/null; then exec $keep bun "$init" "$@"; fi
exec bun "$init" "$@"
