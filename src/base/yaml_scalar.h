// What a plain YAML scalar means: go-yaml v2's resolver. Inner header of yaml.h.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace lateen {

enum class YamlKind { Text, Bool, Int, Float, Null, Timestamp };

struct YamlScalar {
  YamlKind kind;
  Json value;  // of Bool, Int, Float, Null; for the others the text itself is the value
};

// The meaning of an untagged plain scalar: `yes` is a Bool, 0644 is 420, 2026-01-02 a Timestamp.
YamlScalar resolve_yaml_scalar(std::string_view text);

// Whether the text reads as a date or time (and must be quoted to stay a text).
bool is_yaml_timestamp(std::string_view text);

// 12:30:45, a number of YAML 1.1 that other parsers still read as one (and must be quoted).
bool is_base60_number(std::string_view text);

// As Go's strconv 'g' with the shortest digits: 1e+06 from a million on, 0.0001 down to 1e-05.
std::string format_yaml_double(double value);
std::string format_yaml_float(float value);

}  // namespace lateen
