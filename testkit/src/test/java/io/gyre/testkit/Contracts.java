package io.gyre.testkit;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.junit.platform.engine.FilterResult;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestSource;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.PostDiscoveryFilter;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** Runs contracts from within a test. */
final class Contracts {

    private Contracts() {}

    /** Runs all tests of a class, and returns the names of those that failed. */
    static Set<String> failuresOf(Class<?> contract) {
        return failuresOf(contract, method -> true);
    }

    /** Runs one test of a class, with all its parameters. */
    static boolean fails(Class<?> contract, String method) {
        return failuresOf(contract, method::equals).contains(method);
    }

    private static Set<String> failuresOf(Class<?> contract, Predicate<String> methods) {
        PostDiscoveryFilter filter = test -> FilterResult.includedIf(
                methodOf(test.getSource()).filter(methods).isPresent());
        LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request()
                .selectors(selectClass(contract))
                .filters(filter)
                .build();
        Set<String> failures = new TreeSet<>();
        LauncherFactory.create().execute(request, new TestExecutionListener() {
            @Override
            public void executionFinished(TestIdentifier test, TestExecutionResult result) {
                if (result.getStatus() != TestExecutionResult.Status.SUCCESSFUL) {
                    failures.add(methodOf(test.getSource()).orElse(test.getDisplayName()));
                }
            }
        });
        return failures;
    }

    private static Optional<String> methodOf(Optional<TestSource> source) {
        return source.filter(MethodSource.class::isInstance).map(method -> ((MethodSource) method).getMethodName());
    }
}
