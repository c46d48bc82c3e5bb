// What storage costs: a small file that people keep, with AWS' list prices of us-east-1 as the
// default. Nothing is looked up anywhere.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/json.h"
#include "base/result.h"

namespace lateen::assurance {

struct StoragePrice {
  double gb_month = 0;
  std::int64_t minimum_days = 0;  // what is deleted earlier is charged for so long

  bool operator==(const StoragePrice&) const = default;
};

struct PriceBook {
  std::string currency = "USD";
  double snapshot_gb_month = 0.05;  // of blocks that no earlier snapshot has
  std::map<std::string, StoragePrice, std::less<>> storage_classes = {
      {"STANDARD", {.gb_month = 0.023}},
      {"STANDARD_IA", {.gb_month = 0.0125, .minimum_days = 30}},
      {"GLACIER_IR", {.gb_month = 0.004, .minimum_days = 90}},
      {"DEEP_ARCHIVE", {.gb_month = 0.00099, .minimum_days = 180}}};
  double transfer_gb = 0.02;  // to another region

  bool operator==(const PriceBook&) const = default;

  // YAML or JSON; what is absent keeps its default. InvalidArgument names the field that is wrong
  // or that nobody knows.
  static Result<PriceBook> parse(BytesView text);

  Json document() const;

  // InvalidArgument lists the classes that there are.
  Result<StoragePrice> storage_class(std::string_view name) const;
};

}  // namespace lateen::assurance
