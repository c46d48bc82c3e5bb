#include "assurance/price_book.h"

#include "base/text.h"
#include "base/yaml.h"

namespace lateen::assurance {
namespace {

Result<double> price_at(const Json& value, std::string_view field) {
  double price = -1;
  if (value.is_double()) price = value.as_double();
  if (value.is_int64()) price = static_cast<double>(value.as_int64());
  if (price >= 0 && price < 1e6) return price;
  return Error(Code::InvalidArgument, "prices: {} is {}, which is no price", field,
               write_json(value));
}

Error unknown_field(std::string_view field) {
  return Error(Code::InvalidArgument, "prices: nobody knows the field {}", field)
      .with_hint("`lateen cost prices` prints a file with all there are.");
}

Result<StoragePrice> read_class(std::string_view name, const Json& value) {
  if (!value.is_object())
    return Error(Code::InvalidArgument, "prices: storageClasses.{} has no fields", name);
  StoragePrice price;
  for (const auto& [key, field] : value.as_object()) {
    const std::string path = fmt::format("storageClasses.{}.{}", name, std::string_view(key));
    if (key == "gbMonth") {
      price.gb_month = TRY(price_at(field, path));
    } else if (key == "minimumDays" && field.is_int64() && field.as_int64() >= 0) {
      price.minimum_days = field.as_int64();
    } else {
      return unknown_field(path);
    }
  }
  return price;
}

Status read_field(PriceBook& book, std::string_view key, const Json& value) {
  if (key == "currency" && value.is_string()) {
    book.currency = as_text(&value);
  } else if (key == "snapshotGBMonth") {
    book.snapshot_gb_month = TRY(price_at(value, key));
  } else if (key == "transferGB") {
    book.transfer_gb = TRY(price_at(value, key));
  } else if (key == "storageClasses" && value.is_object()) {
    for (const auto& [name, price] : value.as_object())
      book.storage_classes[std::string(name)] = TRY(read_class(name, price));
  } else {
    return unknown_field(key);
  }
  return {};
}

}  // namespace

Result<PriceBook> PriceBook::parse(BytesView text) {
  const Json json = TRY(parse_yaml(text).wrap("prices"));
  PriceBook book;
  if (json.is_null()) return book;
  if (!json.is_object()) return Error(Code::InvalidArgument, "prices: it is not a map of fields");
  for (const auto& [key, value] : json.as_object())
    TRY(read_field(book, key, value));
  return book;
}

Json PriceBook::document() const {
  JsonObject classes;
  for (const auto& [name, price] : storage_classes) {
    JsonObject one{{"gbMonth", price.gb_month}};
    if (price.minimum_days > 0) one["minimumDays"] = price.minimum_days;
    classes[name] = std::move(one);
  }
  return JsonObject{{"currency", currency},
                    {"snapshotGBMonth", snapshot_gb_month},
                    {"storageClasses", std::move(classes)},
                    {"transferGB", transfer_gb}};
}

Result<StoragePrice> PriceBook::storage_class(std::string_view name) const {
  const auto found = storage_classes.find(name);
  if (found != storage_classes.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [known, price] : storage_classes)
    names.push_back(known);
  return Error(Code::InvalidArgument, "there is no price for storage class {}", name)
      .with_hint(fmt::format("The prices know {}.", join(names, ", ")));
}

}  // namespace lateen::assurance
