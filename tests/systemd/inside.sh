#!/usr/bin/env bash
# Runs in the container that run.sh boots: each line says what was seen, and how long it took.
set -uo pipefail
cd /etc/watchkeeper || exit 1
export XDG_CACHE_HOME=/tmp/cache

began=0
now() { date +%s%N; }
took() { printf '%d.%01d s' $((($(now) - began) / 1000000000)) $((($(now) - began) / 100000000 % 10)); }
start_clock() { began=$(now); }
expect() { # WORDS... -- COMMAND...: passes when the command does
  local words=()
  while [[ $1 != -- ]]; do
    words+=("$1")
    shift
  done
  shift
  if [[ -e /tmp/said ]]; then mv /tmp/said /tmp/said-before; fi
  if "$@" >/tmp/said 2>&1; then
    echo "PASS ${words[*]}"
  else
    echo "FAIL ${words[*]}: $* (exit $?)"
    head -n 30 /tmp/said
    journalctl --no-pager -o cat -u watchkeeper -n 15
  fi
}
exits() { # CODE COMMAND...
  local wanted=$1 got=0
  shift
  "$@" || got=$?
  [[ $got == "$wanted" ]]
}
until_true() { # SECONDS COMMAND...
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || return 1
    sleep 0.2
  done
}
shows() { systemctl show watchkeeper -P "$1"; }
is() { [[ $(shows "$1") == "$2" ]]; }
pid_is_new() { is ActiveState active && [[ $(shows MainPID) != "$1" && $(shows MainPID) != 0 ]]; }
shows_no_failure() { [[ $(shows StatusText) == *'no check fails' ]]; }
kept() { watchkeeper --state /var/lib/watchkeeper "$@"; }
ask() { node -e "process.stdout.write(String((${1})(JSON.parse(require('node:fs').readFileSync(0, 'utf8')))))"; }
at_home() { # FILE: it names the last beat by the owner's clock, which is not this machine's.
  local hours='s => new Date(s.beat.last).toLocaleTimeString("en-GB", { timeZone: "Asia/Kathmandu", timeStyle: "short" })'
  grep -q "last beat $(kept status --json | ask "$hours").*(Asia/Kathmandu)" "$1"
}
said() { journalctl --no-pager -o cat -u watchkeeper | grep -q -- "$1"; }
drop_in() {
  mkdir -p /etc/systemd/system/watchkeeper.service.d
  printf '[Service]\n%s\n' "$1" >/etc/systemd/system/watchkeeper.service.d/quick.conf
  systemctl daemon-reload
}

echo "systemd $(systemctl --version | head -n 1 | cut -d' ' -f2), node $(node --version), watchkeeper $(watchkeeper --version)"

# Without it, as on Debian 12 by itself, ping needs rights that the service has not.
echo "0 2147483647" >/proc/sys/net/ipv4/ping_group_range

expect "service status exits 3 where there is none" -- exits 3 watchkeeper service status
expect "install refuses without a terminal and without --yes" -- exits 2 watchkeeper service install
sed -i 's/timezone/timezon/' agent.config.ts
expect "install refuses a wrong configuration" -- exits 2 watchkeeper service install --yes
sed -i 's/timezon:/timezone:/' agent.config.ts
chmod 700 /etc/watchkeeper
expect "install refuses what the service's user may not read" -- exits 2 watchkeeper service install --yes
chmod 755 /etc/watchkeeper
expect "and nothing was written" -- test ! -e /etc/systemd/system/watchkeeper.service

answers() { # WORD COMMAND: says it on a terminal
  printf '%s\n' "$1" | script --quiet --return --command "$2" /dev/null
}
expect "install asks on a terminal, and takes no for an answer" -- exits 1 answers n "watchkeeper service install"
expect "having said what it would do" -- grep -q 'Nothing was changed' /tmp/said-before
expect "and nothing was written" -- test ! -e /etc/systemd/system/watchkeeper.service
start_clock
expect "install --yes" -- watchkeeper service install --yes
echo "     $(took) to its return"
is ActiveState active || exit 1
ready() { (($(shows ActiveEnterTimestampMonotonic) - $(shows ExecMainStartTimestampMonotonic) > 1500000)); }
expect "ready only after the first beat, whose look takes 1.5 s" -- ready
echo "     ready $((($(shows ActiveEnterTimestampMonotonic) - $(shows ExecMainStartTimestampMonotonic)) / 1000)) ms after its start"
beaten() { [[ $(kept status --json | ask 's => s.beat.last !== null') == true ]]; }
expect "a beat is complete then" -- beaten
expect "service status exits 0" -- watchkeeper service status
cat /tmp/said
expect "it says how it is to systemd" -- grep -q 'last beat' <(shows StatusText)
expect "service status tells the time of the owner's zone" -- at_home <(watchkeeper service status)
expect "status does" -- at_home <(kept status)
uid_of() { stat -c %u /proc/"$(shows MainPID)"; }
made_up() { (($(uid_of) >= 61184)); }
expect "it runs as a user that systemd has made up" -- made_up
unsaid() { ! journalctl -o cat --no-pager | grep -q 'tide-3f9a7c1e55\|moon-8842aa17bd'; }
closed() { [[ $(stat -c %a /var/lib/private/watchkeeper) == 700 && $(stat -c %a /var/lib/private/watchkeeper/watchkeeper.db) == 600 ]]; }
expect "its state is closed to others" -- closed
expect "secrets come as credentials; no child inherits the socket" -- \
  grep -q '15 and 15 characters, no socket' <(kept findings --json)
expect "ping, the disk and programs can be asked in there" -- shows_no_failure
expect "no secret is in the journal" -- unsaid
pid=$(shows MainPID)
expect "install again changes nothing" -- watchkeeper service install --yes
same_pid() { is MainPID "$pid"; }
expect "and restarts nothing" -- same_pid
exposure=$(systemd-analyze security watchkeeper --no-pager | grep -o 'watchkeeper.service: [0-9.]*' | cut -d' ' -f2)
low() { [[ $exposure =~ ^[01]\.[0-9]$ || $exposure == 2.0 ]]; }
expect "exposure of at most 2.0: $exposure" -- low

# Beside it a second watch under the very same unit, whose state is old. It lets its first minutes pass before it
# cares for the file: what came of it is looked at further below.
cp -r . /etc/aged
sed -i 's|/etc/watchkeeper|/etc/aged|g' /etc/aged/.env /etc/aged/agent.config.ts /etc/aged/skills/tide/index.ts
sed 's|/etc/watchkeeper|/etc/aged|g; s|=watchkeeper$|=aged|' /etc/systemd/system/watchkeeper.service \
  >/etc/systemd/system/aged.service
aged() { # SQL: what the aged state answers
  node -e '
    const { DatabaseSync } = require("node:sqlite");
    const store = new DatabaseSync("/var/lib/aged/watchkeeper.db");
    for (const row of store.prepare(process.argv[1]).all()) console.log(Object.values(row).join(" "));
  ' "$1"
}
systemctl start aged && systemctl stop aged
days_ago() { echo "(unixepoch() - $1 * 86400) * 1000"; }
aged "insert into beats (trigger, outcome, started_at, finished_at, checks)
  select 'schedule', 'quiet', $(days_ago value), $(days_ago value) + 5, '[]' from json_each('[1.2, 40, 41, 42]')"
aged "insert into upkeep (name, since) values ('prune', $(days_ago 8)), ('backup', $(days_ago 8))"
expect "a watch under the same unit, forgotten for 40 days, starts" -- systemctl start aged

(
  umask 077
  echo SUN_FILE=/etc/watchkeeper/sun >>.env
  echo sun-51bb02c9ee >sun
)
expect "install again, with another secret: yes on a terminal" -- answers y "watchkeeper service install"
expect "shows what is new" -- grep -q '^+ LoadCredential=SUN:/etc/watchkeeper/sun' /tmp/said-before
handed_over() { [[ -e /run/credentials/watchkeeper.service/SUN ]]; }
expect "and it is handed over" -- handed_over
pid=$(shows MainPID)
start_clock
kill -9 "$pid"
expect "kill -9: started again" -- until_true 60 pid_is_new "$pid"
echo "     $(took) until it was up"

drop_in $'WatchdogSec=10s\nRestartSec=1s'
systemctl restart watchkeeper
pid=$(shows MainPID)
mkfifo fifo
touch stuck
sleep 4
# News for a watch whose every thread waits: reading it never ends, while the loop goes on.
start_clock
echo 'Be brief.' >/var/lib/watchkeeper/HEARTBEAT.md
expect "a beat that never ends (watchdog at 10 s): started again" -- until_true 60 is NRestarts 1
echo "     $(took) until it was started again"
rm -f stuck fifo
expect "and up" -- until_true 60 pid_is_new "$pid"
expect "the watchdog did it" -- said 'Watchdog timeout'

rm -r /etc/systemd/system/watchkeeper.service.d
systemctl daemon-reload
systemctl restart watchkeeper
pid=$(shows MainPID)
start_clock
touch hang
expect "a loop that hangs (the unit as it is): started again" -- until_true 200 is NRestarts 1
echo "     $(took) until it was started again"
rm hang
expect "and up" -- until_true 60 pid_is_new "$pid"

delivery() {
  node -e '
    const { DatabaseSync } = require("node:sqlite");
    const store = new DatabaseSync("/var/lib/watchkeeper/watchkeeper.db", { readOnly: true });
    console.log(store.prepare("select state from deliveries order by rowid desc limit 1").get()?.state);
  '
}
delivery_is() { [[ $(delivery) == "$1" ]]; }
under_way() { grep -qs 'slow[.]sh' /proc/[0-9]*/cmdline; }
touch high
expect "a message is under way" -- until_true 30 under_way
start_clock
expect "systemctl stop" -- systemctl stop watchkeeper
echo "     $(took), and the message is $(delivery)"
expect "what was under way was let end" -- delivery_is sent
expect "it stopped well" -- is Result success
expect "service status exits 3" -- exits 3 watchkeeper service status

before=$(kept findings --all --json)
rm -rf /usr/local/lib/node_modules/watchkeeper
cp -a /opt/next/lib/node_modules/watchkeeper /usr/local/lib/node_modules/
start_clock
expect "an upgrade in place: install --yes over the old one" -- watchkeeper service install --yes
echo "     $(took) to its return"
expect "the new version runs" -- said '"version":"99.0.0"'
knows_all() { # STATE: what is in $before; what is new since then may be there as well.
  export before
  local lost='f => JSON.parse(process.env.before).filter(({ id, key }) => !f.some((now) => now.id === id && now.key === key)).length'
  [[ $before == *'"id"'* && $(watchkeeper --state "$1" findings --all --json | ask "$lost") == 0 ]]
}
expect "and knows what the old one knew" -- knows_all /var/lib/watchkeeper

cared_for() { [[ $(aged "select count(*) from upkeep where last_ok_at > 0 and last_error is null") == 2 ]]; }
expect "meanwhile the forgotten one has cared for its file" -- until_true 400 cared_for
aged "select '    ', name, outcome from upkeep"
long_gone() { [[ $(aged "select count(*) from beats where started_at < $(days_ago 30)") == 0 ]]; }
expect "what is past its time is gone" -- long_gone
copied() { [[ $(stat -c '%a %U' /var/lib/aged/backups/weekly-*.db) == "600 $(stat -c %U /var/lib/aged/watchkeeper.db)" ]]; }
expect "and a copy is there, closed to others" -- copied
expect "which can be put back" -- watchkeeper --state /tmp/put-back db restore /var/lib/aged/backups/weekly-*.db
systemctl stop aged

touch blind
expect "a blind check: service status exits 4" -- until_true 120 exits 4 watchkeeper service status
warned() { grep -q '^{"level":"warn".*"a look failed"' <(journalctl --no-pager -o cat -u watchkeeper -p warning); }
expect "the journal knows a warning by its severity" -- warned
quiet() { ! grep -v '^{"level":"\(warn\|error\|fatal\)"' <(journalctl --no-pager -o cat -p warning _SYSTEMD_UNIT=watchkeeper.service); }
expect "and takes nothing else for one" -- quiet
expect "logs reads the same" -- grep -q 'warn: a look failed' <(kept logs --level warn)
rm blind high
sed -i 's/timezone/timezon/' agent.config.ts
systemctl restart watchkeeper 2>/dev/null
expect "a configuration that became wrong is not tried again and again" -- until_true 10 is ActiveState failed
expect "service status exits 3, with the reason" -- exits 3 watchkeeper service status
cat /tmp/said
sed -i 's/timezon:/timezone:/' agent.config.ts

expect "uninstall --yes" -- watchkeeper service uninstall --yes
expect "the unit is gone, the state is not" -- \
  test ! -e /etc/systemd/system/watchkeeper.service -a -e /var/lib/private/watchkeeper/watchkeeper.db
expect "service status exits 3" -- exits 3 watchkeeper service status
expect "uninstall again has nothing to do" -- watchkeeper service uninstall --yes

useradd --create-home --shell /bin/bash robin
odd="/srv/o dd \"q\" %n \$HOME:x' é"
mkdir -p "$odd"
cp -r /etc/watchkeeper/. "$odd"
install -d -m 700 -o robin "$odd/state"
sed -i 's/targets: \[/targets: [{ name: "bus", systemd: "dbus.service" },/' "$odd/agent.config.ts"
cd "$odd" || exit 1
if [[ -e /opt/old ]]; then
  # Run by hand by another version, until it has seen something; then it is robin's.
  of_old() { /opt/old/bin/watchkeeper --state "$odd/state" "$@"; }
  /opt/old/bin/watchkeeper --state "$odd/state" --config "$odd/agent.config.ts" start >/tmp/old-said 2>&1 &
  old=$!
  has_seen() { [[ $(of_old findings --json) == *'"id"'* ]]; }
  expect "another version runs there: $(of_old --version), $(ls /opt/old/lib/node_modules/watchkeeper/migrations | grep -c sql) migrations" -- \
    until_true 30 has_seen
  before=$(of_old findings --all --json)
  kill "$old"
  wait "$old"
  chown -R robin: "$odd/state"
fi
expect "--state DIR, in a path with everything in it" -- watchkeeper --state "$odd/state" service install --yes
robin_runs() { [[ $(uid_of) == $(id -u robin) && -e $odd/state/watchkeeper.db ]]; }
expect "runs as the owner of it" -- robin_runs
expect "and can ask systemd" -- shows_no_failure
if [[ -e /opt/old ]]; then
  expect "and knows what the other version knew" -- knows_all "$odd/state"
  first_copy() { stat -c '%a %U' "$odd"/state/backups/before-upgrade-*.db; }
  expect "a copy was made before the upgrade" -- test "$(first_copy)" = "600 robin"
fi
expect "service status exits 0" -- watchkeeper service status
expect "uninstall" -- watchkeeper service uninstall --yes

cp -r /etc/watchkeeper /home/robin/watch
chmod 755 /home/robin/watch
chmod 700 /home/robin
cd /home/robin/watch || exit 1
expect "a configuration in a closed home folder" -- watchkeeper service install --yes
expect "service status exits 0" -- watchkeeper service status
hidden() { ! nsenter -t "$(shows MainPID)" -m ls /home/robin/.bashrc; }
expect "the service sees nothing else of that home" -- hidden
expect "uninstall" -- watchkeeper service uninstall --yes

sed -i 's|/etc/watchkeeper/moon|/home/robin/watch/moon|' .env
chown -R robin: /home/robin
loginctl enable-linger robin
until_true 20 test -S "/run/user/$(id -u robin)/systemd/private"
as_robin() { runuser -u robin -- env XDG_RUNTIME_DIR="/run/user/$(id -u robin)" HOME=/home/robin "$@"; }
expect "install --user --yes" -- as_robin watchkeeper service install --user --yes
expect "service status --user exits 0" -- as_robin watchkeeper service status --user
cat /tmp/said
expect "a command in that folder finds its state" -- as_robin watchkeeper status
expect "and its log" -- grep -q 'keeping watch: ' <(as_robin watchkeeper logs)
expect "uninstall --user" -- as_robin watchkeeper service uninstall --user --yes
expect "service status --user exits 3" -- exits 3 as_robin watchkeeper service status --user
echo "all of it"
