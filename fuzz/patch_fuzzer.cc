// An object and a patch, one on each line, through the three kinds of patches. The laws: what comes
// out can be written and read again, and the difference between two objects leads from one to the
// other.
#include "base/json.h"
#include "base/text.h"
#include "fuzzer.h"
#include "kube/patch.h"

namespace lateen {
namespace {

// Lists named "l…" merge by the key "k", those named "s…" as sets.
class Schema final : public kube::MergeSchema {
 public:
  kube::MergeRule rule(std::span<const std::string_view> path) const override {
    kube::MergeRule rule;
    rule.merge = !path.empty() && (path.back().starts_with('l') || path.back().starts_with('s'));
    if (rule.merge && path.back().starts_with('l')) rule.merge_key = "k";
    return rule;
  }
};

void check_result(const Result<Json>& result) {
  if (!result) return;
  LATEEN_ASSERT(parse_json(write_json(*result)).has_value(), "what comes out can be read");
}

// Without nulls in objects: what a merge patch can say.
Json sayable(const Json& value) {
  return kube::merge_patch(JsonObject(), value);
}

void check_diff(const Json& from, const Json& to) {
  if (!from.is_object() || !to.is_object()) return;
  const Json wanted = sayable(to);
  const Json reached =
      kube::merge_patch(sayable(from), kube::diff_merge_patch(sayable(from), wanted));
  LATEEN_ASSERT(write_json(reached) == write_json(wanted), "the difference leads there");
}

}  // namespace
}  // namespace lateen

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using lateen::kube::json_patch;
  const lateen::Cut lines = lateen::cut(lateen::fuzz::as_bytes(data, size), "\n");
  const auto target = lateen::parse_json(lines.before);
  const auto patch = lateen::parse_json(lines.after);
  if (!target || !patch) return 0;
  lateen::check_result(json_patch(*target, *patch));
  lateen::check_result(lateen::kube::strategic_merge_patch(*target, *patch, lateen::Schema()));
  lateen::check_result(lateen::kube::merge_patch(*target, *patch));
  lateen::check_diff(*target, *patch);
  return 0;
}
