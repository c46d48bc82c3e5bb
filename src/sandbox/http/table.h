// Tables and PartialObjectMetadata: what `kubectl get` and metadata clients ask for instead of
// objects.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/json.h"
#include "sandbox/api/reader.h"
#include "sandbox/api/served_type.h"
#include "sandbox/http/accept.h"

namespace lateen::sandbox {

// Puts objects into the form that a client negotiated.
class AnswerPrinter {
 public:
  // `include_object` is the query's: "", "None", "Metadata" or "Object". All outlive it.
  AnswerPrinter(const ServedType& type,
                const AnswerFormat& format,
                std::string_view include_object,
                TimePoint now);

  Bytes one(const StoredObject& object) const;
  Bytes one(const Json& object) const;
  Bytes list(const StoredList& list) const;
  // For watches: the last line of an initial list, and the marks between.
  Bytes bookmark(const StoredEvent& event) const;

 private:
  Json tree(const StoredObject& object) const;
  Bytes partial(const Json& object) const;
  Bytes table(std::string_view metadata, const std::vector<Json>& objects) const;
  Json row(const Json& object) const;

  const ServedType& type_;
  const AnswerFormat& format_;
  std::string include_object_;
  TimePoint now_;
};

}  // namespace lateen::sandbox
