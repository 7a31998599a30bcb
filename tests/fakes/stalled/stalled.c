/* A filesystem that stops to answer, for a process that preloads this library: while the file $STALLED_WHILE exists, calls on what is below
 * $STALLED_FOLDER do not return. No signal ends them, as with a network filesystem without its server. With $STALLED_CALLS only the calls
 * do so that it names. It needs no root, no kernel module and no FUSE. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void stall(const char *call, const char *path) {
    const char *folder = getenv("STALLED_FOLDER"), *marker = getenv("STALLED_WHILE"), *calls = getenv("STALLED_CALLS");
    if (!folder || !marker || !path || strncmp(path, folder, strlen(folder)))
        return;
    if (calls && !strstr(calls, call))
        return;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    while (syscall(SYS_access, marker, F_OK) == 0)
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void stall_fd(const char *call, int fd) {
    char name[64], path[PATH_MAX];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t length = syscall(SYS_readlink, name, path, sizeof path - 1);
    if (length > 0) {
        path[length] = 0;
        stall(call, path);
    }
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) \
        *(void **)&real = dlsym(RTLD_NEXT, #name)

#define ON_PATH(name, call, before, declared, given) \
    int name declared { REAL(int, name, before); stall(call, path); return real given; }
#define ON_FD(type, name, call, before, declared, given) \
    type name declared { REAL(type, name, before); stall_fd(call, fd); return real given; }
#define COMMA ,

ON_PATH(stat, "stat", const char * COMMA struct stat *, (const char *path, struct stat *s), (path, s))
ON_PATH(stat64, "stat", const char * COMMA struct stat64 *, (const char *path, struct stat64 *s), (path, s))
ON_PATH(lstat, "stat", const char * COMMA struct stat *, (const char *path, struct stat *s), (path, s))
ON_PATH(lstat64, "stat", const char * COMMA struct stat64 *, (const char *path, struct stat64 *s), (path, s))
ON_PATH(access, "access", const char * COMMA int, (const char *path, int mode), (path, mode))
ON_PATH(mkdir, "mkdir", const char * COMMA mode_t, (const char *path, mode_t mode), (path, mode))
ON_PATH(unlink, "unlink", const char *, (const char *path), (path))
ON_FD(int, fsync, "fsync", int, (int fd), (fd))
ON_FD(int, fdatasync, "fsync", int, (int fd), (fd))
ON_FD(int, ftruncate64, "ftruncate", int COMMA off64_t, (int fd, off64_t size), (fd, size))
ON_FD(int, ftruncate, "ftruncate", int COMMA off_t, (int fd, off_t size), (fd, size))
ON_FD(ssize_t, write, "write", int COMMA const void * COMMA size_t, (int fd, const void *b, size_t n), (fd, b, n))
ON_FD(ssize_t, pwrite64, "write", int COMMA const void * COMMA size_t COMMA off64_t, (int fd, const void *b, size_t n, off64_t at), (fd, b, n, at))
ON_FD(ssize_t, pwrite, "write", int COMMA const void * COMMA size_t COMMA off_t, (int fd, const void *b, size_t n, off_t at), (fd, b, n, at))
ON_FD(ssize_t, pread64, "read", int COMMA void * COMMA size_t COMMA off64_t, (int fd, void *b, size_t n, off64_t at), (fd, b, n, at))
ON_FD(ssize_t, pread, "read", int COMMA void * COMMA size_t COMMA off_t, (int fd, void *b, size_t n, off_t at), (fd, b, n, at))

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, name, const char *, int, ...); \
        va_list more; \
        va_start(more, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
        va_end(more); \
        stall("open", path); \
        return real(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)
