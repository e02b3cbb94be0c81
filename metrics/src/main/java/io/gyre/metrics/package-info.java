/** What a rank does as meters of Micrometer, and an endpoint where Prometheus reads them. */
@NullMarked
package io.gyre.metrics;

import org.jspecify.annotations.NullMarked;
