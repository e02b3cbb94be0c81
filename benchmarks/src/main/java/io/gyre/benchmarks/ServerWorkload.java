package io.gyre.benchmarks;

import io.gyre.ElementType;
import io.gyre.GyreException;
import io.gyre.ReduceOp;
import io.gyre.kernel.Kernels;
import io.gyre.memory.Region;
import io.gyre.paramserver.ParameterClient;
import io.gyre.paramserver.SoftMemoryBox;

/** One operation on a vector on servers: what a client does in a round, and how the result is checked. */
abstract class ServerWorkload {

    /** For each length and client, all of them equally long. */
    record Vectors(Region own, Region other) {}

    final Vectors vectors;
    final TestPattern pattern = new TestPattern();
    private final Kernels kernels;

    ServerWorkload(Vectors vectors, Kernels kernels) {
        this.vectors = vectors;
        this.kernels = kernels;
    }

    /** Prepares a round, without other clients. */
    abstract void prepare(int round);

    /** The measured operation; all clients concurrently. */
    abstract void operate(int round);

    /** Checks every element. Called once all clients have ended {@link #operate}. */
    abstract void check(int round);

    /**
     * The minimum memory traffic of the operation, with the same kernels, in this client's own memory; all clients
     * concurrently.
     */
    abstract void floor();

    final void copyAlone() {
        vectors.other().copyFrom(0, vectors.own(), 0, vectors.own().byteLength());
    }

    final void addAlone() {
        Region from = vectors.own();
        for (long done = 0; done < from.byteLength(); ) {
            int n = from.contiguous(done, from.byteLength() - done);
            kernels.reduce(
                    ReduceOp.SUM,
                    ElementType.FLOAT32,
                    vectors.other(),
                    done,
                    from.window(done),
                    from.windowOffset(done),
                    n);
            done += n;
        }
    }

    /** Every second round subtracts what the previous one added, so that everything is zero again. */
    final void prepareDelta(int rank, int round) {
        if (round % 2 == 0) {
            pattern.fill(vectors.own(), rank, round);
        } else {
            kernels.scale(ElementType.FLOAT32, vectors.own(), -1);
        }
    }

    final void checkSum(Region sum, int clients, int round) {
        if (round % 2 == 0) {
            pattern.check(sum, clients, round);
            return;
        }
        for (long at = 0; at < sum.byteLength(); at += Float.BYTES) {
            if (sum.getFloat(at) != 0) {
                throw new GyreException("round %,d: element %,d is %s, and not 0 as it was before the last two rounds"
                        .formatted(round, at / Float.BYTES, sum.getFloat(at)));
            }
        }
    }

    final void negate(Region vector) {
        kernels.scale(ElementType.FLOAT32, vector, -1);
    }

    /** All clients read the whole vector, which one of them has just written. */
    static ServerWorkload read(SoftMemoryBox box, Vectors vectors, Kernels kernels, boolean root) {
        return new ServerWorkload(vectors, kernels) {
            @Override
            void prepare(int round) {
                if (root) {
                    pattern.fill(vectors.own(), 0, round);
                    box.write(vectors.own());
                }
                vectors.own().clear();
            }

            @Override
            void operate(int round) {
                box.read(vectors.own());
            }

            @Override
            void check(int round) {
                pattern.check(vectors.own(), 1, round);
            }

            @Override
            void floor() {
                copyAlone();
            }
        };
    }

    /** All clients write the same. */
    static ServerWorkload write(SoftMemoryBox box, Vectors vectors, Kernels kernels) {
        return new ServerWorkload(vectors, kernels) {
            @Override
            void prepare(int round) {
                pattern.fill(vectors.own(), 0, round);
            }

            @Override
            void operate(int round) {
                box.write(vectors.own());
            }

            @Override
            void check(int round) {
                box.read(vectors.other());
                pattern.check(vectors.other(), 1, round);
            }

            @Override
            void floor() {
                copyAlone();
            }
        };
    }

    /** All clients add. */
    static ServerWorkload accumulate(SoftMemoryBox box, Vectors vectors, Kernels kernels, int rank, int clients) {
        return new ServerWorkload(vectors, kernels) {
            @Override
            void prepare(int round) {
                prepareDelta(rank, round);
            }

            @Override
            void operate(int round) {
                box.accumulate(vectors.own());
            }

            @Override
            void check(int round) {
                box.read(vectors.other());
                checkSum(vectors.other(), clients, round);
            }

            @Override
            void floor() {
                addAlone();
            }
        };
    }

    /** All clients push gradients, which the servers subtract, and pull the result. */
    static ServerWorkload pushPull(ParameterClient client, Vectors vectors, Kernels kernels, int rank, int clients) {
        return new ServerWorkload(vectors, kernels) {
            private long step;

            @Override
            void prepare(int round) {
                prepareDelta(rank, round);
            }

            @Override
            void operate(int round) {
                client.pushPull(vectors.own(), step, 1, 0, vectors.other());
                step++;
            }

            @Override
            void check(int round) {
                client.beginPull(step);
                client.awaitPull(vectors.other());
                negate(vectors.other());
                checkSum(vectors.other(), clients, round);
            }

            @Override
            void floor() {
                addAlone();
                copyAlone();
            }
        };
    }
}
