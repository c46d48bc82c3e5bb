// Namespaces: what every one of them has, and how one ends.
#pragma once

#include <map>
#include <string>

#include "sandbox/controllers/controller.h"

namespace lateen::sandbox {

// Deletes all that is in a namespace that is being deleted, and lets it go when nothing is left.
class NamespaceController final : public Controller {
 public:
  explicit NamespaceController(ControllerContext& context);

  ~NamespaceController() override { stop(); }

 protected:
  Result<LookAgain> reconcile(const std::string& key, std::stop_token stop) override;

 private:
  struct Remaining {
    std::map<std::string, std::size_t> by_resource;  // "pods" → 2
    std::map<std::string, std::size_t> by_finalizer;
  };

  Result<Remaining> remove_content(const std::string& ns, std::stop_token stop);
  Status report(const std::string& ns, const Remaining& remaining);
  Status finalize(const std::string& ns);
};

// The ServiceAccount `default` and the ConfigMap kube-root-ca.crt in every namespace.
class NamespaceDefaultsController final : public Controller {
 public:
  NamespaceDefaultsController(ControllerContext& context, std::string ca_pem);

  ~NamespaceDefaultsController() override { stop(); }

 protected:
  Result<LookAgain> reconcile(const std::string& key, std::stop_token stop) override;

 private:
  Status ensure(const kube::GroupVersionResource& gvr, const std::string& ns, Json object);

  const std::string ca_pem_;
};

}  // namespace lateen::sandbox
