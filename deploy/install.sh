#!/usr/bin/env bash
# Installs edgeleuk as services on Raspberry Pi OS or another Debian; see --help and README.md.
set -Eeuo pipefail
umask 022
export LC_ALL=C PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
unset PYTHONPATH PYTHONHOME PIP_TARGET PIP_PREFIX PIP_USER PIP_REQUIRE_VIRTUALENV

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly PROGRAM=/opt/edgeleuk DATA=/var/lib/edgeleuk SETTINGS=/etc/edgeleuk UNITS=/etc/systemd/system
readonly ACCOUNT=edgeleuk COMMAND=/usr/local/bin/edgeleuk MODEL=$SETTINGS/model.tflite OLD_MODEL=$DATA/model.tflite
# shellcheck source=lib/messages.sh
source "$here/lib/messages.sh"
# shellcheck source=lib/system.sh
source "$here/lib/system.sh"
# shellcheck source=lib/environment.sh
source "$here/lib/environment.sh"
# shellcheck source=lib/settings.sh
source "$here/lib/settings.sh"
# shellcheck source=lib/services.sh
source "$here/lib/services.sh"
# shellcheck source=lib/uninstall.sh
source "$here/lib/uninstall.sh"

usage() {
    cat <<TEXT
usage: install.sh MODEL [options]
       install.sh --uninstall [--purge]

Installs edgeleuk with the model file MODEL (.tflite, made by edgeleuk convert): a service that classifies images as they
appear in a folder, and a page for the browser. Run it again to upgrade edgeleuk or to replace the model: data, settings and
token are kept, and only what changed is restarted. Where it fails, the installation from before goes on. For an upgrade MODEL
may be left out.

  --wheels DIR     install from this folder alone, without internet (deploy/wheelhouse.sh makes one). Without it:
                   wheels beside this script, else the checkout or the installed edgeleuk that this script is in, with
                   packages from the internet
  --watch DIR      folder to watch (default: $DATA/incoming)
  --host ADDRESS   address of the page (default: 127.0.0.1, this machine only; 0.0.0.0 for the network)
  --port NUMBER    port of the page, 1024 to 65535 (default: 8000)
  --allowed-host NAME      another name by which browsers call the page, as behind a proxy; may be given again
  --trusted-proxy ADDRESS  a proxy before the page whose word on clients is taken; an address or a network; may be given
                           again. "none" takes back what an earlier installation has set, of either option
  --extras NAME    with what this extra of edgeleuk needs: camera (OpenCV, for frames of a V4L2 camera); "none" takes it back
  --no-web         without the page
  --uninstall      remove program, services and user; keep data and settings
  --purge          with --uninstall: remove data, settings and token, too
  -h, --help       this text

Program in $PROGRAM, data in $DATA, settings and model in $SETTINGS. Must be run as root.
For research use, not a diagnosis.
TEXT
}

parse_arguments() {
    model='' wheels='' watch='' host='' port='' extras='' web=yes action=install purge='' names=() proxies=()
    while [ $# -gt 0 ]; do
        case $1 in
            --wheels | --watch | --host | --port | --extras | --allowed-host | --trusted-proxy) [ -n "${2:-}" ] || misused "$1 needs a value" ;;&
            --wheels) wheels=$2; shift ;;
            --watch) watch=$2; shift ;;
            --host) host=$2; shift ;;
            --port) port=$2; shift ;;
            --extras) extras=$2; shift ;;
            --allowed-host) names+=("$2"); shift ;;
            --trusted-proxy) proxies+=("$2"); shift ;;
            --no-web) web='' ;;
            --uninstall) action=uninstall ;;
            --purge) purge=yes ;;
            -h | --help) usage; exit 0 ;;
            -*) misused "unknown option: $1" ;;
            *) [ -z "$model" ] || misused "one model is expected; '$1' is one more than that"; model=$1 ;;
        esac
        shift
    done
    check_combination
}

check_combination() {
    if [ "$action" = uninstall ]; then
        [ -z "$model$wheels$watch$host$port$extras${names[*]}${proxies[*]}" ] || misused "--uninstall goes with --purge only"
        return
    fi
    [ -z "$purge" ] || misused "--purge goes with --uninstall only"
    [ -n "$web" ] || [ -z "$host$port${names[*]}${proxies[*]}" ] ||
        misused "--host, --port, --allowed-host and --trusted-proxy are for the page, and --no-web leaves that out"
    [ -n "$model" ] || [ -e "$MODEL" ] || [ -e "$OLD_MODEL" ] || misused "no model: install.sh MODEL"
}

install_all() {
    check_system
    check_model_file
    choose_source
    read_settings
    check_settings
    ensure_packages
    check_space
    build_environment
    check_model
    check_watch_folder
    change_installation
    report
}

report() {
    local note=' (it watches from the next start of the machine on)'
    ! has_running_systemd || note=''
    say "done: edgeleuk $("$PROGRAM/current/bin/edgeleuk" --version | sed 's/.* //')"
    say "  drop images into  $watch$note"
    say "  results           edgeleuk results $DATA/results.db, as root or as a member of group $ACCOUNT"
    if [ -n "$web" ]; then
        say "  page              http://$(url_host "$host"):$port"
        say "  its token         in $SETTINGS/web-token, which only root can read"
    fi
    say "  messages          journalctl -u edgeleuk-watch${web:+ -u edgeleuk-web}"
    say "For research use, not a diagnosis."
}

main() {
    parse_arguments "$@"
    [ "$(id -u)" = 0 ] || fail "must be run as root: sudo $0 ..."
    take_lock
    trap finish EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    if [ "$action" = uninstall ]; then uninstall_all; else install_all; fi
}

# Runs however the script ends. Until change_installation has begun, there is nothing to undo but the new environment.
finish() {
    local status=$?
    trap - EXIT
    set +e # what can be undone is undone
    [ -z "${changing:-}" ] || undo_change
    [ -z "${scratch:-}" ] || rm -rf "$scratch"
    [ -z "${new:-}" ] || rm -rf "$new"
    exit "$status"
}

main "$@"
