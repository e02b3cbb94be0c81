/**
 * Accelerators as Gyre uses them: memory, streams and events, and the few kernels that gradients need. {@link
 * io.gyre.device.HostDevices} is the reference implementation.
 */
@NullMarked
package io.gyre.device;

import org.jspecify.annotations.NullMarked;
