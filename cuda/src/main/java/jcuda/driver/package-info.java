/** A class that must be in a package of JCuda. */
@NullMarked
package jcuda.driver;

import org.jspecify.annotations.NullMarked;
