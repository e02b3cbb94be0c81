/** How parameters are updated: strategies, the models they train, buckets of gradients, and parameter stores. */
@NullMarked
package io.gyre.training;

import org.jspecify.annotations.NullMarked;
