// cuBLAS without a GPU: libcublas.so.12 for tests, on top of the fake driver. It has the functions that Gyre calls,
// rounds axpy once as the real one does, and works in the given stream.
//
// Configured by environment variables, or by the native methods of io.gyre.cuda.FakeCublas:
//   FAKE_CUBLAS_VERSION  version that it reports (120000)
//   FAKE_CUBLAS_FAILS    1 if its creation fails (0)
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <thread>

extern "C" {
int fakeCudaEnqueue(void* stream, void (*work)(void*), void* argument);
int fakeCudaIsHere(unsigned long long at, size_t bytes);
}

namespace {

enum { SUCCESS = 0, NOT_INITIALISED = 1, INVALID_VALUE = 7, EXECUTION_FAILED = 13 };

int setting(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text ? std::atoi(text) : otherwise;
}

std::atomic<int> version{setting("FAKE_CUBLAS_VERSION", 120000)};
std::atomic<int> fails{setting("FAKE_CUBLAS_FAILS", 0)};
std::atomic<int> wrong{0};
std::atomic<int> callMicros{0};
std::atomic<long> handles{0};
std::atomic<long> calls{0};

struct Handle {
  void* stream = nullptr;
};

template <class T>
struct Work {
  T factor;
  const T* x;
  T* y;
  int n;

  static void run(void* argument) {
    Work* work = static_cast<Work*>(argument);
    if (callMicros) std::this_thread::sleep_for(std::chrono::microseconds(callMicros));
    for (int i = 0; i < work->n; i++) work->y[i] = std::fma(work->factor, work->x[i], work->y[i]);
    if (wrong && work->n > 0) work->y[work->n / 2] += 1;
    delete work;
  }
};

template <class T>
int enqueue(Handle* handle, int n, const T* factor, const T* x, T* y, int stepX, int stepY) {
  if (!handle) return NOT_INITIALISED;
  if (n < 0 || stepX != 1 || stepY != 1) return INVALID_VALUE;
  size_t bytes = size_t(n) * sizeof(T);
  if (!fakeCudaIsHere(reinterpret_cast<uintptr_t>(y), bytes)) return INVALID_VALUE;
  if (!fakeCudaIsHere(reinterpret_cast<uintptr_t>(x), bytes)) return INVALID_VALUE;
  calls++;
  auto* work = new Work<T>{*factor, x, y, n};
  return fakeCudaEnqueue(handle->stream, Work<T>::run, work) == 0 ? SUCCESS : EXECUTION_FAILED;
}

}  // namespace

extern "C" {
int cublasCreate_v2(Handle** handle) {
  if (fails) return NOT_INITIALISED;
  *handle = new Handle;
  handles++;
  return SUCCESS;
}
int cublasDestroy_v2(Handle* handle) {
  if (!handle) return NOT_INITIALISED;
  delete handle;
  handles--;
  return SUCCESS;
}
int cublasGetVersion_v2(Handle*, int* value) { *value = version; return SUCCESS; }
int cublasSetStream_v2(Handle* handle, void* stream) { handle->stream = stream; return SUCCESS; }
int cublasSaxpy_v2(Handle* handle, int n, const float* factor, const float* x, int stepX, float* y, int stepY) {
  return enqueue(handle, n, factor, x, y, stepX, stepY);
}
int cublasDaxpy_v2(Handle* handle, int n, const double* factor, const double* x, int stepX, double* y, int stepY) {
  return enqueue(handle, n, factor, x, y, stepX, stepY);
}

// io.gyre.cuda.FakeCublas
void Java_io_gyre_cuda_FakeCublas_configure(void*, void*, int givesWrongResults, int micros) {
  wrong = givesWrongResults;
  callMicros = micros;
  calls = 0;
}
long Java_io_gyre_cuda_FakeCublas_handles(void*, void*) { return handles; }
long Java_io_gyre_cuda_FakeCublas_calls(void*, void*) { return calls; }
}
