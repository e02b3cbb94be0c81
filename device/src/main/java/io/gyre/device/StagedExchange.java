package io.gyre.device;

import io.gyre.training.Bucket;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The side of {@link StagedGradients} that waits for buckets on the host and copies them back. It is confined to the
 * thread that reduces gradients, and uses a device opened by that thread; the thread that computes gradients continues
 * meanwhile.
 */
public final class StagedExchange implements AutoCloseable {

    private final StagedGradients staged;
    private final Device device;
    private final PinnedMemory host;
    private final DeviceStream arriving;
    private final DeviceStream returning;
    private final DeviceEvent here;
    private final DeviceEvent returned;
    private final boolean[] copiedBack;
    private @Nullable DeviceBuffer vector;
    private boolean closed;

    StagedExchange(StagedGradients staged, Device device) {
        this.staged = staged;
        this.device = device;
        host = device.pin(staged.region());
        arriving = device.stream("buckets on the host");
        returning = device.stream("gradients to the device");
        here = device.event("a bucket is on the host");
        returned = device.event("gradients are back");
        copiedBack = new boolean[staged.plan().buckets().size()];
    }

    /** The event after which the device has all buckets that were copied back. */
    DeviceEvent returned() {
        return returned;
    }

    /** Waits until a bucket is on the host. */
    public void await(int bucket) {
        arriving.waitFor(staged.arrived(bucket));
        arriving.record(here);
        here.await(staged.timeout(), StagedGradients.describe(bucket));
    }

    /** Starts to copy a bucket back to the device; once per step, after {@link #await}. */
    public void copyBack(int index) {
        if (copiedBack[index]) {
            throw new IllegalStateException("bucket " + index + " was copied back before in this step");
        }
        Bucket bucket = staged.plan().buckets().get(index);
        long offset = bucket.offset() * staged.elementBytes();
        returning.copyToDevice(host, offset, view(), offset, bucket.length() * staged.elementBytes());
        returning.record(returned);
        copiedBack[index] = true;
        staged.copiedBackBy(this);
    }

    /** This thread's own view of the gradients: the other thread's buffer is confined to that thread. */
    private DeviceBuffer view() {
        DeviceBuffer gradients = staged.gradients();
        DeviceBuffer known = vector;
        if (known == null || known.address() != gradients.address() || known.byteLength() != gradients.byteLength()) {
            if (known != null) {
                known.close();
            }
            known = device.view("gradients", gradients.address(), gradients.byteLength());
            vector = known;
        }
        return known;
    }

    /** Fails unless all buckets were copied back. */
    void endStep() {
        for (int i = 0; i < copiedBack.length; i++) {
            if (!copiedBack[i]) {
                throw new IllegalStateException("bucket " + i + " was not copied back");
            }
        }
        Arrays.fill(copiedBack, false);
    }

    /** Waits for the copies, and releases all resources. A second call does nothing. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        arriving.await(staged.timeout(), "the last copy of gradients to the host");
        returning.await(staged.timeout(), "the last copy of gradients to the device");
        if (vector != null) {
            vector.close();
        }
        returned.close();
        here.close();
        returning.close();
        arriving.close();
        host.close();
    }
}
