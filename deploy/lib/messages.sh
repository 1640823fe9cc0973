# shellcheck shell=bash
# What the installer says, and how it ends: 2 for a wrong call, 1 for everything else.

say() { printf '%s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }
misused() { printf 'error: %s\ninstall.sh --help explains the options\n' "$*" >&2; exit 2; }
