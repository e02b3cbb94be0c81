package io.gyre.device;

/**
 * Description of a device.
 *
 * @param ordinal the driver's number for it, from 0; depends on {@code CUDA_VISIBLE_DEVICES}
 * @param name the manufacturer's name
 * @param major of its compute capability; 0 for the host
 * @param minor of its compute capability
 * @param totalBytes of memory
 */
public record DeviceInfo(int ordinal, String name, int major, int minor, long totalBytes) {

    /** Compute capability as text, such as {@code 8.6}. */
    public String computeCapability() {
        return major + "." + minor;
    }

    /** For example {@code device 0 (Tesla T4)}. */
    @Override
    public String toString() {
        return "device " + ordinal + " (" + name + ")";
    }
}
