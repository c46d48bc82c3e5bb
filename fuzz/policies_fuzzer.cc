// What people write into ConfigMaps for a backup or a restore: resource policies and resource
// modifiers. An input is the YAML, a line of three dashes and the object it is tried on.
#include "base/text.h"
#include "base/yaml.h"
#include "fuzzer.h"
#include "model/resource_policy.h"
#include "restore/modifiers.h"

namespace {

void try_policy(lateen::BytesView yaml, const lateen::Json& object) {
  const auto policy = lateen::model::ResourcePolicy::parse(yaml);
  if (!policy) return;
  const lateen::Json none;
  static_cast<void>(policy->match(lateen::model::VolumeFacts::from(&object, nullptr, nullptr)));
  static_cast<void>(policy->match(lateen::model::VolumeFacts::from(nullptr, &object, &none)));
}

void try_modifiers(lateen::BytesView yaml, const lateen::Json& object) {
  const auto modifiers = lateen::restore::Modifiers::parse(yaml);
  if (!modifiers) return;
  lateen::Json changed = object;
  const auto problems = modifiers->apply("configmaps", "shop", changed);
  LATEEN_ASSERT(!modifiers->empty() || (problems.empty() && changed == object),
                "no rules change nothing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parts = lateen::cut(lateen::fuzz::as_bytes(data, size), "\n---\n");
  const auto parsed = lateen::parse_yaml(parts.after);
  const lateen::Json object =
      parsed && parsed->is_object()
          ? *parsed
          : lateen::Json{{"kind", "ConfigMap"},
                         {"metadata", {{"name", "a"}, {"namespace", "shop"}}},
                         {"data", {{"k", "v"}}}};
  try_policy(parts.before, object);
  try_modifiers(parts.before, object);
  return 0;
}
