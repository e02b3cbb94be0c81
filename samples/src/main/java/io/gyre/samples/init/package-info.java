/** {@code gyre init}: a project to begin from. */
@NullMarked
package io.gyre.samples.init;

import org.jspecify.annotations.NullMarked;
