/* Makes every flush of the log 2 ms slower. A local disk flushes in a few dozen microseconds; the
 * storage of a cloud database needs 1 to 5 ms, and what a hot row can do depends on it. Given to the
 * server by LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>

int fdatasync(int fd) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    int result = real(fd);
    usleep(2000);
    return result;
}
