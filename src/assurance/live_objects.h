// The objects of a cluster as they are now, kind by kind, as their bytes came.
#pragma once

#include <functional>
#include <span>
#include <stop_token>
#include <string>

#include "base/json_slice.h"
#include "base/result.h"
#include "kube/client.h"
#include "kube/resource.h"

namespace lateen::assurance {

// Gets each page; from several threads at once, one kind from one.
using VisitLivePage = std::function<Status(const kube::ResourceType& type, const ListPage& page)>;

// `ns` empty: of all namespaces. Cluster-scoped kinds are listed either way. A kind that is not
// served (any more) is passed over.
Status visit_live(kube::Client& client,
                  std::span<const kube::ResourceType* const> types,
                  const std::string& ns,
                  const VisitLivePage& visit,
                  std::stop_token stop);

}  // namespace lateen::assurance
