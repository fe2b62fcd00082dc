#!/bin/bash
# Process 1 of a machine: gives it a name, its own /tmp, /run, /dev/shm and shared storage, then lives until its standard
# input ends. The kernel then ends everything in it.
#
#   machine.sh HOSTNAME STAGE SHARED MEMORY_CGROUP|- KEPT …
#
# STAGE: an empty folder to build in. SHARED: mounted at /mnt/efs. MEMORY_CGROUP: shown as the machine's own, as docker does.
# KEPT: folders that must stay where they are although /tmp, /mnt and /run are covered.
set -eu
name=$1 stage=$2 shared=$3 cgroup=$4
shift 4
mount -t proc proc /proc
echo "$name" > /proc/sys/kernel/hostname
mount -t tmpfs -o mode=0755 sierra-batch "$stage"
mkdir -p "$stage/tmp" "$stage/run/sshd" "$stage/mnt/efs" "$stage/run/lock"
chmod 1777 "$stage/tmp" "$stage/run/lock"
mount --bind "$shared" "$stage/mnt/efs"
for kept in "$@"; do
  case $kept in
    /tmp/* | /mnt/* | /run/*)
      mkdir -p "$stage$kept"
      mount --bind "$kept" "$stage$kept"
      ;;
  esac
done
mount -t tmpfs -o mode=1777 sierra-batch /dev/shm
if [ "$cgroup" != - ]; then mount --bind "$cgroup" "$(case $cgroup in */memory/*) echo /sys/fs/cgroup/memory ;; *) echo /sys/fs/cgroup ;; esac)"; fi
mount --rbind "$stage/tmp" /tmp
mount --rbind "$stage/mnt" /mnt
mount --rbind "$stage/run" /run
cd /
echo up
# Bash takes in orphans by itself while it reads.
while read -r _; do :; done
