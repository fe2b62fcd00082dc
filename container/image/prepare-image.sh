#!/bin/sh
# Makes a Debian or Ubuntu image one that a node can run in: what the runner calls, the account that it runs as, the folder
# that shared storage is mounted on. Runs as root while an image is built, in ours and in images of users.
#
#   prepare-image.sh USER_ID
#
# USER_ID: uid and gid of that account, the same as the EFS access point's; with another the container never starts.
# 0 is root.
set -eu
user_id=$1

export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install --yes --no-install-recommends bash openssh-client openssh-server parallel perl tini
rm -rf /var/lib/apt/lists/*
# Debian makes host keys when sshd is installed. In an image they would be everybody's; each node makes its own.
rm -f /etc/ssh/ssh_host_*

if [ "$user_id" -ne 0 ]; then
  getent group "$user_id" > /dev/null || groupadd --gid "$user_id" sierra
  account=$(getent passwd "$user_id" | cut -d: -f1)
  # Locked with ! nobody logs in, with a key neither: * is a password that none matches.
  if [ -z "$account" ]; then
    useradd --uid "$user_id" --gid "$user_id" --no-log-init --create-home --shell /bin/bash --password '*' sierra
  else
    usermod --gid "$user_id" --shell /bin/bash --password '*' "$account"
  fi
fi
install --directory --owner "$user_id" --group "$user_id" --mode 0755 /mnt/efs
