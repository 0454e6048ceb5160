/* Makes calls on files below a prefix fail, as a page of memory shared with the campaign says (LD_PRELOAD). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 1, SYNC = 2, CREATE = 4 };

struct control {
    volatile int32_t error; /* errno to answer; 0 for none */
    volatile int32_t calls; /* which: WRITE, SYNC, CREATE */
    volatile int64_t after; /* so many of them still succeed */
    volatile int64_t hits;
    char prefix[256];
};

static struct control *control(void) {
    static struct control *page;
    if (!page) {
        const char *path = getenv("SIGHTLINE_FAULTS");
        if (!path) return NULL;
        int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open64");
        int handle = real(path, O_RDWR);
        if (handle < 0) return NULL;
        void *mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, handle, 0);
        close(handle);
        if (mapped == MAP_FAILED) return NULL;
        page = mapped;
    }
    return page;
}

static int path_fails(int call, const char *path) {
    struct control *now = control();
    if (!now || !now->error || !(now->calls & call) || strncmp(path, now->prefix, strlen(now->prefix))) return 0;
    if (__sync_fetch_and_sub(&now->after, 1) > 0) return 0;
    __sync_fetch_and_add(&now->hits, 1);
    errno = now->error;
    return 1;
}

static int file_fails(int call, int file) {
    struct control *now = control();
    if (!now || !now->error || !(now->calls & call)) return 0;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return 0;
    path[size] = 0;
    return path_fails(call, path);
}

#define REAL(name) static __typeof__(name) *real; if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

ssize_t write(int f, const void *b, size_t n) { REAL(write); return file_fails(WRITE, f) ? -1 : real(f, b, n); }
ssize_t writev(int f, const struct iovec *v, int n) { REAL(writev); return file_fails(WRITE, f) ? -1 : real(f, v, n); }
ssize_t pwrite(int f, const void *b, size_t n, off_t o) { REAL(pwrite); return file_fails(WRITE, f) ? -1 : real(f, b, n, o); }
ssize_t pwrite64(int f, const void *b, size_t n, off64_t o) { REAL(pwrite64); return file_fails(WRITE, f) ? -1 : real(f, b, n, o); }
int fsync(int f) { REAL(fsync); return file_fails(SYNC, f) ? -1 : real(f); }
int fdatasync(int f) { REAL(fdatasync); return file_fails(SYNC, f) ? -1 : real(f); }
int ftruncate(int f, off_t n) { REAL(ftruncate); return file_fails(WRITE, f) ? -1 : real(f, n); }
int ftruncate64(int f, off64_t n) { REAL(ftruncate64); return file_fails(WRITE, f) ? -1 : real(f, n); }
int rename(const char *a, const char *b) { REAL(rename); return path_fails(CREATE, b) ? -1 : real(a, b); }
int renameat(int x, const char *a, int y, const char *b) { REAL(renameat); return path_fails(CREATE, b) ? -1 : real(x, a, y, b); }
int renameat2(int x, const char *a, int y, const char *b, unsigned f) { REAL(renameat2); return path_fails(CREATE, b) ? -1 : real(x, a, y, b, f); }
int link(const char *a, const char *b) { REAL(link); return path_fails(CREATE, b) ? -1 : real(a, b); }
int unlink(const char *a) { REAL(unlink); return path_fails(CREATE, a) ? -1 : real(a); }
int mkdir(const char *a, mode_t m) { REAL(mkdir); return path_fails(CREATE, a) ? -1 : real(a, m); }

#define OPENS (O_WRONLY | O_RDWR | O_CREAT)
#define OPEN(name)                                                                                      \
    int name(const char *path, int flags, ...) {                                                        \
        static int (*real)(const char *, int, ...);                                                     \
        if (!real) real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name);                      \
        mode_t mode = 0;                                                                                \
        if (flags & (O_CREAT | __O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); } \
        return (flags & OPENS) && path_fails(CREATE, path) ? -1 : real(path, flags, mode);              \
    }
#define OPENAT(name)                                                                                    \
    int name(int at, const char *path, int flags, ...) {                                                \
        static int (*real)(int, const char *, int, ...);                                                \
        if (!real) real = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, #name);                 \
        mode_t mode = 0;                                                                                \
        if (flags & (O_CREAT | __O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); } \
        return (flags & OPENS) && path_fails(CREATE, path) ? -1 : real(at, path, flags, mode);          \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
