// How a DownloadRequest asks for a document that Velero does not have: its schema takes no other
// kinds, so the annotation names one of ours, and the target's kind is one of Velero's. Velero's
// server answers such a request with the target.
#pragma once

#include <string_view>

namespace lateen::model::annotations {

inline constexpr std::string_view kDocument = "lateen.io/document";

// "server": the link shall be to the server itself, for a client that cannot reach the bucket.
// Velero's server answers with a link to the bucket all the same.
inline constexpr std::string_view kDownloadVia = "lateen.io/download-via";

// The server's word on a link to itself: its pod, where the link's port listens on loopback; empty
// when it runs outside of the cluster.
inline constexpr std::string_view kServedBy = "lateen.io/served-by";

}  // namespace lateen::model::annotations
