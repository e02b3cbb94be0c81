/**
 * Ends a program in good order when it is asked to terminate. Does nothing unless a program opens one of its objects.
 */
@NullMarked
package io.gyre.signals;

import org.jspecify.annotations.NullMarked;
