// The door to YAML, as kubectl and Velero understand it: sigs.k8s.io/yaml, which is go-yaml v2's
// rules (YAML 1.1: `y`, `on` and `no` are booleans, 0644 is 420) turned into JSON, and back.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/json.h"
#include "base/result.h"

namespace lateen {

// The first document as JSON; an empty text is null. Keys become text (1: → "1"); of duplicate keys
// the last one counts; aliases and merges (<<) are resolved, within bounds. InvalidArgument says at
// which line it broke.
Result<Json> parse_yaml(BytesView text);

// All documents of a stream, split at lines that start with --- as kubectl does; empty ones are
// left out. A document that starts with { is JSON.
Result<std::vector<Json>> parse_yaml_documents(BytesView text);

// What sigs.k8s.io/yaml's Marshal prints: keys in go-yaml's order, block style, text quoted only
// where it must be. Ends with a newline.
std::string write_yaml(const Json& value);

}  // namespace lateen
