#include "textflag.h"

// The code that a patched vDSO page runs instead of the kernel's functions. It is copied out of this binary, byte for byte, so it
// must not refer to any address: the page's own data (vdso_linux_amd64.go) stands where the marked constant is replaced. The callers
// follow the C calling convention of System V: only AX, CX, DX, SI, DI and R8 to R11 may change, and the 128 bytes below SP are ours.
//
// A clock is asked for by the real system call and the result is bent then:
//     fake = real + offset + ((real-anchor)*rate)>>32

#define DATA_ADDRESS $0x5269766e44617461
#define MONO_DATA 96 // from the wall clock's data to the monotonic clock's
#define END BYTE $0x0f; BYTE $0x0b; BYTE $0x52; BYTE $0x69; BYTE $0x76; BYTE $0x6e // UD2, "Rivn"

// SKEW takes seconds in AX and nanoseconds in CX, the clock's data in R8 and its generation in R9, and returns the skewed ones in AX
// and DX. The generation was read before the clock was, and is read again after the numbers, which are replaced by writing the other
// slot first. Where it has changed they may be of two minds, or the reading older than the numbers: both are made again.
#define SKEW(again) \
	IMULQ $1000000000, AX; \
	ADDQ CX, AX; \
	MOVQ AX, R11; \
	MOVL R9, R10; \
	ANDL $1, R10; \
	SHLQ $5, R10; \
	LEAQ 32(R8)(R10*1), R10; \
	SUBQ 8(R10), AX; \
	IMULQ 16(R10); \
	SHRQ $32, DX, AX; \
	ADDQ R11, AX; \
	ADDQ 0(R10), AX; \
	MOVBLZX 0(R8), R10; \
	CMPL R10, R9; \
	JNE again; \
	XORL DX, DX; \
	MOVL $1000000000, CX; \
	DIVQ CX

// int clock_gettime(clockid_t DI, struct timespec *SI)
// Skewed are as the wall clock CLOCK_REALTIME (0), _REALTIME_COARSE (5), _REALTIME_ALARM (8) and CLOCK_TAI (11), and as the monotonic
// clock CLOCK_MONOTONIC (1) and _MONOTONIC_COARSE (6). _MONOTONIC_RAW and CLOCK_BOOTTIME count from elsewhere and stay true.
TEXT clockGettime<>(SB), NOSPLIT|NOFRAME, $0-0
	CMPL DI, $11
	JHI plain
	MOVQ DATA_ADDRESS, R8
	MOVL $0x921, CX
	BTL DI, CX
	JCS again
	ADDQ $MONO_DATA, R8
	MOVL $0x042, CX
	BTL DI, CX
	JCC plain
again:
	MOVBLZX 0(R8), R9
	MOVL $228, AX
	SYSCALL
	TESTQ AX, AX
	JNE done
	MOVQ 0(SI), AX
	MOVQ 8(SI), CX
	SKEW(again)
	MOVQ AX, 0(SI)
	MOVQ DX, 8(SI)
	XORL AX, AX
done:
	RET
plain:
	MOVL $228, AX
	SYSCALL
	RET
	END

// int gettimeofday(struct timeval *DI, struct timezone *SI)
TEXT gettimeofday<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ DATA_ADDRESS, R8
again:
	MOVBLZX 0(R8), R9
	MOVL $96, AX
	SYSCALL
	TESTQ AX, AX
	JNE done
	TESTQ DI, DI
	JEQ done
	MOVQ 0(DI), AX
	IMUL3Q $1000, 8(DI), CX
	SKEW(again)
	MOVQ AX, 0(DI)
	MOVQ DX, AX
	XORL DX, DX
	MOVL $1000, CX
	DIVQ CX
	MOVQ AX, 8(DI)
	XORL AX, AX
done:
	RET
	END

// time_t time(time_t *DI)
TEXT unixTime<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ DI, -24(SP)
	XORL DI, DI
	LEAQ -16(SP), SI
	MOVQ DATA_ADDRESS, R8
again:
	MOVBLZX 0(R8), R9
	MOVL $228, AX
	SYSCALL
	MOVQ 0(SI), AX
	MOVQ 8(SI), CX
	SKEW(again)
	MOVQ -24(SP), DI
	TESTQ DI, DI
	JEQ done
	MOVQ AX, 0(DI)
done:
	RET
	END

// Where the three stand in this binary.
DATA ·vdsoCode+0(SB)/8, $clockGettime<>(SB)
DATA ·vdsoCode+8(SB)/8, $gettimeofday<>(SB)
DATA ·vdsoCode+16(SB)/8, $unixTime<>(SB)
GLOBL ·vdsoCode(SB), RODATA, $24
