# shellcheck shell=bash disable=SC2034,SC2154
# (install.sh and its parts share variables, which shellcheck cannot see in one of them.)
# Taking it all away again, except data, settings and token unless they are to go as well.

remove_path() { rm -rf -- "$1"; }

# remove_unit SERVICE
remove_unit() {
    local unit=edgeleuk-$1.service
    [ -e "$UNITS/$unit" ] || return 0
    ! has_running_systemd || systemctl --quiet stop "$unit" || true
    ! command -v systemctl >/dev/null || systemctl --quiet disable "$unit" 2>/dev/null || true
    rm -rf "${UNITS:?}/$unit" "${UNITS:?}/$unit.d"
}

remove_program() {
    remove_unit watch
    remove_unit web
    ! has_running_systemd || systemctl daemon-reload
    if [ -L "$COMMAND" ] && [ "$(readlink "$COMMAND")" = "$PROGRAM/current/bin/edgeleuk" ]; then rm -f "$COMMAND"; fi
    rm -rf "$PROGRAM"
}

# Kept data becomes root's alone: the number of a user that is gone may go to another one.
lock_data() {
    [ -d "$DATA" ] || return 0
    chown root:root "$DATA"
    chmod 700 "$DATA" # first: nobody changes what lies in there while its owners change
    chown -R -h root:root "$DATA"
    say "kept: $DATA and $SETTINGS, which only root can read now; --uninstall --purge removes them"
}

uninstall_all() {
    local found=
    if [ -e "$PROGRAM" ] || id -u "$ACCOUNT" >/dev/null 2>&1; then found=yes; fi
    remove_program
    if [ -n "$purge" ]; then
        rm -rf "$DATA" "$SETTINGS"
    else
        lock_data
    fi
    if id -u "$ACCOUNT" >/dev/null 2>&1; then
        userdel "$ACCOUNT" || fail "user $ACCOUNT cannot be removed: one of its processes still runs (ps -u $ACCOUNT)"
    fi
    ! getent group "$ACCOUNT" >/dev/null || groupdel "$ACCOUNT" || warn "group $ACCOUNT is left: it is another user's main group"
    if [ -n "$found" ]; then say "edgeleuk is uninstalled"; else say "edgeleuk was not installed; nothing to do"; fi
}
