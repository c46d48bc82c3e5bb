// PersistentVolumes and their claims: binds them, has missing volumes made, and gives up volumes
// whose claim is gone.
#pragma once

#include "sandbox/controllers/claims.h"
#include "sandbox/controllers/controller.h"
#include "sandbox/runtime/volume_store.h"

namespace lateen::sandbox {

// What a driver says that fails on request, in the words of a gRPC client. `otherwise` is what it
// says when the fault says nothing.
Error driver_error(const Fault& fault, std::string_view otherwise);

// Keys: "claim:<ns>/<name>", "volume:<name>".
class VolumeBinder final : public Controller {
 public:
  VolumeBinder(ControllerContext& context, VolumeStore& store);

  ~VolumeBinder() override { stop(); }

 protected:
  Result<LookAgain> reconcile(const std::string& key, std::stop_token stop) override;

 private:
  Result<LookAgain> sync_claim(const std::string& ns,
                               const std::string& claim_name,
                               std::stop_token stop);
  Status end_claim(const Json& claim);
  Result<bool> take_default_class(const Json& claim);
  Status check_bound(const Json& claim);
  Result<LookAgain> bind_or_provision(const Json& claim, std::stop_token stop);
  Status bind(const Json& claim, const Json& volume, std::stop_token stop);
  Status set_claim_status(const Json& claim, const Json& volume);
  Result<Json> expanded(const Json& claim, Json volume);

  Result<LookAgain> provision(const Json& claim, const Json& storage_class, std::stop_token stop);
  Status fill(const Json& claim,
              std::string_view driver,
              const std::string& handle,
              std::stop_token stop);
  Status fill_from_snapshot(const Json& claim,
                            const std::string& snapshot,
                            const std::string& handle,
                            std::stop_token stop);
  Status fill_from_claim(const Json& claim,
                         const std::string& source,
                         const std::string& handle,
                         std::stop_token stop);

  Status sync_volume(const std::string& volume_name, std::stop_token stop);
  Status end_volume(const Json& volume);
  Status remove_data(const Json& volume);
  Status release(const Json& volume, std::stop_token stop);
  Status set_volume_phase(const Json& volume, std::string_view phase);
  Status change(const kube::GroupVersionResource& gvr,
                const Json& object,
                const std::function<bool(Json&)>& edit);

  VolumeStore& store_;
};

}  // namespace lateen::sandbox
