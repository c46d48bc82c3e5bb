// The door to the intrinsics: g++ 12 calls its own _mm512_undefined_epi32() uninitialised
// (PR105593) wherever it is inlined, so files that include this are not warned of that.
#pragma once

#include "repository/crypto/simd.h"

#if LATEEN_X86
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>
#endif
