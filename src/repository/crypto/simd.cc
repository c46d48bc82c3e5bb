#include "repository/crypto/simd.h"

#if LATEEN_X86
#include <cpuid.h>
#endif

namespace lateen::repository {

namespace {

CpuFeatures detect() {
  CpuFeatures features;
#if LATEEN_X86
  __builtin_cpu_init();
  features.avx2 = __builtin_cpu_supports("avx2") != 0;
  features.avx512 =
      __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
      __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512dq") != 0;
  features.avx512_vbmi = features.avx512 && __builtin_cpu_supports("avx512vbmi") != 0;
  unsigned int eax = 0;
  unsigned int ebx = 0;
  unsigned int ecx = 0;
  unsigned int edx = 0;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0) {
    features.avx512_gfni = features.avx512_vbmi && (ecx & (1U << 8)) != 0;
    features.sha_ni = (ebx & (1U << 29)) != 0 && __builtin_cpu_supports("sse4.1") != 0;
  }
#endif
  return features;
}

}  // namespace

const CpuFeatures& cpu_features() {
  static const CpuFeatures kFeatures = detect();
  return kFeatures;
}

}  // namespace lateen::repository
