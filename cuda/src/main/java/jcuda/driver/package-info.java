/** A class that has to lie in a package of JCuda's. */
@NullMarked
package jcuda.driver;

import org.jspecify.annotations.NullMarked;
