// Which instructions this machine has. Code for more than x86-64's base is compiled function by
// function, and chosen when the program runs.
#pragma once

#if defined(__x86_64__)
#define LATEEN_X86 1
#define LATEEN_AVX2 __attribute__((target("avx2")))
#define LATEEN_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))
#define LATEEN_AVX512_VBMI __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")))
#define LATEEN_AVX512_GFNI \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,gfni")))
#define LATEEN_SHA_NI __attribute__((target("sha,sse4.1,ssse3")))
#else
#define LATEEN_X86 0
#endif

namespace lateen::repository {

struct CpuFeatures {
  bool avx2 = false;
  bool avx512 = false;       // F, BW, VL, DQ
  bool avx512_vbmi = false;  // and VBMI
  bool avx512_gfni = false;  // and VBMI and GFNI
  bool sha_ni = false;
};

const CpuFeatures& cpu_features();

}  // namespace lateen::repository
