// What this process uses, read from /proc: the figures that Prometheus' clients in other languages
// give of theirs, by the same names.
#pragma once

#include <string>

namespace lateen::server {

// In Prometheus' text form. What can't be read is left out.
std::string process_metrics_text();

}  // namespace lateen::server
