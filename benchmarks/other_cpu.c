/* Lets a process believe to run on a processor without AVX-512: Haswell, or AMD's Zen 2 or Zen 3.
 *
 * Preloaded by benchmarks/portable_bits.py --as. The kernel lets the instruction CPUID fault (arch_prctl
 * ARCH_CPUID_SET; Intel processors and some virtual machines only), and the handler answers with changed features,
 * vendor, family and cache sizes. Libraries choose their kernels by these answers; what they then compute is real.
 * glibc asks before this is loaded, so it is told by GLIBC_TUNABLES.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#define ARCH_CPUID_SET 0x1012
enum { HASWELL, ZEN2, ZEN3 };
static int as;

static long allow_cpuid(long allowed) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(158), "D"(ARCH_CPUID_SET), "S"(allowed) : "rcx", "r11", "memory");
    return result;
}

/* One level of the caches: 32 KiB twice, the second level, and the third, which eight threads share. */
static void cache(uint32_t level, uint32_t *out, uint32_t second, uint32_t third) {
    const uint32_t type[] = {1, 2, 3, 3}, depth[] = {1, 1, 2, 3}, kib[] = {32, 32, second, third};
    memset(out, 0, 16);
    if (level > 3) return;
    uint32_t ways = level == 3 ? 16 : 8;
    out[0] = type[level] | depth[level] << 5 | 1 << 8 | (level == 3 ? 7u : 0u) << 14;
    out[1] = 63 | (ways - 1) << 22;
    out[2] = kib[level] * 1024 / 64 / ways - 1;
}

static void answer(uint32_t leaf, uint32_t part, uint32_t *out) {
    if (leaf == 7 && part == 0) { /* AVX-512, AMX, GFNI */
        out[0] = 0;
        out[1] &= ~(1u << 16 | 1u << 17 | 1u << 21 | 1u << 26 | 1u << 27 | 1u << 28 | 1u << 30 | 1u << 31);
        out[2] &= ~(1u << 1 | 1u << 6 | 1u << 8 | 1u << 11 | 1u << 12 | 1u << 14);
        out[3] &= ~(1u << 2 | 1u << 3 | 1u << 4 | 1u << 8 | 1u << 22 | 1u << 23 | 1u << 24 | 1u << 25);
    }
    if ((leaf == 7 && part == 1) || leaf == 0x1d || leaf == 0x1e || leaf == 0x24) memset(out, 0, 16);
    if (as == HASWELL) {
        if (leaf == 1) out[0] = 0x000306f2;
        if (leaf == 4) cache(part, out, 256, 30720);
        return;
    }
    if (leaf == 0 || leaf == 0x80000000) {
        out[0] = leaf ? 0x8000001f : 0x10;
        memcpy(&out[1], "Auth", 4), memcpy(&out[3], "enti", 4), memcpy(&out[2], "cAMD", 4);
    }
    if (leaf == 1 || leaf == 0x80000001) out[0] = as == ZEN2 ? 0x00830f10 : 0x00a20f10;
    if (leaf == 2 || leaf == 4 || leaf == 0x15 || leaf == 0x16 || leaf == 0x8000001e) memset(out, 0, 16);
    if (leaf == 0x80000001) out[2] |= 1u << 22; /* topology, and with it 0x8000001d */
    if (leaf == 0x80000005) out[0] = out[1] = 0xff40ff40, out[2] = out[3] = 0x20080140;
    if (leaf == 0x80000006) out[2] = 0x02006140, out[3] = 0x01009140;
    if (leaf == 0x8000001d) cache(part, out, 512, 32768);
}

static void on_fault(int number, siginfo_t *info, void *context) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    const unsigned char *code = (const unsigned char *)registers[REG_RIP];
    uint32_t leaf = registers[REG_RAX], part = registers[REG_RCX], out[4];
    if (code[0] != 0x0f || code[1] != 0xa2) { /* a fault of another kind: come again, and end */
        signal(SIGSEGV, SIG_DFL);
        return;
    }
    allow_cpuid(1);
    __asm__ volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3]) : "a"(leaf), "c"(part));
    answer(leaf, part, out);
    allow_cpuid(0);
    registers[REG_RAX] = out[0], registers[REG_RBX] = out[1], registers[REG_RCX] = out[2], registers[REG_RDX] = out[3];
    registers[REG_RIP] += 2;
}

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("OTHER_CPU");
    if (!name) return;
    as = !strcmp(name, "zen3") ? ZEN3 : !strcmp(name, "zen2") ? ZEN2 : HASWELL;
    struct sigaction action = {0};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
    sigaction(SIGSEGV, &action, NULL);
    if (allow_cpuid(0) != 0) {
        fprintf(stderr, "CPUID cannot be made to fault here\n");
        _exit(3);
    }
}
