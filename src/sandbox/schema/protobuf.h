// Kubernetes' protobuf bodies. Clients send them unasked for core kinds (Namespace, ConfigMap,
// access reviews, DeleteOptions); we understand them for every built-in type. The envelope is the
// four bytes "k8s\0" and a runtime.Unknown {typeMeta = 1, raw = 2}; the members of the object's
// message are found by tag in the type table.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/json.h"
#include "base/result.h"
#include "sandbox/schema/types.h"

namespace lateen::sandbox::schema {

inline constexpr std::string_view kProtobufContentType = "application/vnd.kubernetes.protobuf";

// Whether the body begins as the envelope does.
bool is_protobuf(BytesView body);

// The object in the envelope, with apiVersion and kind. InvalidArgument for broken bytes,
// Unsupported for a kind that is not in the table or has no protobuf form.
Result<Json> decode_protobuf(BytesView body);

// The other way round, for clients that prefer it. Unsupported for kinds without a protobuf form.
Result<std::string> encode_protobuf(const Json& object);

}  // namespace lateen::sandbox::schema
