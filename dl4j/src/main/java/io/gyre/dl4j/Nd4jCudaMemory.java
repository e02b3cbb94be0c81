package io.gyre.dl4j;

import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.jita.allocator.impl.AtomicAllocator;
import org.nd4j.linalg.api.concurrency.AffinityManager.Location;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.jcublas.context.CudaContext;

/**
 * ND4J CUDA's arrays, through its internals: the only class that uses them. They are on the class path only if ND4J
 * CUDA is; {@code Nd4jCudaMemoryTest} compares their signatures with those of version 1.0.0-M2.1.
 */
final class Nd4jCudaMemory implements DeviceGradients.GradientMemory {

    @Override
    public int device(INDArray array) {
        return AtomicAllocator.getInstance().getDeviceId(array);
    }

    @Override
    public long address(INDArray array) {
        // The allocator returns the address of the buffer; a view would begin elsewhere in it.
        if (array.offset() != 0) {
            throw new IllegalStateException("gradients begin at element " + array.offset() + " of their buffer");
        }
        // Deferred operations, and values that are newer on the host: the allocator rejects these.
        Nd4j.getExecutioner().commit();
        Nd4j.getAffinityManager().ensureLocation(array, Location.DEVICE);
        AtomicAllocator allocator = AtomicAllocator.getInstance();
        return allocator.getPointer(array, allocator.getDeviceContext()).address();
    }

    @Override
    public void refresh(INDArray array, long byteOffset, long byteLength) {
        // The executioner of this version defers nothing: all operations of a pass are already in the streams.
        if (!AtomicAllocator.getInstance().getAllocationPoint(array).isActualOnDeviceSide()) {
            Nd4j.getAffinityManager().ensureLocation(array, Location.DEVICE);
        }
    }

    @Override
    public long[] streams() {
        CudaContext context = AtomicAllocator.getInstance().getDeviceContext();
        return new long[] {handle(context.getOldStream()), handle(context.getSpecialStream())};
    }

    /** The pointer is the address at which libnd4jcuda keeps the handle, a cudaStream_t*. */
    private static long handle(Pointer stream) {
        return new LongPointer(stream).get();
    }

    @Override
    public void written(INDArray array, long byteOffset, long byteLength) {
        // The device had the latest values of the other parts: see address and refresh.
        AtomicAllocator.getInstance().tickDeviceWrite(array);
    }
}
