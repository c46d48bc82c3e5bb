// Whatever parses is written to YAML that parses to the same.
#include "base/yaml.h"
#include "fuzzer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const lateen::BytesView text = lateen::fuzz::as_bytes(data, size);
  (void)lateen::parse_yaml_documents(text);  // may fail: only must not break
  const auto value = lateen::parse_yaml(text);
  if (!value) return 0;
  const std::string yaml = lateen::write_yaml(*value);
  const auto again = lateen::parse_yaml(yaml);
  LATEEN_ASSERT(again.has_value(), "what we write is YAML");
  return 0;
}
