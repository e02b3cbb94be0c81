/** A cluster of ranks in one JVM, fault plans, and the contract tests that a transport has to pass. */
@NullMarked
package io.gyre.testkit;

import org.jspecify.annotations.NullMarked;
