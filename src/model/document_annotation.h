// How a DownloadRequest asks for a document that Velero does not have: its schema takes no other
// kinds, so the annotation names one of ours, and the target's kind is BackupContents. Velero's
// server answers such a request with the contents.
#pragma once

#include <string_view>

namespace lateen::model::annotations {

inline constexpr std::string_view kDocument = "lateen.io/document";

}  // namespace lateen::model::annotations
