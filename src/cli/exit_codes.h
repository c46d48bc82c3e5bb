// What a command's exit code says. Under Velero's name, or with LATEEN_COMPAT=velero, only 0 and 1
// are used, as there.
#pragma once

namespace lateen::cli::exit_code {

inline constexpr int kDone = 0;
inline constexpr int kError = 1;
inline constexpr int kFailed = 2;           // --wait: Failed or FailedValidation
inline constexpr int kPartiallyFailed = 3;  // --wait
inline constexpr int kTimedOut = 5;         // --wait --timeout
inline constexpr int kNotFound = 10;        // what was named is not in the cluster
inline constexpr int kInterrupted = 130;

}  // namespace lateen::cli::exit_code
