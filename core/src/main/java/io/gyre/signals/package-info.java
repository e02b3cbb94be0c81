/**
 * The orderly end of a program that is asked to terminate. Starts nothing unless a program opens one of its objects.
 */
@NullMarked
package io.gyre.signals;

import org.jspecify.annotations.NullMarked;
