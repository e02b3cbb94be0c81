package io.gyre.device;

/**
 * What a device is.
 *
 * @param ordinal its number, from 0, as the driver counts: {@code CUDA_VISIBLE_DEVICES} changes that
 * @param name as the maker calls it
 * @param major of its compute capability; 0 for the host
 * @param minor of its compute capability
 * @param totalBytes of memory
 */
public record DeviceInfo(int ordinal, String name, int major, int minor, long totalBytes) {

    /** Compute capability as it is written: {@code 8.6}. */
    public String computeCapability() {
        return major + "." + minor;
    }

    /** {@code device 0 (Tesla T4)}. */
    @Override
    public String toString() {
        return "device " + ordinal + " (" + name + ")";
    }
}
