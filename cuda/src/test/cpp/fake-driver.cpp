// A CUDA driver without a GPU: libcuda.so.1 for tests. It has the functions that Gyre calls. Every stream is a thread
// that works late, so that a missing event or wait shows as a wrong result. It checks what a real driver may not: that addresses are within one allocation, that host memory is pinned
// during a copy, that a context is current. It counts leaks.
//
// Configured by environment variables, or by the native methods of io.gyre.cuda.FakeDriver:
//   FAKE_CUDA_DEVICES     number of devices (2)
//   FAKE_CUDA_PEERS       1 if they have peer access (1)
//   FAKE_CUDA_DELAY_US    delay of each stream before each work item (0)
//   FAKE_CUDA_CAPABILITY  compute capability as one number (86)
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

typedef int Result;
typedef unsigned long long Address;
typedef void* Pointer;
enum { OK = 0, INVALID_VALUE = 1, NO_MEMORY = 2, NOT_INITIALISED = 3, NO_DEVICE = 100, INVALID_DEVICE = 101,
       INVALID_CONTEXT = 201, INVALID_HANDLE = 400, NOT_READY = 600, ILLEGAL_ADDRESS = 700, ALREADY_PINNED = 712,
       NOT_PINNED = 713,
       LAUNCH_FAILED = 719, UNKNOWN = 999 };

namespace {

int setting(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text ? std::atoi(text) : otherwise;
}

struct Settings {
  std::atomic<int> devices{setting("FAKE_CUDA_DEVICES", 2)};
  std::atomic<int> peers{setting("FAKE_CUDA_PEERS", 1)};
  std::atomic<int> delayMicros{setting("FAKE_CUDA_DELAY_US", 0)};
  std::atomic<int> capability{setting("FAKE_CUDA_CAPABILITY", 86)};
  std::atomic<long> freeBytes{1l << 30};
  std::atomic<int> workUntilFailure{-1};
  std::atomic<int> callsUntilLoss{-1};
  std::atomic<int> hang{0};
  std::atomic<long> pageable{0};
} settings;

std::atomic<int> sticky{0};  // what every call returns after a failure that a driver does not recover from
bool initialised = false;

constexpr int MOST_DEVICES = 16;
struct Context {
  int device = 0;
  int retained = 0;
};
Context contexts[MOST_DEVICES];
thread_local std::vector<Context*> stack;
Context* current() { return stack.empty() ? nullptr : stack.back(); }

std::mutex memory;
struct Block {
  size_t bytes;
  int device;
};
std::map<Address, Block> blocks;
std::map<Address, size_t> pins;
std::set<void*> streams, events;

bool within(const std::map<Address, size_t>& all, Address at, size_t bytes) {
  auto next = all.upper_bound(at);
  if (next == all.begin()) return false;
  --next;
  return at + bytes <= next->first + next->second;
}

// The device that owns a range of memory; -1 if none does.
int owner(Address at, size_t bytes) {
  std::lock_guard<std::mutex> lock(memory);
  auto next = blocks.upper_bound(at);
  if (next == blocks.begin()) return -1;
  --next;
  return at + bytes <= next->first + next->second.bytes ? next->second.device : -1;
}

void fail(int result) {
  int none = 0;
  sticky.compare_exchange_strong(none, result);
}

// Counts positions in streams. A stream that waits for an event waits for its position when the wait was enqueued.
struct Progress {
  std::mutex mutex;
  std::condition_variable changed;
  long enqueued = 0, done = 0;
};

struct Stream {
  Progress progress;
  std::deque<std::function<void()>> work;
  bool stop = false;
  std::thread worker{[this] { run(); }};

  void run() {
    for (;;) {
      std::function<void()> next;
      {
        std::unique_lock<std::mutex> lock(progress.mutex);
        progress.changed.wait(lock, [this] { return stop || !work.empty(); });
        if (work.empty()) return;
        next = work.front();
        work.pop_front();
      }
      if (settings.delayMicros) std::this_thread::sleep_for(std::chrono::microseconds(settings.delayMicros));
      while (settings.hang) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      if (!sticky) next();
      std::lock_guard<std::mutex> lock(progress.mutex);
      progress.done++;
      progress.changed.notify_all();
    }
  }

  long add(std::function<void()> piece) {
    std::lock_guard<std::mutex> lock(progress.mutex);
    work.push_back(std::move(piece));
    progress.changed.notify_all();
    return ++progress.enqueued;
  }

  ~Stream() {
    {
      std::lock_guard<std::mutex> lock(progress.mutex);
      stop = true;
      progress.changed.notify_all();
    }
    worker.join();
  }
};

struct Event {
  std::shared_ptr<Stream> stream;
  long place = 0;
};

// Streams outlive their handles while others wait for their events.
std::map<void*, std::shared_ptr<Stream>> byHandle;

std::shared_ptr<Stream> find(void* handle) {
  std::lock_guard<std::mutex> lock(memory);
  if (!handle) {
    int device = current() ? current()->device : 0;
    void* key = &contexts[device];
    if (!byHandle.count(key)) byHandle[key] = std::make_shared<Stream>();
    return byHandle[key];
  }
  auto found = byHandle.find(handle);
  return found == byHandle.end() ? nullptr : found->second;
}

bool isEvent(void* event) {
  std::lock_guard<std::mutex> lock(memory);
  return events.count(event) > 0;
}

Event contents(void* event) {
  std::lock_guard<std::mutex> lock(memory);
  return *static_cast<Event*>(event);
}

bool reached(const Event& event) {
  if (!event.stream) return true;
  std::lock_guard<std::mutex> lock(event.stream->progress.mutex);
  return event.stream->progress.done >= event.place;
}

// The start of every call.
Result begin(bool needsContext) {
  if (!initialised) return NOT_INITIALISED;
  if (settings.callsUntilLoss > 0 && --settings.callsUntilLoss == 0) fail(UNKNOWN);
  if (sticky) return sticky;
  return needsContext && !current() ? INVALID_CONTEXT : OK;
}
#define BEGIN(needsContext) \
  if (Result r_ = begin(needsContext)) return r_

bool pinned(Address at, size_t bytes) {
  std::lock_guard<std::mutex> lock(memory);
  return within(pins, at, bytes);
}

// Whether this piece of work is the one to fail, as a kernel of another library in the same context would.
bool failsInstead(const std::shared_ptr<Stream>& stream) {
  if (settings.workUntilFailure <= 0 || --settings.workUntilFailure > 0) return false;
  stream->add([] { fail(LAUNCH_FAILED); });
  return true;
}

Result enqueueCopy(Address to, Address from, size_t bytes, void* handle, bool toHost, bool fromHost) {
  auto stream = find(handle);
  if (!stream) return INVALID_HANDLE;
  if ((!toHost && owner(to, bytes) < 0) || (!fromHost && owner(from, bytes) < 0)) return INVALID_VALUE;
  if ((toHost && !pinned(to, bytes)) || (fromHost && !pinned(from, bytes))) settings.pageable++;
  if (failsInstead(stream)) return OK;
  stream->add([=] {
    // Checked again: a buffer may have been freed, or memory unpinned, before its copy was done.
    bool fine = (toHost ? pinned(to, bytes) : owner(to, bytes) >= 0) &&
                (fromHost ? pinned(from, bytes) : owner(from, bytes) >= 0);
    if (!fine) {
      fail(ILLEGAL_ADDRESS);
      return;
    }
    std::memmove(reinterpret_cast<void*>(to), reinterpret_cast<void*>(from), bytes);
  });
  return OK;
}

}  // namespace

extern "C" {
Result cuInit(unsigned) {
  if (settings.devices <= 0) return NO_DEVICE;
  initialised = true;
  return OK;
}
Result cuDriverGetVersion(int* version) { *version = 12000; return OK; }
Result cuDeviceGetCount(int* count) { BEGIN(false); *count = settings.devices; return OK; }
Result cuDeviceGet(int* device, int ordinal) {
  BEGIN(false);
  if (ordinal < 0 || ordinal >= settings.devices) return INVALID_DEVICE;
  *device = ordinal;
  return OK;
}
Result cuDeviceGetName(char* name, int length, int device) {
  std::snprintf(name, length, "Fake GPU %d", device);
  return OK;
}
Result cuDeviceGetAttribute(int* value, int attribute, int) {
  *value = attribute == 75 ? settings.capability / 10 : attribute == 76 ? settings.capability % 10 : 1;
  return OK;
}
Result cuDeviceTotalMem_v2(size_t* bytes, int) { *bytes = size_t(1) << 30; return OK; }
Result cuMemGetInfo_v2(size_t* free, size_t* total) {
  BEGIN(true);
  *free = settings.freeBytes;
  *total = size_t(1) << 30;
  return OK;
}
Result cuDevicePrimaryCtxRetain(Context** context, int device) {
  BEGIN(false);
  std::lock_guard<std::mutex> lock(memory);
  contexts[device].device = device;
  contexts[device].retained++;
  *context = &contexts[device];
  return OK;
}
Result cuDevicePrimaryCtxRelease_v2(int device) {
  std::lock_guard<std::mutex> lock(memory);
  if (contexts[device].retained <= 0) return INVALID_CONTEXT;
  contexts[device].retained--;
  return OK;
}
Result cuCtxGetCurrent(Context** context) { *context = current(); return OK; }
Result cuCtxSetCurrent(Context* context) {
  if (!stack.empty()) stack.pop_back();
  if (context) stack.push_back(context);
  return OK;
}
Result cuCtxPushCurrent_v2(Context* context) { stack.push_back(context); return OK; }
Result cuCtxPopCurrent_v2(Context** context) {
  if (stack.empty()) return INVALID_CONTEXT;
  *context = stack.back();
  stack.pop_back();
  return OK;
}
Result cuMemAlloc_v2(Address* address, size_t bytes) {
  BEGIN(true);
  std::lock_guard<std::mutex> lock(memory);
  if (bytes == 0) return INVALID_VALUE;
  if (long(bytes) > settings.freeBytes) return NO_MEMORY;
  settings.freeBytes -= long(bytes);
  void* block = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  std::memset(block, 0xCD, bytes);
  *address = reinterpret_cast<Address>(block);
  blocks[*address] = {bytes, current()->device};
  return OK;
}
Result cuMemFree_v2(Address address) {
  BEGIN(true);
  std::lock_guard<std::mutex> lock(memory);
  auto block = blocks.find(address);
  if (block == blocks.end()) return INVALID_VALUE;
  settings.freeBytes += long(block->second.bytes);
  std::memset(reinterpret_cast<void*>(address), 0xDD, block->second.bytes);
  std::free(reinterpret_cast<void*>(address));
  blocks.erase(block);
  return OK;
}
Result cuMemHostRegister_v2(void* start, size_t bytes, unsigned) {
  BEGIN(true);
  std::lock_guard<std::mutex> lock(memory);
  Address at = reinterpret_cast<Address>(start);
  if (pins.count(at)) return ALREADY_PINNED;
  pins[at] = bytes;
  return OK;
}
Result cuMemHostUnregister(void* start) {
  BEGIN(true);
  std::lock_guard<std::mutex> lock(memory);
  return pins.erase(reinterpret_cast<Address>(start)) ? OK : NOT_PINNED;
}
// The two synchronous copies, for measurements of pageable memory.
Result cuMemcpyHtoD_v2(Address to, const void* from, size_t bytes) {
  BEGIN(true);
  if (owner(to, bytes) < 0) return INVALID_VALUE;
  if (!pinned(reinterpret_cast<Address>(from), bytes)) settings.pageable++;
  std::memcpy(reinterpret_cast<void*>(to), from, bytes);
  return OK;
}
Result cuMemcpyDtoH_v2(void* to, Address from, size_t bytes) {
  BEGIN(true);
  if (owner(from, bytes) < 0) return INVALID_VALUE;
  if (!pinned(reinterpret_cast<Address>(to), bytes)) settings.pageable++;
  std::memcpy(to, reinterpret_cast<void*>(from), bytes);
  return OK;
}
Result cuMemcpyHtoDAsync_v2(Address to, const void* from, size_t bytes, void* stream) {
  BEGIN(true);
  return enqueueCopy(to, reinterpret_cast<Address>(from), bytes, stream, false, true);
}
Result cuMemcpyDtoHAsync_v2(void* to, Address from, size_t bytes, void* stream) {
  BEGIN(true);
  return enqueueCopy(reinterpret_cast<Address>(to), from, bytes, stream, true, false);
}
Result cuMemcpyDtoDAsync_v2(Address to, Address from, size_t bytes, void* stream) {
  BEGIN(true);
  if (owner(to, bytes) != owner(from, bytes)) return INVALID_VALUE;
  return enqueueCopy(to, from, bytes, stream, false, false);
}
Result cuMemsetD8Async(Address at, unsigned char value, size_t bytes, void* handle) {
  BEGIN(true);
  auto stream = find(handle);
  if (!stream) return INVALID_HANDLE;
  if (owner(at, bytes) < 0) return INVALID_VALUE;
  if (failsInstead(stream)) return OK;
  stream->add([=] { std::memset(reinterpret_cast<void*>(at), value, bytes); });
  return OK;
}
Result cuDeviceCanAccessPeer(int* can, int from, int to) { *can = settings.peers && from != to; return OK; }
Result cuStreamCreate(void** stream, unsigned) {
  BEGIN(true);
  auto made = std::make_shared<Stream>();
  std::lock_guard<std::mutex> lock(memory);
  *stream = made.get();
  byHandle[*stream] = made;
  streams.insert(*stream);
  return OK;
}
Result cuStreamDestroy_v2(void* stream) {
  BEGIN(true);
  std::shared_ptr<Stream> last;
  {
    std::lock_guard<std::mutex> lock(memory);
    if (!streams.erase(stream)) return INVALID_HANDLE;
    last = byHandle[stream];
    byHandle.erase(stream);
  }
  // Its destructor waits for the work, without the lock.
  std::thread([last]() mutable { last.reset(); }).detach();
  return OK;
}
Result cuStreamQuery(void* handle) {
  BEGIN(true);
  auto stream = find(handle);
  if (!stream) return INVALID_HANDLE;
  std::lock_guard<std::mutex> lock(stream->progress.mutex);
  return stream->progress.done == stream->progress.enqueued ? OK : NOT_READY;
}
Result cuStreamWaitEvent(void* handle, void* event, unsigned) {
  BEGIN(true);
  auto stream = find(handle);
  if (!stream || !isEvent(event)) return INVALID_HANDLE;
  Event place = contents(event);
  if (place.stream && place.stream != stream) {
    stream->add([place] {
      auto& progress = place.stream->progress;
      std::unique_lock<std::mutex> lock(progress.mutex);
      progress.changed.wait(lock, [&] { return progress.done >= place.place; });
    });
  }
  return OK;
}
Result cuEventCreate(void** event, unsigned) {
  BEGIN(true);
  std::lock_guard<std::mutex> lock(memory);
  *event = new Event;
  events.insert(*event);
  return OK;
}
Result cuEventRecord(void* event, void* handle) {
  BEGIN(true);
  auto stream = find(handle);
  if (!stream || !isEvent(event)) return INVALID_HANDLE;
  long place = stream->add([] {});
  std::lock_guard<std::mutex> lock(memory);
  *static_cast<Event*>(event) = {stream, place};
  return OK;
}
Result cuEventQuery(void* event) {
  BEGIN(true);
  if (!isEvent(event)) return INVALID_HANDLE;
  return reached(contents(event)) ? OK : NOT_READY;
}
Result cuEventDestroy_v2(void* event) {
  BEGIN(true);
  std::lock_guard<std::mutex> lock(memory);
  if (!events.erase(event)) return INVALID_HANDLE;
  delete static_cast<Event*>(event);
  return OK;
}
// io.gyre.cuda.FakeDriver
void Java_io_gyre_cuda_FakeDriver_configure(void*, void*, int devices, int peers, int delayMicros, int capability) {
  settings.devices = devices;
  settings.peers = peers;
  settings.delayMicros = delayMicros;
  settings.capability = capability;
  settings.workUntilFailure = -1;
  settings.callsUntilLoss = -1;
  settings.hang = 0;
  settings.pageable = 0;
  sticky = 0;
  std::lock_guard<std::mutex> lock(memory);
  settings.freeBytes = 1l << 30;
  for (auto& block : blocks) std::free(reinterpret_cast<void*>(block.first));
  blocks.clear();
  pins.clear();
  events.clear();
  for (auto stream : streams) {
    auto last = byHandle[stream];
    byHandle.erase(stream);
    std::thread([last]() mutable { last.reset(); }).detach();
  }
  streams.clear();
  for (auto& context : contexts) {
    context.retained = 0;
  }
}
void Java_io_gyre_cuda_FakeDriver_failWork(void*, void*, int inSoMany) { settings.workUntilFailure = inSoMany; }
void Java_io_gyre_cuda_FakeDriver_loseDevice(void*, void*, int inSoManyCalls) { settings.callsUntilLoss = inSoManyCalls; }
void Java_io_gyre_cuda_FakeDriver_limitMemory(void*, void*, long bytes) { settings.freeBytes = bytes; }
void Java_io_gyre_cuda_FakeDriver_hang(void*, void*, int yes) { settings.hang = yes; }
long Java_io_gyre_cuda_FakeDriver_pageableCopies(void*, void*) { return settings.pageable; }
// Leaked allocations, pins, streams, events, contexts and pushed contexts: eight bits each.
long Java_io_gyre_cuda_FakeDriver_leaks(void*, void*) {
  std::lock_guard<std::mutex> lock(memory);
  long retained = 0;
  for (auto& context : contexts) retained += context.retained;
  long counts[] = {long(blocks.size()), long(pins.size()), long(streams.size()), long(events.size()), retained,
                   long(stack.size())};
  long all = 0;
  for (int i = 0; i < 6; i++) all |= (counts[i] & 0xff) << (8 * i);
  return all;
}
}
