// Shared storage as NFS can be: slow, forgetful, or read-only. Mounts itself over a folder and passes everything on to it.
//
//   strange-storage MOUNTPOINT NEGATIVE_SECONDS PID
//
// PID: the process in whose mounts it is seen.
// NEGATIVE_SECONDS: for how long this client remembers that there was nothing under a name.
// stdin: `delay SECONDS` (before every call about metadata: all but read, write and release), `read-only 1`,
// `read-only 0`; its end ends the mount. stdout: a line for each, once it holds.
//
// In C since it must cost next to nothing: what it is mounted for is measured on the same cores.
#define _GNU_SOURCE
#define FUSE_USE_VERSION 312
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

// As an NFS client: what was found is looked up again after half a minute, a file's size after three seconds.
#define ENTRY_SECONDS 30
#define ATTRIBUTES_SECONDS 3
#define MOST_THREADS 32
#define MOST_FILES 1048576
#define BUCKETS 65536

struct node {
    struct node *next;
    int fd; // opened with O_PATH
    dev_t device;
    ino_t inode;
    uint64_t lookups;
};

static struct node root;
static struct node *buckets[BUCKETS];
static pthread_mutex_t nodes_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic long delay_ns;
static atomic_bool read_only;
static double negative_seconds;
static struct fuse_session *session;
static int own_files;

static struct node *node_of(fuse_ino_t inode) {
    return inode == FUSE_ROOT_ID ? &root : (struct node *)(uintptr_t)inode;
}

static void wait_a_while(void) {
    long ns = atomic_load(&delay_ns);
    if (ns == 0) return;
    struct timespec left = {ns / 1000000000, ns % 1000000000};
    while (nanosleep(&left, &left) == -1 && errno == EINTR) { }
}

// A change: waits as every call does, and is refused while there is nothing to be changed.
static bool is_refused(fuse_req_t request) {
    wait_a_while();
    if (!atomic_load(&read_only)) return false;
    fuse_reply_err(request, EROFS);
    return true;
}

static void answer(fuse_req_t request, int result) {
    fuse_reply_err(request, result == -1 ? errno : 0);
}

// The name in `own_files` by which what O_PATH holds is reached: whoever mounts this may have another /proc.
static void name_of(fuse_ino_t inode, char name[16]) {
    snprintf(name, 16, "%d", node_of(inode)->fd);
}

// One node for each file, however often it is found: the kernel tells files apart by it.
static int find(fuse_ino_t parent, const char *name, struct fuse_entry_param *entry) {
    memset(entry, 0, sizeof *entry);
    entry->attr_timeout = ATTRIBUTES_SECONDS;
    entry->entry_timeout = ENTRY_SECONDS;
    int fd = openat(node_of(parent)->fd, name, O_PATH | O_NOFOLLOW);
    if (fd == -1) return errno;
    if (fstatat(fd, "", &entry->attr, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) == -1) {
        int why = errno;
        close(fd);
        return why;
    }
    pthread_mutex_lock(&nodes_lock);
    struct node **bucket = &buckets[entry->attr.st_ino % BUCKETS];
    struct node *found = *bucket;
    while (found != NULL && (found->inode != entry->attr.st_ino || found->device != entry->attr.st_dev)) found = found->next;
    if (found != NULL) {
        close(fd);
    } else {
        found = malloc(sizeof *found);
        if (found == NULL) abort();
        *found = (struct node){*bucket, fd, entry->attr.st_dev, entry->attr.st_ino, 0};
        *bucket = found;
    }
    found->lookups += 1;
    pthread_mutex_unlock(&nodes_lock);
    entry->ino = (uintptr_t)found;
    return 0;
}

static void answer_with(fuse_req_t request, fuse_ino_t parent, const char *name, int result) {
    struct fuse_entry_param entry;
    int why = result == -1 ? errno : find(parent, name, &entry);
    if (why != 0) fuse_reply_err(request, why);
    else fuse_reply_entry(request, &entry);
}

static void let_go(fuse_ino_t inode, uint64_t count) {
    if (inode == FUSE_ROOT_ID) return;
    struct node *node = node_of(inode);
    pthread_mutex_lock(&nodes_lock);
    node->lookups -= count;
    bool last = node->lookups == 0;
    if (last) {
        struct node **link = &buckets[node->inode % BUCKETS];
        while (*link != node) link = &(*link)->next;
        *link = node->next;
    }
    pthread_mutex_unlock(&nodes_lock);
    if (!last) return;
    close(node->fd);
    free(node);
}

static void do_lookup(fuse_req_t request, fuse_ino_t parent, const char *name) {
    wait_a_while();
    struct fuse_entry_param entry;
    int why = find(parent, name, &entry);
    if (why == ENOENT && negative_seconds > 0) {
        entry.ino = 0;
        entry.entry_timeout = negative_seconds;
        fuse_reply_entry(request, &entry);
    } else if (why != 0) {
        fuse_reply_err(request, why);
    } else {
        fuse_reply_entry(request, &entry);
    }
}

static void do_forget(fuse_req_t request, fuse_ino_t inode, uint64_t count) {
    let_go(inode, count);
    fuse_reply_none(request);
}

static void do_forget_multi(fuse_req_t request, size_t count, struct fuse_forget_data *forgets) {
    for (size_t at = 0; at < count; at++) let_go(forgets[at].ino, forgets[at].nlookup);
    fuse_reply_none(request);
}

static void reply_attributes(fuse_req_t request, fuse_ino_t inode) {
    struct stat found;
    if (fstatat(node_of(inode)->fd, "", &found, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) == -1) fuse_reply_err(request, errno);
    else fuse_reply_attr(request, &found, ATTRIBUTES_SECONDS);
}

static void do_getattr(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file) {
    (void)file;
    wait_a_while();
    reply_attributes(request, inode);
}

static struct timespec time_to_set(int wanted, int is_set, int is_now, struct timespec given) {
    if (wanted & is_now) return (struct timespec){0, UTIME_NOW};
    if (wanted & is_set) return given;
    return (struct timespec){0, UTIME_OMIT};
}

static void do_setattr(fuse_req_t request, fuse_ino_t inode, struct stat *given, int wanted, struct fuse_file_info *file) {
    if (is_refused(request)) return;
    (void)file;
    char name[16];
    name_of(inode, name);
    int result = 0;
    if (wanted & FUSE_SET_ATTR_MODE) result = fchmodat(own_files, name, given->st_mode, 0);
    if (result == 0 && (wanted & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))) {
        uid_t uid = wanted & FUSE_SET_ATTR_UID ? given->st_uid : (uid_t)-1;
        gid_t gid = wanted & FUSE_SET_ATTR_GID ? given->st_gid : (gid_t)-1;
        result = fchownat(node_of(inode)->fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
    }
    if (result == 0 && (wanted & FUSE_SET_ATTR_SIZE)) {
        int fd = openat(own_files, name, O_WRONLY);
        result = fd == -1 ? -1 : ftruncate(fd, given->st_size);
        if (fd != -1) close(fd);
    }
    if (result == 0 && (wanted & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME))) {
        struct timespec times[] = {
            time_to_set(wanted, FUSE_SET_ATTR_ATIME, FUSE_SET_ATTR_ATIME_NOW, given->st_atim),
            time_to_set(wanted, FUSE_SET_ATTR_MTIME, FUSE_SET_ATTR_MTIME_NOW, given->st_mtim),
        };
        result = utimensat(own_files, name, times, 0);
    }
    if (result == -1) fuse_reply_err(request, errno);
    else reply_attributes(request, inode);
}

static void do_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode) {
    if (is_refused(request)) return;
    answer_with(request, parent, name, mkdirat(node_of(parent)->fd, name, mode));
}

static void do_mknod(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, dev_t device) {
    if (is_refused(request)) return;
    answer_with(request, parent, name, mknodat(node_of(parent)->fd, name, mode, device));
}

static void do_symlink(fuse_req_t request, const char *target, fuse_ino_t parent, const char *name) {
    if (is_refused(request)) return;
    answer_with(request, parent, name, symlinkat(target, node_of(parent)->fd, name));
}

static void do_link(fuse_req_t request, fuse_ino_t inode, fuse_ino_t parent, const char *new_name) {
    if (is_refused(request)) return;
    char name[16];
    name_of(inode, name);
    int result = linkat(own_files, name, node_of(parent)->fd, new_name, AT_SYMLINK_FOLLOW);
    answer_with(request, parent, new_name, result);
}

static void do_unlink(fuse_req_t request, fuse_ino_t parent, const char *name) {
    if (is_refused(request)) return;
    answer(request, unlinkat(node_of(parent)->fd, name, 0));
}

static void do_rmdir(fuse_req_t request, fuse_ino_t parent, const char *name) {
    if (is_refused(request)) return;
    answer(request, unlinkat(node_of(parent)->fd, name, AT_REMOVEDIR));
}

static void do_rename(fuse_req_t request, fuse_ino_t parent, const char *name, fuse_ino_t to, const char *new_name, unsigned flags) {
    if (is_refused(request)) return;
    answer(request, renameat2(node_of(parent)->fd, name, node_of(to)->fd, new_name, flags));
}

static void do_readlink(fuse_req_t request, fuse_ino_t inode) {
    wait_a_while();
    char target[4097];
    ssize_t length = readlinkat(node_of(inode)->fd, "", target, sizeof target - 1);
    if (length == -1) {
        fuse_reply_err(request, errno);
        return;
    }
    target[length] = '\0';
    fuse_reply_readlink(request, target);
}

static void do_create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *file) {
    if (is_refused(request)) return;
    int fd = openat(node_of(parent)->fd, name, (file->flags | O_CREAT) & ~O_NOFOLLOW, mode);
    struct fuse_entry_param entry;
    int why = fd == -1 ? errno : find(parent, name, &entry);
    if (why != 0) {
        if (fd != -1) close(fd);
        fuse_reply_err(request, why);
        return;
    }
    file->fh = fd;
    fuse_reply_create(request, &entry, file);
}

static void do_open(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file) {
    if ((file->flags & O_ACCMODE) == O_RDONLY) wait_a_while();
    else if (is_refused(request)) return;
    char name[16];
    name_of(inode, name);
    // With O_APPEND the end of the file is where it is now, not where this client saw it last.
    int fd = openat(own_files, name, file->flags & ~O_NOFOLLOW);
    if (fd == -1) {
        fuse_reply_err(request, errno);
        return;
    }
    file->fh = fd;
    fuse_reply_open(request, file);
}

static void do_read(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info *file) {
    (void)inode;
    struct fuse_bufvec buffer = FUSE_BUFVEC_INIT(size);
    buffer.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
    buffer.buf[0].fd = file->fh;
    buffer.buf[0].pos = offset;
    fuse_reply_data(request, &buffer, 0);
}

static void do_write(fuse_req_t request, fuse_ino_t inode, const char *data, size_t size, off_t offset, struct fuse_file_info *file) {
    (void)inode;
    if (atomic_load(&read_only)) {
        fuse_reply_err(request, EROFS);
        return;
    }
    ssize_t written = pwrite(file->fh, data, size, offset);
    if (written == -1) fuse_reply_err(request, errno);
    else fuse_reply_write(request, written);
}

static void do_release(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file) {
    (void)inode;
    answer(request, close(file->fh));
}

static void do_fsync(fuse_req_t request, fuse_ino_t inode, int only_data, struct fuse_file_info *file) {
    (void)inode;
    wait_a_while();
    answer(request, only_data ? fdatasync(file->fh) : fsync(file->fh));
}

static void do_opendir(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file) {
    wait_a_while();
    int fd = openat(node_of(inode)->fd, ".", O_RDONLY | O_DIRECTORY);
    DIR *folder = fd == -1 ? NULL : fdopendir(fd);
    if (folder == NULL) {
        fuse_reply_err(request, errno);
        return;
    }
    file->fh = (uintptr_t)folder;
    fuse_reply_open(request, file);
}

static void do_readdir(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info *file) {
    (void)inode;
    wait_a_while();
    DIR *folder = (DIR *)(uintptr_t)file->fh;
    char *buffer = malloc(size);
    if (buffer == NULL) abort();
    seekdir(folder, offset);
    size_t used = 0;
    for (struct dirent *entry; (errno = 0, entry = readdir(folder)) != NULL;) {
        struct stat about = {.st_ino = entry->d_ino, .st_mode = (mode_t)entry->d_type << 12};
        size_t needed = fuse_add_direntry(request, buffer + used, size - used, entry->d_name, &about, telldir(folder));
        if (needed > size - used) break;
        used += needed;
    }
    if (used == 0 && errno != 0) fuse_reply_err(request, errno);
    else fuse_reply_buf(request, buffer, used);
    free(buffer);
}

static void do_releasedir(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file) {
    (void)inode;
    answer(request, closedir((DIR *)(uintptr_t)file->fh));
}

static void do_statfs(fuse_req_t request, fuse_ino_t inode) {
    wait_a_while();
    struct statvfs found;
    if (fstatvfs(node_of(inode)->fd, &found) == -1) fuse_reply_err(request, errno);
    else fuse_reply_statfs(request, &found);
}

// No flush: the kernel then asks for none, as a client asks nothing of its server when a file without news is closed.
static const struct fuse_lowlevel_ops operations = {
    .lookup = do_lookup, .forget = do_forget, .forget_multi = do_forget_multi, .getattr = do_getattr,
    .setattr = do_setattr, .mkdir = do_mkdir, .mknod = do_mknod, .symlink = do_symlink,
    .link = do_link, .unlink = do_unlink, .rmdir = do_rmdir, .rename = do_rename,
    .readlink = do_readlink, .create = do_create, .open = do_open, .read = do_read,
    .write = do_write, .release = do_release, .fsync = do_fsync, .opendir = do_opendir,
    .readdir = do_readdir, .releasedir = do_releasedir, .statfs = do_statfs,
};

static void *listen_to_stdin(void *nothing) {
    char word[32];
    for (double value; scanf("%31s %lf", word, &value) == 2;) {
        if (strcmp(word, "delay") == 0) atomic_store(&delay_ns, (long)(value * 1e9));
        else atomic_store(&read_only, value != 0);
        puts("done");
        fflush(stdout);
    }
    // The loop's threads wait for the kernel: taken away, the mount ends their wait, unless somebody still holds a file.
    alarm(2);
    fuse_session_exit(session);
    fuse_session_unmount(session);
    return nothing;
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: %s MOUNTPOINT NEGATIVE_SECONDS PID\n", argv[0]);
        return 2;
    }
    negative_seconds = atof(argv[2]);
    // Two milliseconds are two milliseconds.
    prctl(PR_SET_TIMERSLACK, 1UL);
    struct rlimit files = {MOST_FILES, MOST_FILES};
    setrlimit(RLIMIT_NOFILE, &files);
    umask(0);
    own_files = open("/proc/self/fd", O_PATH | O_DIRECTORY);
    char mounts[64];
    snprintf(mounts, sizeof mounts, "/proc/%s/ns/mnt", argv[3]);
    int space = open(mounts, O_RDONLY | O_CLOEXEC);
    if (own_files == -1 || space == -1 || setns(space, CLONE_NEWNS) == -1) {
        perror(mounts);
        return 1;
    }
    // What lies under the mount is reached through the folder that was opened before.
    root.fd = open(argv[1], O_PATH);
    if (root.fd == -1) {
        perror(argv[1]);
        return 1;
    }
    char *options[] = {argv[0], "-oallow_other,fsname=strange-storage", NULL};
    struct fuse_args arguments = FUSE_ARGS_INIT(2, options);
    session = fuse_session_new(&arguments, &operations, sizeof operations, NULL);
    if (session == NULL || fuse_session_mount(session, argv[1]) != 0) return 1;
    pthread_t listener;
    if (pthread_create(&listener, NULL, listen_to_stdin, NULL) != 0) return 1;
    struct fuse_loop_config *config = fuse_loop_cfg_create();
    fuse_loop_cfg_set_max_threads(config, MOST_THREADS);
    fuse_loop_cfg_set_idle_threads(config, MOST_THREADS);
    int result = fuse_session_loop_mt(session, config);
    pthread_join(listener, NULL);
    return result < 0 ? 1 : 0;
}
