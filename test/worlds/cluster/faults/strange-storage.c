// Shared storage as NFS can be: slow, forgetful, or read-only. Mounts itself over a folder and passes everything on to it.
//
//   strange-storage MOUNTPOINT NEGATIVE_SECONDS PID
//
// PID: the process in whose mounts it is seen.
// NEGATIVE_SECONDS: for how long this client remembers that there was nothing under a name.
// stdin: `delay SECONDS` (before every call about metadata: all but read, write and release), `read-only 1`,
// `read-only 0`; its end ends the mount. stdout: a line for each, once it holds.
//
// In C and one thread since it must cost next to nothing: what it is mounted for is measured on the same cores.
#define _GNU_SOURCE
#define FUSE_USE_VERSION 312
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <limits.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sched.h>
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
#define BUCKETS 65536

// A file by the name it was seen under last, since an open file for each would soon be more than a process may have.
struct node {
    struct node *next;
    struct node *parent;
    dev_t device;
    ino_t inode;
    struct statx_timestamp born; // another file may get the number of one that is gone
    uint64_t holders; // look-ups of the kernel's, and nodes below
    char *name;
};

// A request that is answered later.
struct waiting {
    struct waiting *next;
    int64_t due; // in nanoseconds
    size_t size;
    char request[];
};

// Of one file, below the folder that lies under the mount.
typedef char path_t[PATH_MAX];

static struct node root = {.holders = 1, .name = "."};
static struct node *buckets[BUCKETS];
static struct waiting *first_waiting;
static struct waiting **after_last = &first_waiting;
static int64_t delay_ns;
static bool read_only;
static double negative_seconds;
static struct fuse_session *session;
static int folder;

static struct node *node_of(fuse_ino_t inode) {
    return inode == FUSE_ROOT_ID ? &root : (struct node *)(uintptr_t)inode;
}

// What is too long is cut, and then not found.
static size_t write_path(const struct node *node, path_t path) {
    size_t length = node->parent == NULL ? 0 : write_path(node->parent, path);
    int written = snprintf(path + length, sizeof(path_t) - length, length == 0 ? "%s" : "/%s", node->name);
    return length + written < sizeof(path_t) ? length + written : sizeof(path_t) - 1;
}

static const char *path_of(fuse_ino_t inode, path_t path) {
    write_path(node_of(inode), path);
    return path;
}

static const char *path_in(fuse_ino_t parent, const char *name, path_t path) {
    write_path(&(struct node){.parent = node_of(parent), .name = (char *)name}, path);
    return path;
}

// A change is refused while there is nothing to be changed.
static bool is_refused(fuse_req_t request) {
    if (!read_only) return false;
    fuse_reply_err(request, EROFS);
    return true;
}

static void answer(fuse_req_t request, int result) {
    fuse_reply_err(request, result == -1 ? errno : 0);
}

// Of a file known by a name that it has no longer. The kernel then looks up anew what it was asked for, as with NFS.
static int stale(int why) {
    return why == ENOENT ? ESTALE : why;
}

static void let_go(struct node *node, uint64_t count) {
    while (node != &root && (node->holders -= count) == 0) {
        struct node **link = &buckets[node->inode % BUCKETS];
        while (*link != node) link = &(*link)->next;
        *link = node->next;
        struct node *parent = node->parent;
        free(node->name);
        free(node);
        node = parent;
        count = 1;
    }
}

static void set_place(struct node *node, struct node *parent, const char *name) {
    if (node->parent == parent && strcmp(node->name, name) == 0) return;
    struct node *before = node->parent;
    parent->holders += 1;
    node->parent = parent;
    free(node->name);
    node->name = strdup(name);
    if (node->name == NULL) abort();
    if (before != NULL) let_go(before, 1);
}

static bool is_of(const struct node *node, const struct stat *file, const struct statx_timestamp *born) {
    return node->inode == file->st_ino && node->device == file->st_dev && node->born.tv_sec == born->tv_sec &&
           node->born.tv_nsec == born->tv_nsec;
}

// One node for each file, however often it is found: the kernel tells files apart by it.
static int find(fuse_ino_t parent, const char *name, struct fuse_entry_param *entry) {
    memset(entry, 0, sizeof *entry);
    entry->attr_timeout = ATTRIBUTES_SECONDS;
    entry->entry_timeout = ENTRY_SECONDS;
    path_t path;
    if (fstatat(folder, path_in(parent, name, path), &entry->attr, AT_SYMLINK_NOFOLLOW) == -1) return errno;
    struct statx more;
    if (statx(folder, path, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &more) == -1) return errno;
    struct node **bucket = &buckets[entry->attr.st_ino % BUCKETS];
    struct node *found = *bucket;
    while (found != NULL && !is_of(found, &entry->attr, &more.stx_btime)) found = found->next;
    if (found == NULL) {
        found = malloc(sizeof *found);
        if (found == NULL) abort();
        *found = (struct node){
            .next = *bucket, .device = entry->attr.st_dev, .inode = entry->attr.st_ino, .born = more.stx_btime,
        };
        *bucket = found;
    }
    set_place(found, node_of(parent), name);
    found->holders += 1;
    entry->ino = (uintptr_t)found;
    return 0;
}

static void answer_with(fuse_req_t request, fuse_ino_t parent, const char *name, int result) {
    struct fuse_entry_param entry;
    int why = result == -1 ? errno : find(parent, name, &entry);
    if (why != 0) fuse_reply_err(request, why);
    else fuse_reply_entry(request, &entry);
}

static void do_lookup(fuse_req_t request, fuse_ino_t parent, const char *name) {
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
    let_go(node_of(inode), count);
    fuse_reply_none(request);
}

static void do_forget_multi(fuse_req_t request, size_t count, struct fuse_forget_data *forgets) {
    for (size_t at = 0; at < count; at++) let_go(node_of(forgets[at].ino), forgets[at].nlookup);
    fuse_reply_none(request);
}

// Of a file that somebody has open by that, since its name may be another's by now.
static void reply_attributes(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file) {
    struct stat found;
    path_t path;
    int result = file == NULL ? fstatat(folder, path_of(inode, path), &found, AT_SYMLINK_NOFOLLOW) : fstat(file->fh, &found);
    if (result == -1) fuse_reply_err(request, stale(errno));
    else fuse_reply_attr(request, &found, ATTRIBUTES_SECONDS);
}

static void do_getattr(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file) {
    reply_attributes(request, inode, file);
}

static struct timespec time_to_set(int wanted, int is_set, int is_now, struct timespec given) {
    if (wanted & is_now) return (struct timespec){0, UTIME_NOW};
    if (wanted & is_set) return given;
    return (struct timespec){0, UTIME_OMIT};
}

static void do_setattr(fuse_req_t request, fuse_ino_t inode, struct stat *given, int wanted, struct fuse_file_info *file) {
    if (is_refused(request)) return;
    path_t path;
    path_of(inode, path);
    int result = 0;
    if (wanted & FUSE_SET_ATTR_MODE) result = fchmodat(folder, path, given->st_mode, 0);
    if (result == 0 && (wanted & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))) {
        uid_t uid = wanted & FUSE_SET_ATTR_UID ? given->st_uid : (uid_t)-1;
        gid_t gid = wanted & FUSE_SET_ATTR_GID ? given->st_gid : (gid_t)-1;
        result = fchownat(folder, path, uid, gid, AT_SYMLINK_NOFOLLOW);
    }
    if (result == 0 && (wanted & FUSE_SET_ATTR_SIZE)) {
        int fd = file == NULL ? openat(folder, path, O_WRONLY) : dup(file->fh);
        result = fd == -1 ? -1 : ftruncate(fd, given->st_size);
        if (fd != -1) close(fd);
    }
    if (result == 0 && (wanted & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME))) {
        struct timespec times[] = {
            time_to_set(wanted, FUSE_SET_ATTR_ATIME, FUSE_SET_ATTR_ATIME_NOW, given->st_atim),
            time_to_set(wanted, FUSE_SET_ATTR_MTIME, FUSE_SET_ATTR_MTIME_NOW, given->st_mtim),
        };
        result = utimensat(folder, path, times, AT_SYMLINK_NOFOLLOW);
    }
    if (result == -1) fuse_reply_err(request, stale(errno));
    else reply_attributes(request, inode, file);
}

static void do_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode) {
    if (is_refused(request)) return;
    path_t path;
    answer_with(request, parent, name, mkdirat(folder, path_in(parent, name, path), mode));
}

static void do_mknod(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, dev_t device) {
    if (is_refused(request)) return;
    path_t path;
    answer_with(request, parent, name, mknodat(folder, path_in(parent, name, path), mode, device));
}

static void do_symlink(fuse_req_t request, const char *target, fuse_ino_t parent, const char *name) {
    if (is_refused(request)) return;
    path_t path;
    answer_with(request, parent, name, symlinkat(target, folder, path_in(parent, name, path)));
}

static void do_link(fuse_req_t request, fuse_ino_t inode, fuse_ino_t parent, const char *name) {
    if (is_refused(request)) return;
    path_t from, to;
    int result = linkat(folder, path_of(inode, from), folder, path_in(parent, name, to), 0);
    if (result == -1) errno = stale(errno);
    answer_with(request, parent, name, result);
}

static void do_unlink(fuse_req_t request, fuse_ino_t parent, const char *name) {
    if (is_refused(request)) return;
    path_t path;
    answer(request, unlinkat(folder, path_in(parent, name, path), 0));
}

static void do_rmdir(fuse_req_t request, fuse_ino_t parent, const char *name) {
    if (is_refused(request)) return;
    path_t path;
    answer(request, unlinkat(folder, path_in(parent, name, path), AT_REMOVEDIR));
}

static void do_rename(fuse_req_t request, fuse_ino_t parent, const char *name, fuse_ino_t to, const char *new_name, unsigned flags) {
    if (is_refused(request)) return;
    path_t before, after;
    int result = renameat2(folder, path_in(parent, name, before), folder, path_in(to, new_name, after), flags);
    struct fuse_entry_param entry;
    // What was known by the old name is known by the new one.
    if (result == 0 && find(to, new_name, &entry) == 0) let_go(node_of(entry.ino), 1);
    if (result == 0 && (flags & RENAME_EXCHANGE) && find(parent, name, &entry) == 0) let_go(node_of(entry.ino), 1);
    fuse_reply_err(request, result == -1 ? errno : 0);
}

static void do_readlink(fuse_req_t request, fuse_ino_t inode) {
    path_t path;
    char target[PATH_MAX + 1];
    ssize_t length = readlinkat(folder, path_of(inode, path), target, sizeof target - 1);
    if (length == -1) {
        fuse_reply_err(request, stale(errno));
        return;
    }
    target[length] = '\0';
    fuse_reply_readlink(request, target);
}

static void do_create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *file) {
    if (is_refused(request)) return;
    path_t path;
    int fd = openat(folder, path_in(parent, name, path), (file->flags | O_CREAT) & ~O_NOFOLLOW, mode);
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
    if ((file->flags & O_ACCMODE) != O_RDONLY && is_refused(request)) return;
    path_t path;
    // With O_APPEND the end of the file is where it is now, not where this client saw it last.
    int fd = openat(folder, path_of(inode, path), file->flags & ~O_NOFOLLOW);
    if (fd == -1) {
        fuse_reply_err(request, stale(errno));
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
    if (is_refused(request)) return;
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
    answer(request, only_data ? fdatasync(file->fh) : fsync(file->fh));
}

static void do_opendir(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file) {
    path_t path;
    int fd = openat(folder, path_of(inode, path), O_RDONLY | O_DIRECTORY);
    DIR *entries = fd == -1 ? NULL : fdopendir(fd);
    if (entries == NULL) {
        fuse_reply_err(request, stale(errno));
        return;
    }
    file->fh = (uintptr_t)entries;
    fuse_reply_open(request, file);
}

static void do_readdir(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info *file) {
    (void)inode;
    DIR *entries = (DIR *)(uintptr_t)file->fh;
    char *buffer = malloc(size);
    if (buffer == NULL) abort();
    seekdir(entries, offset);
    size_t used = 0;
    for (struct dirent *entry; (errno = 0, entry = readdir(entries)) != NULL;) {
        struct stat about = {.st_ino = entry->d_ino, .st_mode = (mode_t)entry->d_type << 12};
        size_t needed = fuse_add_direntry(request, buffer + used, size - used, entry->d_name, &about, telldir(entries));
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
    (void)inode;
    struct statvfs found;
    if (fstatvfs(folder, &found) == -1) fuse_reply_err(request, errno);
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

static bool is_about_metadata(const struct fuse_in_header *request) {
    switch (request->opcode) {
    case FUSE_LOOKUP: case FUSE_GETATTR: case FUSE_SETATTR: case FUSE_READLINK: case FUSE_SYMLINK: case FUSE_MKNOD:
    case FUSE_MKDIR: case FUSE_UNLINK: case FUSE_RMDIR: case FUSE_RENAME: case FUSE_RENAME2: case FUSE_LINK:
    case FUSE_CREATE: case FUSE_OPEN: case FUSE_FSYNC: case FUSE_OPENDIR: case FUSE_READDIR: case FUSE_STATFS:
        return true;
    default:
        return false;
    }
}

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void let_wait(const struct fuse_buf *buffer) {
    struct waiting *waiting = malloc(sizeof *waiting + buffer->size);
    if (waiting == NULL) abort();
    *waiting = (struct waiting){.due = now_ns() + delay_ns, .size = buffer->size};
    memcpy(waiting->request, buffer->mem, buffer->size);
    *after_last = waiting;
    after_last = &waiting->next;
}

static void answer_until(int64_t now) {
    while (first_waiting != NULL && first_waiting->due <= now) {
        struct waiting *waiting = first_waiting;
        first_waiting = waiting->next;
        if (first_waiting == NULL) after_last = &first_waiting;
        struct fuse_buf buffer = {.size = waiting->size, .mem = waiting->request};
        fuse_session_process_buf(session, &buffer);
        free(waiting);
    }
}

// Takes one request of the kernel's. False when there will be no more.
static bool take_request(struct fuse_buf *buffer) {
    int result = fuse_session_receive_buf(session, buffer);
    if (result == -EINTR || result == -EAGAIN) return true;
    if (result <= 0) return false;
    if (delay_ns > 0 && is_about_metadata(buffer->mem)) let_wait(buffer);
    else fuse_session_process_buf(session, buffer);
    return true;
}

// Lines come one at a time: whoever writes one waits for its answer.
static bool take_line(void) {
    char line[64], word[32];
    double value;
    ssize_t length = read(STDIN_FILENO, line, sizeof line - 1);
    if (length <= 0) return false;
    line[length] = '\0';
    if (sscanf(line, "%31s %lf", word, &value) != 2) return false;
    if (strcmp(word, "delay") == 0) delay_ns = (int64_t)(value * 1e9);
    else read_only = value != 0;
    puts("done");
    fflush(stdout);
    return true;
}

static void serve(void) {
    struct fuse_buf buffer = {0};
    struct pollfd asked[] = {{.fd = fuse_session_fd(session), .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
    fcntl(asked[0].fd, F_SETFL, O_NONBLOCK);
    for (bool goes_on = true; goes_on;) {
        int64_t left = first_waiting == NULL ? 0 : first_waiting->due - now_ns();
        struct timespec wait = {0};
        if (left > 0) wait = (struct timespec){left / 1000000000, left % 1000000000};
        if (ppoll(asked, 2, first_waiting == NULL ? NULL : &wait, NULL) == -1 && errno != EINTR) break;
        if (asked[0].revents != 0) goes_on = take_request(&buffer);
        if (asked[1].revents != 0) goes_on = take_line() && goes_on;
        answer_until(now_ns());
    }
    answer_until(INT64_MAX);
    free(buffer.mem);
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: %s MOUNTPOINT NEGATIVE_SECONDS PID\n", argv[0]);
        return 2;
    }
    negative_seconds = atof(argv[2]);
    // Two milliseconds are two milliseconds, however busy this machine is: storage is a machine of its own.
    prctl(PR_SET_TIMERSLACK, 1UL);
    struct sched_param first = {.sched_priority = 1};
    if (sched_setscheduler(0, SCHED_FIFO, &first) == -1) setpriority(PRIO_PROCESS, 0, -20);
    umask(0);
    char mounts[64];
    snprintf(mounts, sizeof mounts, "/proc/%s/ns/mnt", argv[3]);
    int space = open(mounts, O_RDONLY | O_CLOEXEC);
    if (space == -1 || setns(space, CLONE_NEWNS) == -1) {
        perror(mounts);
        return 1;
    }
    // What lies under the mount is reached through the folder that was opened before.
    folder = open(argv[1], O_PATH);
    if (folder == -1) {
        perror(argv[1]);
        return 1;
    }
    char *options[] = {argv[0], "-oallow_other,fsname=strange-storage", NULL};
    struct fuse_args arguments = FUSE_ARGS_INIT(2, options);
    session = fuse_session_new(&arguments, &operations, sizeof operations, NULL);
    if (session == NULL || fuse_session_mount(session, argv[1]) != 0) return 1;
    serve();
    fuse_session_unmount(session);
    fuse_session_destroy(session);
    return 0;
}
