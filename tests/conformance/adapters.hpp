// SPDX-License-Identifier: MIT
#pragma once

#include "case.hpp"

#include <map>
#include <string>

namespace lcsm::conformance {

// An adapter brings one case of a golden file into the library's terms and checks it.
using Adapter = void (*)(Case&);
std::map<std::string, Adapter>& adapters();
// For a namespace-scope constant beside the adapter: `const bool known = add("gla", gla);`
bool add(const char* name, Adapter adapter);
// Families whose mixer the library does not have yet.
bool comes_later(const std::string& name);

}  // namespace lcsm::conformance
