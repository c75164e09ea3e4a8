/* Makes every flush of the log 2 ms slower. A local disk flushes in a few dozen microseconds, the
 * storage of a cloud database in 1 to 5 ms, and the speed of a hot row depends on it. LD_PRELOAD
 * loads this into the server. */
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
