#!/bin/sh
# Fetches models into ${ECHOFS_MODELS:-${XDG_DATA_HOME:-~/.local/share}/echofs/models}; see --help.
cd "$(dirname "$0")/.." || exit 1
exec python3 mount-tools/pull.py --registry mount-tools/models.json "$@"
