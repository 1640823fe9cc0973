# shellcheck shell=bash disable=SC2034,SC2154
# (install.sh and its parts share variables, which shellcheck cannot see in one of them.)
# What can be chosen: given as an option, else as the last installation has it, else the default.

# setting NAME: its value in the settings file; empty where there is none. The file is read, never run.
setting() {
    [ -r "$SETTINGS/edgeleuk.conf" ] || return 0
    sed -n "s/^$1=\"\(.*\)\"\$/\1/p" "$SETTINGS/edgeleuk.conf" | tail -n 1 | sed 's/\\\([\\"$`]\)/\1/g'
}

read_settings() {
    [ -n "$watch" ] || watch=$(setting EDGELEUK_WATCH)
    [ -n "$host" ] || host=$(setting EDGELEUK_HOST)
    [ -n "$port" ] || port=$(setting EDGELEUK_PORT)
    [ -n "$extras" ] || extras=$(setting EDGELEUK_EXTRAS)
    [ "$extras" != none ] || extras=
    serve_options=$(setting EDGELEUK_SERVE_OPTIONS)
    choose_option --allowed-host "${names[@]}"
    choose_option --trusted-proxy "${proxies[@]}"
    : "${watch:=$DATA/incoming}" "${host:=127.0.0.1}" "${port:=8000}"
}

# choose_option OPTION [VALUE...]: of the page's command, in the place of what the settings have; "none" for none.
choose_option() {
    local option=$1 value
    shift
    [ $# -gt 0 ] || return 0
    serve_options=$(printf '%s' "$serve_options" | sed "s#$option [^ ]*##g" | xargs)
    for value in "$@"; do
        [ "$value" = none ] || serve_options="${serve_options:+$serve_options }$option $value"
    done
}

check_settings() {
    local value
    for value in "${names[@]}"; do
        [[ $value =~ ^[0-9A-Za-z][0-9A-Za-z.-]*$ ]] || misused "--allowed-host is '$value'; expected a name such as microscope.lab, or none"
    done
    for value in "${proxies[@]}"; do
        [[ $value =~ ^(none|[0-9A-Fa-f][0-9A-Fa-f.:]*(/[0-9]+)?|::1?(/[0-9]+)?)$ ]] ||
            misused "--trusted-proxy is '$value'; expected an address such as 127.0.0.1, a network such as 10.0.0.0/24, or none"
    done
    [ -z "$extras" ] || [ "$extras" = camera ] || misused "--extras is '$extras'; expected camera, or none"
    if ! [[ $port =~ ^[1-9][0-9]{3,4}$ ]] || [ "$port" -lt 1024 ] || [ "$port" -gt 65535 ]; then
        misused "--port is '$port'; expected 1024 to 65535 (the page has no right to the lower ones)"
    fi
    [[ $host =~ ^[0-9A-Za-z:][0-9A-Za-z.:%-]*$ ]] || misused "--host is '$host'; expected an address such as 127.0.0.1, 0.0.0.0 or ::"
    [ "$watch" = "$DATA/incoming" ] || check_watch_choice
}

# The services see neither home folders nor the system's temporary ones.
check_watch_choice() {
    [ -d "$watch" ] || fail "--watch $watch is not a folder"
    watch=$(realpath "$watch")
    case $watch in
        *[[:cntrl:]]*) fail "the name of the folder to watch holds a line break or another control character; rename it" ;;
        / | /home | /home/* | /root | /root/* | /run/user/* | /tmp | /tmp/* | /var/tmp | /var/tmp/* | /dev/* | /proc/* | /sys/*)
            fail "--watch $watch cannot be seen by the service, which is kept out of home, temporary and system folders; take one
       such as $DATA/incoming or /srv/microscope, or mount it there with mount --bind" ;;
    esac
}

# Once the user exists: it must be able to list and read the folder.
check_watch_folder() {
    make_account
    [ "$watch" = "$DATA/incoming" ] && return
    as_account test -r "$watch" -a -x "$watch" ||
        fail "user $ACCOUNT cannot read $watch; try: chgrp $ACCOUNT '$watch' && chmod g+rxs '$watch'"
}

as_account() { (cd / && setpriv --reuid="$ACCOUNT" --regid="$ACCOUNT" --init-groups "$@" </dev/null); }

local_only() { case $host in 127.* | ::1 | localhost) true ;; *) false ;; esac; }

# url_host ADDRESS: as it goes into a browser.
url_host() {
    case $1 in
        0.0.0.0 | ::) uname -n ;;
        *:*) printf '[%s]' "$1" ;;
        *) printf '%s' "$1" ;;
    esac
}

# quoted VALUE: for a value in double quotes in systemd's environment files.
quoted() { printf '%s' "$1" | sed 's/[\\"$`]/\\&/g'; }

settings_text() {
    printf '# Written by install.sh, which keeps what it finds here unless an option says otherwise.\n'
    printf 'EDGELEUK_WATCH="%s"\n' "$(quoted "$watch")"
    printf 'EDGELEUK_HOST="%s"\n' "$(quoted "$host")"
    printf 'EDGELEUK_PORT="%s"\n' "$port"
    printf 'EDGELEUK_EXTRAS="%s"\n' "$extras"
    printf 'EDGELEUK_SERVE_OPTIONS="%s"\n' "$serve_options"
}

# The token goes from the random device into a file that only root can read; systemd hands the page a copy.
make_token() {
    local token=$SETTINGS/web-token partial
    if [ ! -s "$token" ]; then
        partial=$(umask 077 && mktemp "$SETTINGS/.web-token.XXXXXX")
        od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n' >"$partial"
        mv -T "$partial" "$token"
        touched web
    fi
    chown root:root "$token"
    chmod 600 "$token"
}
