package io.gyre.samples;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noMethods;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethodCall;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.security.Provider;
import java.security.Security;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Dependencies point inwards, and each third-party library is used by one module. The test is here because samples see
 * all modules.
 */
class ArchitectureTest {

    private static final String[] CORE = {
        "io.gyre",
        "io.gyre.kernel",
        "io.gyre.local",
        "io.gyre.membership",
        "io.gyre.memory",
        "io.gyre.network",
        "io.gyre.observe",
        "io.gyre.session",
        "io.gyre.signals",
        "io.gyre.startup",
        "io.gyre.training"
    };

    private static final String[] LIBRARY = with(
            CORE,
            "io.gyre.device..",
            "io.gyre.openblas..",
            "io.gyre.cuda..",
            "io.gyre.allreduce..",
            "io.gyre.paramserver..",
            "io.gyre.transport..",
            "io.gyre.dl4j..");

    /** Each package is its own slice, also the root package, which a pattern could not express. */
    private static final SliceAssignment PACKAGES = new SliceAssignment() {
        @Override
        public SliceIdentifier getIdentifierOf(JavaClass javaClass) {
            return SliceIdentifier.of(javaClass.getPackageName());
        }

        @Override
        public String getDescription() {
            return "packages";
        }
    };

    private static JavaClasses gyre;

    private static String[] with(String[] packages, String... more) {
        return Stream.concat(Arrays.stream(packages), Arrays.stream(more)).toArray(String[]::new);
    }

    @BeforeAll
    static void readClasses() {
        gyre = new ClassFileImporter()
                .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                .importPackages("io.gyre");
    }

    @Test
    void coreKnowsNothingButTheLoggingFacade() {
        check(noClasses()
                .that()
                .resideInAnyPackage(CORE)
                .should()
                .dependOnClassesThat()
                .resideOutsideOfPackages(with(CORE, "java..", "jdk.jfr..", "org.slf4j..", "org.jspecify..")));
    }

    @Test
    void devicesKnowTheCoreAlone() {
        check(noClasses()
                .that()
                .resideInAPackage("io.gyre.device..")
                .should()
                .dependOnClassesThat()
                .resideOutsideOfPackages(with(CORE, "io.gyre.device..", "java..", "org.slf4j..", "org.jspecify..")));
    }

    @Test
    void openBlasKnowsTheCoreAlone() {
        check(noClasses()
                .that()
                .resideInAPackage("io.gyre.openblas..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "io.gyre.allreduce..",
                        "io.gyre.paramserver..",
                        "io.gyre.transport..",
                        "io.gyre.dl4j..",
                        "io.gyre.launcher.."));
    }

    @Test
    void collectivesAndServersDoNotKnowEachOther() {
        check(noClasses()
                .that()
                .resideInAPackage("io.gyre.allreduce..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.gyre.paramserver.."));
        check(noClasses()
                .that()
                .resideInAPackage("io.gyre.paramserver..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.gyre.allreduce.."));
    }

    @Test
    void onlyTheTransportKnowsAeron() {
        check(noClasses()
                .that()
                .resideOutsideOfPackage("io.gyre.transport..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("io.aeron..", "org.agrona.."));
    }

    @Test
    void onlyTheTransportKnowsBouncyCastleAndNothingRegistersItAsAProvider() {
        check(noClasses()
                .that()
                .resideOutsideOfPackage("io.gyre.transport..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("org.bouncycastle.."));
        check(noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("org.bouncycastle.jce..", "org.bouncycastle.jsse..", "org.bouncycastle.jcajce..")
                .orShould()
                .callMethod(Security.class, "addProvider", Provider.class)
                .orShould()
                .callMethod(Security.class, "insertProviderAt", Provider.class, int.class));
    }

    @Test
    void onlyTheCudaModuleKnowsJCuda() {
        check(noClasses()
                .that()
                .resideOutsideOfPackages("io.gyre.cuda..", "jcuda..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("jcuda..", "io.gyre.cuda.."));
        check(noClasses()
                .that()
                .resideInAPackage("io.gyre.cuda..")
                .should()
                .dependOnClassesThat()
                .resideOutsideOfPackages(with(
                        CORE,
                        "io.gyre.cuda..",
                        "io.gyre.device..",
                        "java..",
                        "jcuda..",
                        "org.slf4j..",
                        "org.jspecify..")));
    }

    @Test
    void onlyOneClassKnowsTheInsideOfNd4jCuda() {
        check(noClasses()
                .that()
                .doNotHaveFullyQualifiedName("io.gyre.dl4j.Nd4jCudaMemory")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("org.nd4j.jita..", "org.nd4j.linalg.jcublas.."));
    }

    @Test
    void algorithmsAndTransportDoNotKnowEachOther() {
        check(noClasses()
                .that()
                .resideInAnyPackage("io.gyre.allreduce..", "io.gyre.paramserver..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("io.gyre.transport..", "io.gyre.dl4j..", "io.gyre.launcher.."));
        check(noClasses()
                .that()
                .resideInAPackage("io.gyre.transport..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "io.gyre.allreduce..", "io.gyre.paramserver..", "io.gyre.dl4j..", "io.gyre.launcher.."));
    }

    @Test
    void onlyDl4jAndTheSamplesKnowDeeplearning4j() {
        check(noClasses()
                .that()
                .resideOutsideOfPackages("io.gyre.dl4j..", "io.gyre.samples..", "org.nd4j..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("org.nd4j..", "org.deeplearning4j.."));
    }

    @Test
    void besidesDl4jOnlyOpenBlasKnowsNativeCode() {
        check(noClasses()
                .that()
                .resideOutsideOfPackages("io.gyre.dl4j..", "org.nd4j..")
                .and()
                .haveNameNotMatching("io\\.gyre\\.openblas\\.OpenBlasKernels.*")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("org.bytedeco.."));
    }

    @Test
    void noLibraryModuleKnowsTheLauncherOrTheSamples() {
        check(noClasses()
                .that()
                .resideInAnyPackage(LIBRARY)
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "io.gyre.launcher..",
                        "io.gyre.runs..",
                        "io.gyre.live..",
                        "io.gyre.queue..",
                        "io.gyre.samples.."));
    }

    @Test
    void packagesDoNotDependOnEachOtherInCircles() {
        check(slices().assignedFrom(PACKAGES).should().beFreeOfCycles());
    }

    @Test
    void nothingIsReadOrWrittenByJavaSerialization() {
        check(noClasses()
                .should()
                .dependOnClassesThat()
                .areAssignableTo(ObjectInputStream.class)
                .orShould()
                .dependOnClassesThat()
                .areAssignableTo(ObjectOutputStream.class));
        check(noMethods()
                .should()
                .haveNameMatching("readObject|readObjectNoData|readResolve|writeObject|writeReplace|readExternal"));
    }

    /** Exceptions, enums, and what implements an interface of ND4J are serializable by inheritance; nobody writes them. */
    @Test
    void nothingCanBeSerializedButExceptionsAndEnums() {
        check(noClasses()
                .that()
                .areNotAssignableTo(Throwable.class)
                .and()
                .areNotEnums()
                .and()
                .areNotAnonymousClasses()
                .and()
                .areNotAssignableTo(resideInAPackage("org.nd4j.."))
                .should()
                .beAssignableTo(Serializable.class));
    }

    /** Objects of classes that a text names are made by Deeplearning4j alone, and only of classes that are allowed. */
    @Test
    void noTextChoosesClassesOrCode() {
        check(noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("javax.script..", "java.beans..", "javax.xml..", "org.yaml..")
                .orShould()
                .dependOnClassesThat()
                .haveSimpleName("JsonTypeInfo")
                .orShould()
                .callMethodWhere(nameMatches("(enable|activate|set)DefaultTyping\\w*|\\w*PolymorphicTypeValidator")));
    }

    @Test
    void modelFilesAreReadByTheReaderThatChecksThem() {
        check(noClasses()
                .that()
                .haveNameNotMatching("io\\.gyre\\.dl4j\\.(ModelReader|ModelExport).*")
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName("org.deeplearning4j.util.ModelSerializer"));
        check(noClasses()
                .should()
                .callMethodWhere(
                        nameMatches("restoreMultiLayerNetworkAndNormalizer|restoreComputationGraphAndNormalizer"
                                + "|restoreNormalizer\\w*|getObjectFromFile|readExternal")));
    }

    private static DescribedPredicate<JavaMethodCall> nameMatches(String pattern) {
        return DescribedPredicate.describe(
                "the method's name matches " + pattern, call -> call.getName().matches(pattern));
    }

    @Test
    void theLibraryLogsAndDoesNotPrint() {
        check(noClasses()
                .that()
                .resideInAnyPackage(LIBRARY)
                .should()
                .accessField(System.class, "out")
                .orShould()
                .accessField(System.class, "err"));
    }

    @Test
    void theLibraryNeitherSetsSystemPropertiesNorInstallsShutdownHooks() {
        check(noClasses()
                .that()
                .resideInAnyPackage(LIBRARY)
                .should()
                .callMethod(System.class, "setProperty", String.class, String.class)
                .orShould()
                .callMethod(Runtime.class, "addShutdownHook", Thread.class));
    }

    private static void check(ArchRule rule) {
        rule.check(gyre);
    }
}
