/** Observers of a training that write to the JVM's own recorder or to files. */
@NullMarked
package io.gyre.observe;

import org.jspecify.annotations.NullMarked;
