#!/bin/bash
# Runs in the booted system. Each check is one line, PASS or FAIL; what is measured is INFO. It never stops at a failure.
set -uo pipefail
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME=/root

given=/srv/boot
store=/var/lib/edgeleuk/results.db incoming=/var/lib/edgeleuk/incoming
units=(edgeleuk-watch edgeleuk-web)
mapfile -t images < <(find "$given/images" -name '*.bmp' | sort)

line() { printf 'guest: %s\n' "$*" >/dev/ttyAMA0; }
info() { line "INFO  $*"; }
indent() { while IFS= read -r text; do line "      $text"; done; }

# check NAME COMMAND...: whether the command ends well.
check() {
    local name=$1; shift
    if "$@"; then line "PASS  $name"; else line "FAIL  $name"; fi
}

# within SECONDS COMMAND...: whether it ends well before the time is over.
within() {
    local end=$((SECONDS + $1)); shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 1
    done
}

# pipefail is on, and these feed a pipe; their own status counts.
installer() { "$given/wheelhouse/install.sh" "$@" >/run/install.log 2>&1; local status=$?; indent </run/install.log; return $status; }
refused() { ! installer "$@"; }
pid() { systemctl show --property MainPID --value "$1"; }
active() { systemctl --quiet is-active "$1" && [ "$(pid "$1")" != 0 ]; }
restarted() { active "$1" && [ "$(pid "$1")" != "$2" ]; }
same() { [ "$1" = "$2" ]; }
says() { journalctl --quiet --unit "$1" --output cat | grep -q "$2"; }
rows() { edgeleuk results "$store" --json 2>/dev/null | wc -l; }
has_rows() { [ "$(rows)" = "$1" ]; }
names_image() { edgeleuk results "$store" --json | grep -q "$(basename "$1")"; }
label_of() { edgeleuk results "$store" --json | sed -n "s/.*$(basename "$1").*\"label\": *\"\([^\"]*\)\".*/\1/p"; }
models_seen() { edgeleuk results "$store" --json | grep -o '"model_sha256": *"[0-9a-f]*"' | sort -u | wc -l; }
seen_models() { [ "$(models_seen)" = "$1" ]; }
sql() { python3 -c 'import sqlite3, sys; print(*(row[0] for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2])))' "$store" "$1"; }
drop() { runuser -u lab -- cp "$1" "$incoming/"; }

# page PATH [TOKEN [IMAGE]]: the status of the web page's answer, to an image that is handed in where there is one.
page() {
    python3 - "$@" <<'PYTHON'
import sys, urllib.error, urllib.request
request = urllib.request.Request("http://127.0.0.1:8000" + sys.argv[1])
if len(sys.argv) > 2:
    request.add_header("Authorization", "Bearer " + sys.argv[2])
if len(sys.argv) > 3:
    with open(sys.argv[3], "rb") as stream:
        request.data = stream.read()
try:
    print(urllib.request.urlopen(request, timeout=60).status)
except urllib.error.HTTPError as error:
    print(error.code)
except OSError as error:
    print(error)
PYTHON
}
# answers PATH STATUS [TOKEN [IMAGE]]
answers() { [ "$(page "$1" "${@:3}")" = "$2" ]; }

describe() {
    . /etc/os-release
    info "$PRETTY_NAME, Linux $(uname -r) $(uname -m), $(systemctl --version | head -n 1), $(python3 --version)"
    info "reached this point $(cut -d' ' -f1 /proc/uptime) s after the kernel's start; interfaces: $(basename -a /sys/class/net/* | tr '\n' ' ')"
}

test_install() {
    local started=$SECONDS
    check "refuses to install a file that is no model" refused /etc/hostname
    check "installs without a network" installer "$given/model.tflite"
    info "install took $((SECONDS - started)) s, emulated"
    for unit in "${units[@]}"; do
        check "$unit is active after saying READY" active "$unit"
        info "$unit: $(systemctl show --property StatusText --value "$unit")"
    done
    useradd --groups edgeleuk lab
}

test_watch() {
    local before
    drop "${images[0]}"
    check "classifies an image that a lab user drops" within 120 has_rows 1
    check "edgeleuk results shows it" names_image "${images[0]}"
    edgeleuk results "$store" | indent
    before=$(pid edgeleuk-watch)
    kill -KILL "$before"
    check "is started again after kill -9" within 180 restarted edgeleuk-watch "$before"
    info "restarts counted by systemd: $(systemctl show --property NRestarts --value edgeleuk-watch)"
    drop "${images[1]}"
    check "classifies a second image" within 120 has_rows 2
    sleep 5
    check "has exactly two rows" has_rows 2
    check "integrity_check says ok" same "$(sql 'PRAGMA integrity_check')" ok
}

test_watchdog() {
    local before
    before=$(pid edgeleuk-watch)
    kill -STOP "$before"
    check "is started again by the watchdog when it hangs" within 240 restarted edgeleuk-watch "$before"
    check "has not classified anything twice" has_rows 2
}

test_page() {
    local token
    token=$(cat /etc/edgeleuk/web-token)
    check "page answers /healthz" within 60 answers /healthz 200
    check "page refuses the API without the token" answers /api/results 401
    check "page answers the API with the token" answers /api/results 200 "$token"
    check "page classifies an image handed in, and stores it" answers "/api/images?name=up.bmp" 201 "$token" "${images[3]}"
    check "page knows the image that the watch service has classified" answers "/api/images?name=up.bmp" 200 "$token" "${images[0]}"
    check "three rows" has_rows 3
    check "token is on no command line" token_hidden "$token"
    check "token can be read by root only" same "$(stat -c '%U %a' /etc/edgeleuk/web-token)" "root 600"
}

# The token goes to grep through a pipe, so that the search does not find itself.
token_hidden() { ! cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n' | grep -q -F -f <(printf '%s' "$1"); }

# inside UNIT COMMAND...: in the service's mount namespace and as its user.
inside() { local unit=$1; shift; nsenter --target "$(pid "$unit")" --mount -- setpriv --reuid=edgeleuk --regid=edgeleuk --clear-groups "$@"; }
cannot() { ! inside "$@" 2>/dev/null; }

test_sandbox() {
    check "watch service cannot change the model" cannot edgeleuk-watch rm -f /etc/edgeleuk/model.tflite
    check "watch service cannot write elsewhere" cannot edgeleuk-watch touch /var/tmp/../lib/misc/x
    check "watch service has no network" same "$(nsenter --target "$(pid edgeleuk-watch)" --net -- sh -c 'tail -n +3 /proc/net/dev | wc -l')" 1
    check "no system call was refused in a way the kernel reports" no_seccomp_report
    for unit in "${units[@]}"; do
        info "$unit: $(($(cat "/sys/fs/cgroup/system.slice/$unit.service/memory.peak" 2>/dev/null || echo 0) / 1048576)) MiB at most, page cache included;" \
            "$(awk '/VmHWM/ {print int($2 / 1024)}' "/proc/$(pid "$unit")/status") MiB resident at most"
    done
}

# 1326 is the audit system's number for seccomp; systemd's own greeting has the word, too.
no_seccomp_report() { ! journalctl --quiet --dmesg --output cat | grep 'type=1326'; }

pids() { printf '%s ' "$(pid edgeleuk-watch)" "$(pid edgeleuk-web)"; }
unchanged() { [ "$(pids)" = "$1" ]; }

test_upgrade() {
    local before
    before=$(pids)
    check "installs a second time" installer "$given/model.tflite"
    check "and restarts nothing, for nothing changed" unchanged "$before"
    head -c 200000 "$given/model.tflite" >/run/half.tflite
    check "refuses half a model" refused /run/half.tflite
    check "and the services go on" unchanged "$before"
    test_rollback
    before=$(pid edgeleuk-watch)
    check "installs another model" installer "$given/other.tflite"
    check "with a restart" restarted edgeleuk-watch "$before"
    drop "${images[2]}"
    check "that classifies" within 180 seen_models 2
    check "both services reload" systemctl reload "${units[@]}"
    check "the watch service reloads the model" within 60 says edgeleuk-watch "model reloaded"
    check "and so does the page" within 60 says edgeleuk-web "reloaded"
    info "rows now: $(rows)"
}

# A port that is taken: the page cannot start there.
test_rollback() {
    local listener
    python3 -m http.server --bind 127.0.0.1 9000 >/dev/null 2>&1 &
    listener=$!
    sleep 5
    check "an upgrade whose page cannot start fails" refused "$given/model.tflite" --port 9000
    kill "$listener"
    check "and the page is back where it was" within 120 answers /healthz 200
    check "and the watch service runs" active edgeleuk-watch
    check "and the settings are the old ones" grep -q '^EDGELEUK_PORT="8000"' /etc/edgeleuk/edgeleuk.conf
}

test_uninstall() {
    check "uninstalls" installer --uninstall
    check "services are gone" test ! -e /etc/systemd/system/edgeleuk-watch.service -a ! -e /etc/systemd/system/edgeleuk-web.service
    check "program is gone" test ! -e /opt/edgeleuk
    check "user is gone" missing_user
    check "results are kept, for root alone" same "$(stat -c '%U %a' /var/lib/edgeleuk)" "root 700"
    check "and whole" same "$(sql 'PRAGMA integrity_check')" ok
    check "uninstalls all with --purge" installer --uninstall --purge
    check "data is gone" test ! -e /var/lib/edgeleuk -a ! -e /etc/edgeleuk
}

missing_user() { ! id edgeleuk >/dev/null 2>&1; }

messages() {
    local unit
    for unit in "${units[@]}"; do
        info "messages of $unit:"
        journalctl --quiet --unit "$unit" --output short-monotonic | tail -n 60 | indent
    done
}

describe
test_install
test_watch
test_watchdog
test_page
test_sandbox
test_upgrade
messages
test_uninstall
line "END   ${SECONDS} s"
