package io.gyre.testkit;

import io.gyre.kernel.ArrayKernels;
import io.gyre.kernel.Kernels;

class ArrayKernelsTest extends KernelsContract {

    @Override
    protected Kernels kernels() {
        return new ArrayKernels();
    }
}
