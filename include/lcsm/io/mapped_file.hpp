// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/error.hpp>

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <system_error>
#include <utility>

// LCSM_NO_MMAP reads the file into memory instead of mapping it; so do systems without POSIX. All files of a program must agree on it.
#if !defined(LCSM_NO_MMAP) && !defined(__unix__) && !defined(__APPLE__)
#define LCSM_NO_MMAP
#endif
#ifdef LCSM_NO_MMAP
#include <fstream>
#include <vector>
#else
#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace lcsm {

// The bytes of a regular file, read only, for as long as this object lives; moving it does not move the bytes. The first byte is aligned
// for every number type. A mapped file must not be truncated while it is open (the system raises SIGBUS); replacing it by a rename is fine.
class MappedFile {
 public:
  explicit MappedFile(std::filesystem::path path) : path_(std::move(path)) { open(); }
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  [[noreturn]] void fail(const std::string& what) const { raise<FormatError>("lcsm::MappedFile: file '" + path_.string() + "': " + what); }
  std::filesystem::path path_;

#ifdef LCSM_NO_MMAP
 public:
  MappedFile(MappedFile&&) noexcept = default;
  MappedFile& operator=(MappedFile&&) noexcept = default;
  std::span<const std::byte> bytes() const noexcept { return bytes_; }

 private:
  void open() {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path_, error)) fail("expected a regular file that can be read");
    std::ifstream stream(path_, std::ios::binary | std::ios::ate);
    const std::streamoff size = stream.tellg();
    if (!stream || size < 0) fail("cannot be opened for reading");
    bytes_.resize(static_cast<std::size_t>(size));
    stream.seekg(0);
    stream.read(reinterpret_cast<char*>(bytes_.data()), static_cast<std::streamsize>(size));
    if (!stream) fail("expected " + std::to_string(size) + " bytes, could read " + std::to_string(stream.gcount()));
  }
  std::vector<std::byte> bytes_;
#else
 public:
  MappedFile(MappedFile&& other) noexcept
      : path_(std::move(other.path_)), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(path_, other.path_), std::swap(data_, other.data_), std::swap(size_, other.size_);
    return *this;
  }
  ~MappedFile() { if (data_ != nullptr) ::munmap(data_, size_); }
  std::span<const std::byte> bytes() const noexcept { return {static_cast<const std::byte*>(data_), size_}; }

 private:
  struct Descriptor {
    int number;
    ~Descriptor() { if (number >= 0) ::close(number); }
  };
  void open() {
    const Descriptor file{::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};  // a pipe must not make us wait
    if (file.number < 0) fail("cannot be opened: " + std::generic_category().message(errno));
    struct stat facts {};
    if (::fstat(file.number, &facts) != 0 || !S_ISREG(facts.st_mode)) fail("expected a regular file");
    if (facts.st_size == 0) return;  // a mapping cannot be empty
    const auto size = static_cast<std::size_t>(facts.st_size);
    void* const data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number, 0);
    if (data == MAP_FAILED) fail("cannot be mapped: " + std::generic_category().message(errno));
    data_ = data, size_ = size;
  }
  void* data_ = nullptr;
  std::size_t size_ = 0;
#endif
};

}  // namespace lcsm
