"""The default seccomp profile: an allow-list, everything else fails with EPERM.

It allows what Docker's current profile allows. Left out, besides what changes the host, are calls
whose kernel code is a frequent way out of containers: ``io_uring_*``, ``userfaultfd``, ``keyctl``
and new namespaces. A capability that the user grants brings the calls that it is for.

Sockets of AF_ALG and AF_VSOCK are refused. ``socketcall``, which 32-bit programs of x86 open their
sockets with, passes its arguments through memory that a filter can't read, and any program of an
x86-64 can call it. So it looks unimplemented, unless a container is said to be for 32 bits.
"""

from __future__ import annotations

from collections.abc import Sequence

from dockyard.security.profile import (
    Action,
    Argument,
    Condition,
    Operator,
    Profile,
    Rule,
    SubArchitectures,
)

_EPERM = 1
_ENOSYS = 38
_BEYOND_FAMILIES = 0xFFFFFFC0
_FAMILIES = (
    (0x20, 0x00),  # 0 to 31
    (0x3C, 0x20),  # 32 to 35
    (0x3E, 0x24),  # 36 and 37
    (0x3F, 0x27),  # 39
    (0x3F, 0x29),  # 41
    (0x3E, 0x2A),  # 42 and 43
    (0x3C, 0x2C),  # 44 to 47
    (0x30, 0x30),  # 48 to 63
)
"""Families of sockets by mask and value: all of six bits but AF_ALG (38) and AF_VSOCK (40)."""
_NATIVE_SOCKETCALL = ("x86", "s390", "s390x")
_NAMESPACE_FLAGS = 0x7E020000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET."""

_PERSONALITIES = (0x0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)
"""PER_LINUX, PER_LINUX32, both with UNAME26, and the query; none of them weakens ASLR."""

_FILES = """
access cachestat chdir chmod close close_range copy_file_range creat dup dup2 dup3 faccessat
faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fcntl
fcntl64 fdatasync flock fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64
futimesat getcwd getdents getdents64 inotify_add_watch inotify_init inotify_init1 inotify_rm_watch
ioctl link linkat listmount _llseek lseek lstat lstat64 mkdir mkdirat mknod mknodat
name_to_handle_at newfstatat open openat openat2 read readahead readlink readlinkat rename renameat
renameat2 rmdir stat stat64 statfs statfs64 statmount statx symlink symlinkat sync
sync_file_range syncfs truncate truncate64 umask unlink unlinkat utime utimensat
utimensat_time64 utimes write
"""
_OWNERS_AND_ATTRIBUTES = """
chown chown32 fchown fchown32 fchownat lchown lchown32 fgetxattr flistxattr fremovexattr fsetxattr
getxattr getxattrat lgetxattr listxattr listxattrat llistxattr lremovexattr lsetxattr removexattr
removexattrat setxattr setxattrat
"""
_INPUT_AND_OUTPUT = """
epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait
epoll_wait_old eventfd eventfd2 io_cancel io_destroy io_getevents io_pgetevents
io_pgetevents_time64 ioprio_get ioprio_set io_setup io_submit _newselect pipe pipe2 poll ppoll
ppoll_time64 pread64 preadv preadv2 pselect6 pselect6_time64 pwrite64 pwritev pwritev2 readv select
sendfile sendfile64 splice tee vmsplice writev
"""
_SOCKETS = """
accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg
recvmmsg_time64 recvmsg send sendmmsg sendmsg sendto setsockopt shutdown
"""
_MEMORY = """
brk madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2 mlockall
mmap mmap2 mprotect mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free
pkey_mprotect process_mrelease remap_file_pages
"""
_INTERPROCESS = """
futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake get_robust_list ipc
mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend
mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop semtimedop
semtimedop_time64 set_robust_list shmat shmctl shmdt shmget
"""
_PROCESSES = """
capget capset execve execveat exit exit_group fork getcpu getpgid getpgrp getpid getppid
getpriority getrandom getrlimit getrusage getsid get_thread_area gettid kill landlock_add_rule
landlock_create_ruleset landlock_restrict_self pidfd_open pidfd_send_signal prctl prlimit64
restart_syscall riscv_hwprobe rseq sched_getaffinity sched_getattr sched_getparam
sched_get_priority_max sched_get_priority_min sched_getscheduler sched_rr_get_interval
sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler
sched_yield seccomp setpgid setpriority setrlimit setsid set_thread_area set_tid_address sysinfo
tgkill tkill ugetrlimit uname uretprobe vfork wait4 waitid waitpid
"""
_IDENTITIES = """
getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getresgid getresgid32
getresuid getresuid32 getuid getuid32 setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32
setgroups setgroups32 setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid
setreuid32 setuid setuid32
"""
_SIGNALS = """
pause rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaltstack signalfd signalfd4 sigprocmask
sigreturn
"""
_TIME = """
adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime
clock_gettime64 clock_nanosleep clock_nanosleep_time64 getitimer gettimeofday nanosleep setitimer
time timer_create timer_delete timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime
timerfd_settime64 timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64
times
"""
_ALWAYS = (
    _FILES + _OWNERS_AND_ATTRIBUTES + _INPUT_AND_OUTPUT + _SOCKETS + _MEMORY + _INTERPROCESS
    + _PROCESSES + _IDENTITIES + _SIGNALS + _TIME
)  # fmt: skip

_BY_PROCESSOR = (
    (("ppc64le",), "sync_file_range2 swapcontext"),
    (
        ("arm", "arm64"),
        "arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls",
    ),
    (("amd64", "x32"), "arch_prctl"),
    (("amd64", "x32", "x86"), "modify_ldt"),
    (("s390", "s390x"), "s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr"),
    (("riscv64",), "riscv_flush_icache"),
)

_BY_CAPABILITY = (
    ("CAP_DAC_READ_SEARCH", "open_by_handle_at"),
    (
        "CAP_SYS_ADMIN",
        """
        bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie
        lsm_get_self_attr lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount
        open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog
        umount umount2 unshare
        """,
    ),
    ("CAP_SYS_BOOT", "reboot"),
    ("CAP_SYS_CHROOT", "chroot"),
    ("CAP_SYS_MODULE", "delete_module init_module finit_module"),
    ("CAP_SYS_PACCT", "acct"),
    (
        "CAP_SYS_PTRACE",
        "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace",
    ),
    ("CAP_SYS_RAWIO", "iopl ioperm"),
    ("CAP_SYS_TIME", "settimeofday stime clock_settime clock_settime64"),
    ("CAP_SYS_TTY_CONFIG", "vhangup"),
    ("CAP_SYS_NICE", "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"),
    ("CAP_SYSLOG", "syslog"),
    ("CAP_BPF", "bpf"),
    ("CAP_PERFMON", "perf_event_open"),
)

_SUB_ARCHITECTURES = {
    "SCMP_ARCH_X86_64": ("SCMP_ARCH_X86", "SCMP_ARCH_X32"),
    "SCMP_ARCH_AARCH64": ("SCMP_ARCH_ARM",),
    "SCMP_ARCH_MIPS64": ("SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64N32"),
    "SCMP_ARCH_MIPS64N32": ("SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64"),
    "SCMP_ARCH_MIPSEL64": ("SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64N32"),
    "SCMP_ARCH_MIPSEL64N32": ("SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64"),
    "SCMP_ARCH_S390X": ("SCMP_ARCH_S390",),
    "SCMP_ARCH_RISCV64": (),
    "SCMP_ARCH_LOONGARCH64": (),
}


def _rule(
    names: str,
    args: Sequence[Argument] = (),
    *,
    action: Action = "SCMP_ACT_ALLOW",
    errno: int | None = None,
    includes: Condition | None = None,
    excludes: Condition | None = None,
) -> Rule:
    return Rule(
        names=tuple(names.split()),
        args=tuple(args),
        action=action,
        errno_ret=errno,
        includes=includes,
        excludes=excludes,
    )


def _compare(index: int, op: Operator, value: int, value_two: int = 0) -> tuple[Argument]:
    return (Argument(index=index, value=value, op=op, value_two=value_two),)


def _sockets() -> tuple[Rule, ...]:
    """Every family that there is but two. Rules of one call are alternatives, hence so many.

    The kernel takes the lower half of the argument alone; a program may set the other half, and a
    comparison of the whole would be of another number.
    """
    return tuple(
        _rule(
            "socket socketpair",
            _compare(0, "SCMP_CMP_MASKED_EQ", _BEYOND_FAMILIES | mask, value),
        )
        for mask, value in _FAMILIES
    )


def _socketcall(*, allowed: bool) -> tuple[Rule, ...]:
    if allowed:
        return (_rule("socketcall"),)
    return (
        _rule("socketcall", includes=Condition(arches=_NATIVE_SOCKETCALL)),
        _rule(
            "socketcall",
            action="SCMP_ACT_ERRNO",
            errno=_ENOSYS,
            excludes=Condition(arches=_NATIVE_SOCKETCALL),
        ),
    )


def _clones() -> tuple[Rule, ...]:
    """Processes and threads without new namespaces.

    A filter can't see the flags of ``clone3``, which lie in memory, so it looks unimplemented and
    C libraries fall back to ``clone``. On s390 the flags of ``clone`` are its second argument.
    """
    admin = ("CAP_SYS_ADMIN",)
    s390 = ("s390", "s390x")
    masked: Operator = "SCMP_CMP_MASKED_EQ"
    return (
        _rule(
            "clone",
            _compare(0, masked, _NAMESPACE_FLAGS),
            excludes=Condition(caps=admin, arches=s390),
        ),
        _rule(
            "clone",
            _compare(1, masked, _NAMESPACE_FLAGS),
            includes=Condition(arches=s390),
            excludes=Condition(caps=admin),
        ),
        _rule("clone3", action="SCMP_ACT_ERRNO", errno=_ENOSYS, excludes=Condition(caps=admin)),
    )


def _rules(*, socketcall: bool) -> tuple[Rule, ...]:
    return (
        _rule(_ALWAYS),
        # Before 4.8, tracing was a way around seccomp.
        _rule("process_vm_readv process_vm_writev ptrace", includes=Condition(min_kernel="4.8")),
        *_sockets(),
        *_socketcall(allowed=socketcall),
        *(_rule("personality", _compare(0, "SCMP_CMP_EQ", value)) for value in _PERSONALITIES),
        *(_rule(names, includes=Condition(arches=arches)) for arches, names in _BY_PROCESSOR),
        *(_rule(names, includes=Condition(caps=(cap,))) for cap, names in _BY_CAPABILITY),
        *_clones(),
    )


def profile(*, socketcall: bool) -> Profile:
    """The default profile, with its conditions.

    Args:
        socketcall: allow that call, for programs of 32 bits that have no other.
    """
    return Profile(
        default_action="SCMP_ACT_ERRNO",
        default_errno_ret=_EPERM,
        arch_map=tuple(SubArchitectures(*entry) for entry in _SUB_ARCHITECTURES.items()),
        syscalls=_rules(socketcall=socketcall),
    )
