// Reading a CustomResourceDefinition object.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "sandbox/api/served_type.h"

namespace lateen::sandbox {

// The versions that it serves, best first (v1, v2beta1, v1beta1 ...: Kubernetes' version priority).
std::vector<ServedTypePtr> served_types_of(const Json& crd);

// Whether objects of it may be served: accepted, and not being deleted with nothing left to clean.
bool is_established(const Json& crd);

// Sets status.acceptedNames, storedVersions and the conditions NamesAccepted and Established.
// `taken_by` names the resource that already has one of its names; empty when none has.
void establish(Json& crd, std::string_view taken_by, std::string_view now);

// Kubernetes' version order: "v2" before "v1" before "v1beta1" before "v1alpha1" before others.
bool is_better_version(std::string_view a, std::string_view b);

}  // namespace lateen::sandbox
