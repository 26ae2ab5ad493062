#!/usr/bin/env bash
# Starts what the tests talk to and is not running yet: PostgreSQL, MariaDB, Redis and a Docker engine, on Debian as
# root. Elsewhere: docker compose up -d. Installs the daemons and programs that tests start themselves.
set -euo pipefail

docker_dir="${DOTMAC_TEST_DOCKER_DIR:-/tmp/dotmac-docker}"
docker_socket="${DOTMAC_TEST_DOCKER_SOCKET:-$docker_dir/docker.sock}"
image="dotmac-busybox:test"

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
wait_for() { # name, command...
  local name="$1" tries=0
  shift
  until "$@" >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ "$tries" -gt 120 ]; then echo "$name did not start within 60 s" >&2; exit 1; fi
    sleep 0.5
  done
}
install() {
  local missing=()
  for package in "$@"; do dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package"); done
  [ "${#missing[@]}" -eq 0 ] && return
  if [ "$(id -u)" -ne 0 ]; then echo "Needs root to install: ${missing[*]}" >&2; exit 1; fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

if ! answers 5432; then
  install postgresql
  sed -i 's/scram-sha-256/trust/' /etc/postgresql/*/main/pg_hba.conf
  pg_ctlcluster --skip-systemctl-redirect "$(ls /etc/postgresql | tail -n 1)" main start || true
  wait_for PostgreSQL answers 5432
fi
psql -h 127.0.0.1 -U postgres -tAc "select 1 from pg_database where datname = 'test'" | grep -q 1 ||
  createdb -h 127.0.0.1 -U postgres test

if ! answers 3306; then
  install mariadb-server
  mkdir -p /run/mysqld && chown mysql:mysql /run/mysqld
  start-stop-daemon --start --oknodo --background --pidfile /run/mysqld/mysqld.pid --exec /usr/sbin/mariadbd
  wait_for MariaDB answers 3306
fi
mariadb -h 127.0.0.1 -u root -e 'create database if not exists test' 2>/dev/null ||
  mariadb -u root -e "create database if not exists test; alter user 'root'@'localhost' identified by ''"

if ! answers 6379; then
  install redis-server
  redis-server --daemonize yes --bind 127.0.0.1 --port 6379 --save "" --appendonly no >/dev/null
  wait_for Redis answers 6379
fi

command -v pg_dump >/dev/null || install postgresql-client
command -v mariadb-dump >/dev/null || install mariadb-client

docker_ready() { docker -H "unix://$docker_socket" info; }
if ! docker_ready >/dev/null 2>&1; then
  install docker.io busybox-static
  mkdir -p "$docker_dir"
  nohup dockerd --iptables=false --bridge=none --storage-driver=vfs -H "unix://$docker_socket" \
    --data-root "$docker_dir/data" --exec-root "$docker_dir/exec" --pidfile "$docker_dir/docker.pid" \
    >"$docker_dir/log" 2>&1 </dev/null &
  wait_for Docker docker_ready
fi
if ! docker -H "unix://$docker_socket" image inspect "$image" >/dev/null 2>&1; then
  install busybox-static
  root="$(mktemp -d)"
  mkdir -p "$root/bin" && cp "$(command -v busybox)" "$root/bin/busybox" && ln -s busybox "$root/bin/sh" && ln -s busybox "$root/bin/sleep"
  tar -C "$root" -c . | docker -H "unix://$docker_socket" import - "$image" >/dev/null
  rm -rf "$root"
fi
# Tests start these themselves, each on a port of its own: Debian shall not start them, too.
if ! dpkg -s snmpd freeradius >/dev/null 2>&1; then
  policy=/usr/sbin/policy-rc.d
  if [ "$(id -u)" -eq 0 ] && [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
  fi
  install snmpd freeradius
fi
echo "PostgreSQL, MariaDB, Redis and Docker are running; snmpd, FreeRADIUS, pg_dump and mariadb-dump are installed."
