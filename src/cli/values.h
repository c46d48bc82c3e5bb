// The values that flags take, as structs. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/label_selector.h"
#include "model/object_meta.h"

namespace lateen::cli {

// k=v,k2=v2 with CSV quoting: "k1=a=b,c=d",k2=v. The separator is the first one in a pair.
Result<model::StringMap> parse_map(std::string_view text, char separator);

// "app=web or app in (payments)"; empty: none.
Result<std::vector<model::LabelSelector>> parse_or_selector(std::string_view text);

// "pods=ns1/p1,ns1/p2;persistentvolumes=pv1".
Result<model::StringMap> parse_ordered_resources(std::string_view text);

}  // namespace lateen::cli
