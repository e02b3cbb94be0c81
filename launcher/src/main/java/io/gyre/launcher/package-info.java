/** Starting ranks on this host or on others, and the command line. */
@NullMarked
package io.gyre.launcher;

import org.jspecify.annotations.NullMarked;
