package io.gyre.training;

/** Reduces a complete bucket. Used by one thread at a time. */
final class BucketReducer {

    private final GradientReduction reduction;
    private final StepModel model;
    private final StepObservers observers;

    BucketReducer(GradientReduction reduction, StepModel model, StepObservers observers) {
        this.reduction = reduction;
        this.model = model;
        this.observers = observers;
    }

    void reduce(Bucket bucket, HostAccess access, long step) {
        long begin = System.nanoTime();
        access.await(bucket.index());
        model.checkUnchanged(bucket);
        reduction.reduce(model, bucket, step);
        access.copyBack(bucket.index());
        if (!observers.isEmpty()) {
            observers.bucketReduced(step, bucket, begin, System.nanoTime());
        }
    }
}
