/* Opens sockets in ways that a filter may overlook; prints what each was answered (an errno, or 0). */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define UPPER (1L << 32)

static void say(const char *name, long result, int code) {
    printf("%s %d\n", name, result < 0 ? code : 0);
}

static void opened(const char *name, long family, long type) {
    long result = syscall(SYS_socket, family, type, 0L);
    say(name, result, errno);
}

static void paired(const char *name, long family) {
    int two[2];
    long result = syscall(SYS_socketpair, family, 1L, 0L, two);
    say(name, result, errno);
}

#ifdef __x86_64__
static long old_call(long number, long first, long second, long third) {
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(first), "c"(second), "d"(third)
                     : "memory", "r8", "r9", "r10", "r11");
    return result;
}

static void of_32_bits(const char *name, int family) {
    unsigned *low = mmap(0, 4096, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    char label[64];
    low[0] = family, low[1] = family == 38 ? 5 : 1, low[2] = 0;
    long result = old_call(102, 1, (long)low, 0);
    snprintf(label, sizeof label, "socketcall %s", name);
    say(label, result, (int)-result);
    result = old_call(359, family, low[1], 0);
    snprintf(label, sizeof label, "old socket %s", name);
    say(label, result, (int)-result);
}
#endif

int main(void) {
    opened("inet", 2, 1);
    opened("inet upper", UPPER | 2, 1);
    opened("unix", 1, 1);
    opened("netlink", 16, 3);
    opened("kcm", 41, 5);
    opened("unknown", 63, 1);
    paired("pair unix", 1);
    opened("alg", 38, 5);
    opened("alg upper", UPPER | 38, 5);
    opened("alg negative", -1L << 32 | 38, 5);
    opened("vsock", 40, 1);
    opened("vsock upper", UPPER | 40, 1);
    opened("vsock highest", 1L << 63 | 40, 1);
    paired("pair vsock", 40);
    paired("pair vsock upper", UPPER | 40);
#ifdef __x86_64__
    of_32_bits("inet", 2);
    of_32_bits("alg", 38);
    of_32_bits("vsock", 40);
#endif
    return 0;
}
