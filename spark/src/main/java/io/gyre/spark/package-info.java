/** Training on the executors of Apache Spark. Begin with {@link io.gyre.spark.GyreSpark}. */
@NullMarked
package io.gyre.spark;

import org.jspecify.annotations.NullMarked;
