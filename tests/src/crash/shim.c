/* Makes chosen writes and syncs of one process fail, and writes down how much of each file was synced.
 *
 * Loaded into ledger-node with LD_PRELOAD by the crash tests; needs no privilege. Environment:
 *   LEDGER_FAULT_LOG      file that gets a line per sync ("sync <inode> <bytes>") and one for the first fault ("fault")
 *   LEDGER_FAULT_CALL     "sync" or "write"; without it nothing fails
 *   LEDGER_FAULT_PATH     pattern (fnmatch) of the paths that fail
 *   LEDGER_FAULT_ERRNO    what they fail with
 *   LEDGER_FAULT_SKIP     matching calls that succeed first
 *   LEDGER_FAULT_ONCE     "1": one call fails; else all from then on, the first write by half, as on a disk that is full
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

typedef ssize_t (*write_fn)(int, const void *, size_t);
typedef ssize_t (*pwrite_fn)(int, const void *, size_t, off_t);
typedef ssize_t (*writev_fn)(int, const struct iovec *, int);
typedef int (*sync_fn)(int);

static atomic_long seen;

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

static void note(const char *line, size_t length) {
    const char *path = getenv("LEDGER_FAULT_LOG");
    if (path == NULL) return;
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return;
    ssize_t written = ((write_fn)real("write"))(fd, line, length);
    (void)written;
    close(fd);
}

/* How many matching calls came before this one since faults began; -1 if it is to succeed. */
static long fault(const char *call, int fd) {
    const char *wanted = getenv("LEDGER_FAULT_CALL");
    const char *pattern = getenv("LEDGER_FAULT_PATH");
    if (wanted == NULL || pattern == NULL || strcmp(wanted, call) != 0) return -1;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return -1;
    path[length] = 0;
    if (fnmatch(pattern, path, 0) != 0) return -1;
    const char *skip = getenv("LEDGER_FAULT_SKIP");
    long since = atomic_fetch_add(&seen, 1) - (skip ? atol(skip) : 0);
    const char *once = getenv("LEDGER_FAULT_ONCE");
    if (since < 0 || (since > 0 && once != NULL && once[0] == '1')) return -1;
    if (since == 0) note("fault\n", 6);
    return since;
}

static int fail(void) {
    const char *number = getenv("LEDGER_FAULT_ERRNO");
    errno = number ? atoi(number) : EIO;
    return -1;
}

static int is_once(void) {
    const char *once = getenv("LEDGER_FAULT_ONCE");
    return once != NULL && once[0] == '1';
}

ssize_t write(int fd, const void *bytes, size_t count) {
    long since = fault("write", fd);
    if (since < 0) return ((write_fn)real("write"))(fd, bytes, count);
    if (since == 0 && !is_once() && count > 1) return ((write_fn)real("write"))(fd, bytes, count / 2);
    return fail();
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
    if (fault("write", fd) < 0) return ((pwrite_fn)real("pwrite"))(fd, bytes, count, offset);
    return fail();
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t offset) {
    if (fault("write", fd) < 0) return ((pwrite_fn)real("pwrite64"))(fd, bytes, count, offset);
    return fail();
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (fault("write", fd) < 0) return ((writev_fn)real("writev"))(fd, parts, count);
    return fail();
}

static int synced(const char *name, int fd) {
    if (fault("sync", fd) >= 0) return fail();
    /* What is written while the sync runs may or may not be synced: it does not count. */
    struct stat status;
    int known = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    int result = ((sync_fn)real(name))(fd);
    if (result == 0 && known) {
        char line[96];
        int length = snprintf(line, sizeof line, "sync %llu %llu\n", (unsigned long long)status.st_ino,
                              (unsigned long long)status.st_size);
        int kept = errno;
        note(line, (size_t)length);
        errno = kept;
    }
    return result;
}

int fsync(int fd) { return synced("fsync", fd); }

int fdatasync(int fd) { return synced("fdatasync", fd); }
