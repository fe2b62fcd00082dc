"""Shared storage as NFS can be: slow, forgetful, or read-only. Mounts itself over a folder and passes everything on to it.

    strange-storage.py MOUNTPOINT NEGATIVE_SECONDS

NEGATIVE_SECONDS: for how long this client remembers that there was nothing under a name.
stdin: `delay SECONDS` (before every call but read and write), `read-only 1`, `read-only 0`; its end ends the mount.
"""

import errno
import os
import signal
import sys
import threading
import time

import fusepy

mountpoint, negative_seconds = sys.argv[1], float(sys.argv[2])
delay = 0.0
read_only = False

QUICK = {"read", "write", "flush", "release", "init", "destroy"}
CHANGES = {
    "chmod", "chown", "create", "link", "mkdir", "mknod", "rename", "rmdir", "symlink",
    "truncate", "unlink", "utimens", "write",
}  # fmt: skip


def beneath(path):
    return "." + path


class Storage(fusepy.Operations):
    def __call__(self, name, path, *args):
        if delay and name not in QUICK:
            time.sleep(delay)
        if read_only and (name in CHANGES or (name == "open" and args[0] & os.O_ACCMODE)):
            raise fusepy.FuseOSError(errno.EROFS)
        return super().__call__(name, path, *args)

    def getattr(self, path, fh=None):
        found = os.lstat(beneath(path)) if fh is None else os.fstat(fh)
        names = ("atime", "ctime", "gid", "mode", "mtime", "nlink", "size", "uid", "blocks")
        return {f"st_{name}": getattr(found, f"st_{name}") for name in names}

    def readdir(self, path, fh):
        return [".", "..", *os.listdir(beneath(path))]

    def statfs(self, path):
        found = os.statvfs(beneath(path))
        names = ("bavail", "bfree", "blocks", "bsize", "favail", "ffree", "files", "flag", "frsize", "namemax")
        return {f"f_{name}": getattr(found, f"f_{name}") for name in names}

    def create(self, path, mode, fi=None):
        return os.open(beneath(path), os.O_RDWR | os.O_CREAT | os.O_TRUNC, mode)

    def open(self, path, flags):
        # With O_APPEND the end of the file is where it is now, not where this client saw it last.
        return os.open(beneath(path), flags)

    def read(self, path, size, offset, fh):
        return os.pread(fh, size, offset)

    def write(self, path, data, offset, fh):
        return os.pwrite(fh, data, offset)

    def truncate(self, path, length, fh=None):
        os.truncate(beneath(path) if fh is None else fh, length)

    def release(self, path, fh):
        os.close(fh)

    def fsync(self, path, datasync, fh):
        os.fsync(fh)

    def chmod(self, path, mode):
        os.chmod(beneath(path), mode)

    def chown(self, path, uid, gid):
        os.chown(beneath(path), uid, gid)

    def mkdir(self, path, mode):
        os.mkdir(beneath(path), mode)

    def mknod(self, path, mode, dev):
        os.mknod(beneath(path), mode, dev)

    def readlink(self, path):
        return os.readlink(beneath(path))

    def rename(self, old, new):
        os.rename(beneath(old), beneath(new))

    def rmdir(self, path):
        os.rmdir(beneath(path))

    def symlink(self, target, source):
        os.symlink(source, beneath(target))

    def unlink(self, path):
        os.unlink(beneath(path))

    def utimens(self, path, times=None):
        os.utime(beneath(path), times)


def listen():
    global delay, read_only
    for line in sys.stdin:
        word, value = line.split()
        if word == "delay":
            delay = float(value)
        else:
            read_only = value == "1"
    os.kill(os.getpid(), signal.SIGTERM)


# What lies under the mount is reached through the folder that was entered before.
os.chdir(mountpoint)
threading.Thread(target=listen, daemon=True).start()
fusepy.FUSE(
    Storage(),
    mountpoint,
    foreground=True,
    nonempty=True,
    allow_other=True,
    big_writes=True,
    # As an NFS client: what was found is looked up again after half a minute, a file's size after three seconds.
    entry_timeout=30,
    attr_timeout=3,
    negative_timeout=negative_seconds,
)
