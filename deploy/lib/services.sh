# shellcheck shell=bash disable=SC2034,SC2154
# (install.sh and its parts share variables, which shellcheck cannot see in one of them.)
# User, folders and services. change_installation replaces what was installed before, each file by renaming; undo_change puts
# that back where a service does not start.

make_account() {
    local number
    if number=$(id -u "$ACCOUNT" 2>/dev/null); then
        [ "$number" -lt 1000 ] || fail "a user $ACCOUNT exists and is no system user (number $number); rename it first"
    else
        useradd --system --user-group --home-dir "$DATA" --no-create-home --shell /usr/sbin/nologin "$ACCOUNT"
    fi
    # Only a service with a camera has use for video devices: camera.conf gives it their group.
    if id -nG "$ACCOUNT" | tr ' ' '\n' | grep -qx video; then gpasswd --delete "$ACCOUNT" video >/dev/null; fi
}

# incoming: what members of the group put there belongs to the group, so that the service can read it. Made as the services'
# user: root writes nothing where that user may have put a link.
make_folders() {
    local kept=
    [ ! -d "$DATA" ] || [ "$(stat -c %U "$DATA")" = "$ACCOUNT" ] || kept=yes
    install -d -m 755 "$SETTINGS"
    install -d -m 750 -o "$ACCOUNT" -g "$ACCOUNT" "$DATA"
    [ -z "$kept" ] || chown -R -h "$ACCOUNT:$ACCOUNT" "$DATA" # kept by --uninstall as root's; the user is new
    as_account test -d "$DATA/incoming" || as_account mkdir -m 2770 "$DATA/incoming" || fail "$DATA/incoming cannot be made"
}

# touched SERVICE...: these have to be restarted.
touched() { restart+=" $* "; }

# put TEXT FILE SERVICE: write a file of the system, where it is not so already.
put() {
    local partial
    if [ -f "$2" ] && printf '%s\n' "$1" | cmp -s - "$2"; then return; fi
    mkdir -p "$(dirname "$2")"
    partial=$(mktemp "$(dirname "$2")/.edgeleuk.XXXXXX")
    printf '%s\n' "$1" >"$partial"
    chmod 644 "$partial"
    mv -T "$partial" "$2"
    touched "$3"
}

# drop FILE SERVICE
drop() {
    [ -e "$1" ] || return 0
    rm -f "$1"
    touched "$2"
}

change_installation() {
    restart=
    remember
    changing=yes
    make_folders
    change_program
    change_model
    change_settings
    change_units
    sync
    start_services
    changing=
    forget
}

# remember / undo_change / forget: copies of what is about to change, below $scratch; hard links where it is big.
remember() {
    before=$scratch/before
    mkdir "$before"
    [ ! -e "$PROGRAM/current" ] || readlink "$PROGRAM/current" >"$before/current"
    [ ! -e "$MODEL" ] || cp -a "$MODEL" "$before/"
    [ ! -e "$SETTINGS/edgeleuk.conf" ] || cp -a "$SETTINGS/edgeleuk.conf" "$before/"
    own_units "$UNITS" -exec cp -a -t "$before" {} +
}

# own_units FOLDER FIND-ACTION...: our units and their drop-ins; a neighbour may be called edgeleuk-backup.service.
own_units() { find "$1" -maxdepth 1 \( -name 'edgeleuk-watch.service*' -o -name 'edgeleuk-web.service*' \) "${@:2}"; }

change_program() {
    if [ "$(digest "$new")" = "$(digest "$PROGRAM/current")" ]; then
        say "program: unchanged"
        return
    fi
    switch_to "$new"
    new=
    touched watch web
    if [ ! -e "$COMMAND" ] || [ -L "$COMMAND" ]; then ln -sfn "$PROGRAM/current/bin/edgeleuk" "$COMMAND"; else warn "$COMMAND exists and is left as it is"; fi
}

# switch_to ENVIRONMENT: in one step, for a service may start at any time.
switch_to() {
    ln -sfn "versions/$(basename "$1")" "$PROGRAM/.current"
    mv -T "$PROGRAM/.current" "$PROGRAM/current"
}

change_model() {
    if [ -z "$model_copy" ] || cmp -s "$model_copy" "$MODEL"; then
        say "model: unchanged"
        return
    fi
    put_model "$model_copy"
    touched watch web
}

# put_model FILE: into a folder of root's, for the services have no business changing it; by renaming, for one may start or
# reload at any time. For the services all of that folder is read-only, whichever file lies there.
put_model() {
    local partial
    partial=$(mktemp "$SETTINGS/.model.XXXXXX")
    cp -- "$1" "$partial"
    chown root:root "$partial"
    chmod 644 "$partial"
    sync "$partial"
    mv -T "$partial" "$MODEL"
}

change_settings() {
    local old_watch old_page
    old_watch=$(setting EDGELEUK_WATCH)
    old_page=$(setting EDGELEUK_HOST):$(setting EDGELEUK_PORT):$(setting EDGELEUK_SERVE_OPTIONS)
    put "$(settings_text)" "$SETTINGS/edgeleuk.conf" none
    [ "$old_watch" = "$watch" ] || touched watch
    [ "$old_page" = "$host:$port:$serve_options" ] || touched web
    [ -z "$web" ] || make_token
}

change_units() {
    local unit service
    for unit in "$here"/systemd/edgeleuk-*.service; do
        service=$(basename "$unit" .service) service=${service#edgeleuk-}
        if [ "$service" = web ] && [ -z "$web" ]; then remove_unit web; continue; fi
        put "$(<"$unit")" "$UNITS/edgeleuk-$service.service" "$service"
        change_backoff "$service"
    done
    if [ "$watch" = "$DATA/incoming" ]; then drop "$(drop_in watch folder)" watch
    else put "$(folder_text)" "$(drop_in watch folder)" watch; fi
    [ -n "$web" ] || return 0
    if local_only; then drop "$(drop_in web network)" web; else put "$(<"$here/systemd/network.conf")" "$(drop_in web network)" web; fi
}

drop_in() { printf '%s/edgeleuk-%s.service.d/%s.conf' "$UNITS" "$1" "$2"; }

# Longer and longer pauses between restarts: systemd 254 and newer; an older one would warn of unknown settings.
change_backoff() {
    if newer "$(systemd_version)" 254; then put "$(<"$here/systemd/backoff.conf")" "$(drop_in "$1" backoff)" "$1"
    else drop "$(drop_in "$1" backoff)" "$1"; fi
}

systemd_version() { { systemctl --version 2>/dev/null || printf 'systemd 0\n'; } | sed -n '1s/^systemd \([0-9]*\).*/\1/p'; }

# A folder on another disk or share: that has to be there first.
folder_text() {
    printf '[Unit]\nRequiresMountsFor="%s"\n' "$(printf '%s' "$watch" | sed 's/[\\"]/\\&/g; s/%/%%/g')"
}

services() { printf 'edgeleuk-watch.service\n'; [ -z "$web" ] || printf 'edgeleuk-web.service\n'; }

start_services() {
    local unit wanted
    if ! command -v systemctl >/dev/null; then
        warn "there is no systemd here: the services are written to $UNITS, and nothing starts them"
        return
    fi
    mapfile -t wanted < <(services)
    systemctl --quiet enable "${wanted[@]}"
    if ! has_running_systemd; then
        say "systemd is not running here (a chroot or container): the services start with the system"
        return
    fi
    systemctl daemon-reload
    for unit in "${wanted[@]}"; do start_service "$unit"; done
}

# Returns when the service has said that it is ready; exits where it does not.
start_service() {
    local name=${1#edgeleuk-} verb=start
    name=${name%.service}
    [[ $restart != *" $name "* ]] || verb=restart
    if [ "$verb" = start ] && systemctl --quiet is-active "$1"; then say "$1: unchanged, goes on"; return; fi
    systemctl reset-failed "$1" 2>/dev/null || true
    if ! systemctl "$verb" "$1"; then
        journalctl --quiet --no-pager --lines 15 --unit "$1" --output cat | sed 's/^/  /' >&2 || true
        fail "$1 does not start (its messages are above)"
    fi
    say "$1: ${verb}ed, ready"
}

undo_change() {
    local unit file
    changing=
    if [ ! -e "$before/current" ]; then
        warn "the installation is taken back; data is kept in $DATA"
        remove_program
        return
    fi
    warn "the installation from before is put back"
    switch_to "$(cat "$before/current")"
    if [ -e "$before/model.tflite" ]; then put_model "$before/model.tflite"; else rm -f "$MODEL"; fi
    [ ! -e "$before/edgeleuk.conf" ] || cp -a "$before/edgeleuk.conf" "$SETTINGS/"
    for unit in "$UNITS"/edgeleuk-{watch,web}.service*; do [ -e "$before/$(basename "$unit")" ] || remove_path "$unit"; done
    own_units "$before" -exec cp -a -t "$UNITS" {} +
    remove_other_versions
    has_running_systemd || return 0
    systemctl daemon-reload
    for file in "$before"/edgeleuk-{watch,web}.service; do
        [ -e "$file" ] || continue
        unit=$(basename "$file")
        systemctl --quiet enable "$unit"
        systemctl restart "$unit" || warn "$unit cannot be started again: systemctl status $unit tells why"
    done
}

# What is no longer used goes when the services run with what replaces it.
# Also what an installation left that was cut off by a power failure.
forget() {
    remove_other_versions
    rm -rf "$PROGRAM"/.scratch.* "$SETTINGS"/.model.* "$SETTINGS"/.web-token.* "$SETTINGS"/.edgeleuk.*
    rm -f -- "$OLD_MODEL"
}

remove_other_versions() {
    local used folder
    used=$(readlink -f "$PROGRAM/current")
    for folder in "$PROGRAM"/versions/*; do [ "$folder" = "$used" ] || rm -rf "$folder"; done
}
