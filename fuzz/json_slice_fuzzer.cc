// Slices lie inside their page, and say of valid items what the tree says.
#include "base/json_slice.h"
#include "fuzzer.h"

namespace {

void check_item(const lateen::ListPage& page, const lateen::ObjectSlice& item) {
  LATEEN_ASSERT(item.raw.starts_with('{') && item.raw.ends_with('}'), "an item is an object");
  LATEEN_ASSERT(item.raw.data() >= page.body().data() &&
                    item.raw.data() + item.raw.size() <= page.body().data() + page.body().size(),
                "an item lies inside its page");
  const auto tree = item.parse();
  if (!tree) return;
  LATEEN_ASSERT(lateen::string_at(*tree, "metadata.name") == item.name, "the name is the tree's");
  LATEEN_ASSERT(lateen::string_at(*tree, "metadata.uid") == item.uid, "the uid is the tree's");
  const auto typed = lateen::parse_json(page.typed(item));
  LATEEN_ASSERT(typed.has_value(), "putting the type in front leaves JSON");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const lateen::BytesView text = lateen::fuzz::as_bytes(data, size);
  if (const auto page = lateen::ListPage::parse(lateen::Bytes(text))) {
    for (const lateen::ObjectSlice& item : page->items())
      check_item(*page, item);
  }
  if (const auto object = lateen::OwnedSlice::parse(lateen::Bytes(text))) {
    LATEEN_ASSERT((*object)->raw.starts_with('{'), "a slice is an object");
  }
  return 0;
}
