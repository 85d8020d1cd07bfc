// Slow flush: preloaded into a program, it makes each flush to the disk last SLOW_FLUSH_NANOS nanoseconds longer.

#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct timespec delay;

__attribute__((constructor)) static void read_delay(void) {
    const char *text = getenv("SLOW_FLUSH_NANOS");
    long long nanos = text ? atoll(text) : 0;
    delay.tv_sec = nanos / 1000000000;
    delay.tv_nsec = nanos % 1000000000;
}

static int slow(long flush, int file) {
    if (syscall(flush, file) != 0) {
        return -1;
    }
    nanosleep(&delay, NULL);
    return 0;
}

int fsync(int file) { return slow(SYS_fsync, file); }

int fdatasync(int file) { return slow(SYS_fdatasync, file); }
