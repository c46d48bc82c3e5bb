// Label and field selectors: what is printed of one that parses, parses to the same.
#include <algorithm>

#include "base/json.h"
#include "fuzzer.h"
#include "kube/names.h"
#include "kube/selector.h"

namespace lateen {
namespace {

void check_labels(BytesView text) {
  const auto selector = kube::LabelSelector::parse(text);
  if (!selector) return;
  const auto again = kube::LabelSelector::parse(selector->to_string());
  LATEEN_ASSERT(again && again->to_string() == selector->to_string(),
                "it is read as it was printed");
  const kube::Labels labels{{"a", "b"}, {"n", "5"}};
  LATEEN_ASSERT(again->matches(labels) == selector->matches(labels), "and selects the same");
  const auto tree = kube::parse_to_label_selector(text);
  if (tree)
    LATEEN_ASSERT(kube::format_label_selector(&*tree) != "<error>", "its struct form is valid");
}

// The order of terms is that of their texts, as in Kubernetes, and "==" is printed as "=": only the
// set of them must stay.
void check_fields(BytesView text) {
  const auto selector = kube::FieldSelector::parse(text);
  if (!selector) return;
  const auto again = kube::FieldSelector::parse(selector->to_string());
  LATEEN_ASSERT(again.has_value(), "what is printed can be read");
  const auto& terms = selector->terms();
  LATEEN_ASSERT(
      std::is_permutation(terms.begin(), terms.end(), again->terms().begin(), again->terms().end()),
      "and says the same");
}

}  // namespace
}  // namespace lateen

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const lateen::BytesView text = lateen::fuzz::as_bytes(data, size);
  lateen::check_labels(text);
  lateen::check_fields(text);
  (void)lateen::kube::check_qualified_name(text);
  (void)lateen::kube::check_config_map_key(text);
  return 0;
}
