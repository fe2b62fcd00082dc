#!/bin/bash
# Becomes the entry of an image, as a container engine would start it: the image as root with a layer of its own to write
# in, its own /proc and /dev, shared storage at /mnt/efs, docker's capabilities, the image's user.
#
#   image-root.sh ROOT UID:GID COMMAND …
set -eu
image=$1 user=$2
shift 2
docker=chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,sys_chroot,mknod,audit_write,setfcap

mkdir -p /run/container
mount -t tmpfs -o mode=0755 sierra-batch /run/container
cd /run/container
mkdir written work root
mount -t overlay -o "lowerdir=$image,upperdir=$PWD/written,workdir=$PWD/work" sierra-batch root
mount --bind /mnt/efs root/mnt/efs
mount -t proc proc root/proc
mount --rbind /sys root/sys
mount -t tmpfs -o mode=0755 sierra-batch root/dev
for device in null zero full random urandom tty; do
  touch "root/dev/$device"
  mount --bind "/dev/$device" "root/dev/$device"
done
ln -s /proc/self/fd root/dev/fd
for stream in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${stream%:*}" "root/dev/${stream#*:}"; done
mkdir root/dev/shm
mount -t tmpfs -o mode=1777,size=64m sierra-batch root/dev/shm
exec setpriv --bounding-set "-all,+${docker//,/,+}" -- chroot --userspec="$user" --groups= root "$@"
