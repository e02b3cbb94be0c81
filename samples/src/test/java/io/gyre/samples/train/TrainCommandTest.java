package io.gyre.samples.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.launcher.GyreCommandLine;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

/** User errors are reported before any rank starts, in one line. */
class TrainCommandTest {

    @TempDir
    Path directory;

    private final StringWriter errors = new StringWriter();

    static Stream<Arguments> badArguments() {
        return Stream.of(
                Arguments.of("", "Missing required parameter: 'MODEL'"),
                Arguments.of("vgg", "'vgg' is none of mlp, lenet, lenet-samediff, resnet50"),
                Arguments.of("mlp lenet", "Unmatched argument at index 1: 'lenet'"),
                Arguments.of("mlp --frobnicate", "Unknown option: '--frobnicate'"),
                Arguments.of("mlp -n 0", "-n 0: expected 1 to 256"),
                Arguments.of("mlp -n two", "'two' is not an int"),
                Arguments.of("mlp -n 1000", "-n 1000: expected 1 to 256"),
                Arguments.of("mlp --epochs 0", "--epochs 0: expected 1 to 1000000"),
                Arguments.of("mlp --steps -3", "--steps -3: expected 1 or more"),
                Arguments.of("mlp --epochs 2 --steps 3", "mutually exclusive"),
                Arguments.of("mlp --batch 0", "--batch 0: expected 1 to 1048576"),
                Arguments.of("--live mlp --epochs 0", "--epochs 0: expected 1 to 1000000"),
                Arguments.of("mlp --live 99999", "--live 99999: expected 0 to 65535"),
                Arguments.of("mlp --live web", "Unmatched argument at index 2: 'web'"),
                Arguments.of("mlp --seed pi", "'pi' is not a long"),
                Arguments.of("mlp --data synthetic --image 0", "--image 0: expected 1 to 4096"),
                Arguments.of("mlp --image 32", "--image 32: the images of drawn digits are 28x28"),
                Arguments.of("lenet --data synthetic --image 5", "images of 5 pixels are too small for lenet"),
                Arguments.of(
                        "mlp --strategy ring",
                        "'ring' is none of allreduce, paramserver, elastic, hybrid, post-local, diloco"),
                Arguments.of(
                        "mlp --strategy diloco --restarts 1 --no-run-dir",
                        "--restarts 1 with --strategy diloco: without servers, all ranks of a run end when one is lost."
                                + " Keep checkpoints"),
                Arguments.of(
                        "mlp --strategy diloco --period 4 --fragments 5 --data /nowhere",
                        "--fragments 5: expected 1 to 4"),
                Arguments.of("mlp --fragments 2", "--fragments 2 belongs to [diloco, hybrid]"),
                Arguments.of(
                        "mlp --strategy post-local --servers 1",
                        "--servers 1 belongs to [paramserver, elastic, hybrid], not to --strategy post-local"),
                Arguments.of(
                        "resnet50 --sync-batch-norm --strategy diloco",
                        "--sync-batch-norm belongs to [allreduce, hybrid], not to --strategy diloco"),
                Arguments.of("mlp --strategy hybrid --groups 3", "--groups 3: expected 1 to 2"),
                Arguments.of("mlp --groups 2", "--groups 2 belongs to [hybrid], not to --strategy allreduce"),
                Arguments.of(
                        "mlp --strategy hybrid --staleness 2",
                        "--staleness 2 belongs to --between paramserver, not to --between elastic"),
                Arguments.of(
                        "mlp --strategy hybrid --between paramserver --alpha 0.2",
                        "--alpha 0.2 belongs to --between elastic, not to --between paramserver"),
                Arguments.of(
                        "mlp --strategy hybrid --between allreduce", "'allreduce' is none of elastic, paramserver"),
                Arguments.of("mlp --strategy hybrid --transport udp", "make no groups by themselves: give --groups G"),
                Arguments.of("mlp --strategy elastic --alpha 1", "--alpha 1.0: expected a number between 0 and 1"),
                Arguments.of(
                        "mlp --strategy hybrid --restarts 1 --no-run-dir",
                        "--restarts 1 with --strategy hybrid: a group ends when it loses a rank"),
                Arguments.of("mlp -n 2 --processes 3", "--processes 3: expected 1 to 2"),
                Arguments.of(
                        "mlp --strategy elastic --spares 1",
                        "belong to [allreduce, hybrid], not to --strategy elastic"),
                Arguments.of(
                        "mlp --strategy hybrid --groups 2 --spares 1",
                        "with --strategy hybrid: --strategy hybrid" + " without --servers K"),
                Arguments.of(
                        "mlp --strategy hybrid --servers 1 --spares 1",
                        "with --strategy hybrid: --strategy hybrid without --groups G"),
                Arguments.of(
                        "mlp --strategy hybrid --servers 1 --groups 2 --between paramserver --staleness bsp --spares 1",
                        "with --strategy hybrid: --staleness bsp: servers cannot wait"),
                Arguments.of(
                        "mlp --strategy hybrid --servers 1 --groups 2 --checkpoint /nowhere --spares 1",
                        "--checkpoint: groups that go on when they lose a rank have no checkpoints"),
                Arguments.of(
                        "mlp --strategy hybrid --servers 1 --groups 2 --checkpoint-steps 3 --spares 1",
                        "--checkpoint-steps: groups that go on when they lose a rank have no checkpoints"),
                Arguments.of(
                        "mlp -n 4 --strategy hybrid --servers 1 --groups 2 --processes 3",
                        "--processes 3: expected 1 to 2"),
                Arguments.of(
                        "mlp --strategy elastic --restarts 1 --no-run-dir",
                        "--restarts 1 needs --servers K: a rank that holds a part"),
                Arguments.of(
                        "mlp --strategy paramserver --servers 1 --staleness bsp --restarts 2 --no-run-dir",
                        "--restarts 2 with --staleness bsp: a run in lockstep ends when a rank is lost"),
                Arguments.of(
                        "mlp --strategy elastic --servers 1 --restarts 101 --data /nowhere",
                        "--restarts 101: expected 0 to 100"),
                Arguments.of(
                        "mlp --strategy elastic --servers 1 --backups 1",
                        "--backups 1 needs --servers 2 or more, not 1: the two copies of a shard lie on two processes"),
                Arguments.of("mlp --strategy elastic --servers 3 --backups 2", "--backups 2: expected 0 to 1"),
                Arguments.of(
                        "mlp --backups 1",
                        "--backups 1 belongs to [paramserver, elastic, hybrid], not to --strategy allreduce"),
                Arguments.of(
                        "mlp --servers 2",
                        "--servers 2 belongs to [paramserver, elastic, hybrid], not to --strategy allreduce"),
                Arguments.of(
                        "mlp --strategy elastic --staleness 2",
                        "--staleness 2 belongs to [paramserver, hybrid], not to --strategy elastic"),
                Arguments.of(
                        "mlp --strategy paramserver --staleness some",
                        "--staleness some: expected a number of steps, bsp or asp"),
                Arguments.of(
                        "mlp --staleness 2",
                        "--staleness 2 belongs to [paramserver, hybrid], not to --strategy allreduce"),
                Arguments.of("mlp --transport tcp", "'tcp' is none of auto, shm, ipc, udp"),
                Arguments.of("mlp --algorithm tree", "'tree' is none of auto, direct, hierarchical, ring"),
                Arguments.of(
                        "mlp --algorithm ring --strategy elastic",
                        "--algorithm ring belongs to [allreduce], not to --strategy elastic"),
                Arguments.of("mlp --sharded-update yes", "'yes' is none of auto, on, off"),
                Arguments.of(
                        "mlp --sharded-update on --strategy elastic",
                        "--sharded-update on belongs to [allreduce], not to --strategy elastic"),
                Arguments.of(
                        "mlp --compress int4",
                        "--compress 'int4' is none of bf16, fp16, int8[:BLOCK], onebit, topk:FRACTION,"
                                + " randomk:FRACTION, threshold:VALUE"),
                Arguments.of("mlp --compress topk:0", "--compress 'topk:0': a fraction of 0.0: give topk more than 0"),
                Arguments.of("mlp --compress powersgd", "--compress 'powersgd': its rank '' is no number"),
                Arguments.of("mlp --compress powersgd:0", "--compress 'powersgd:0': a rank of 0 sends nothing"),
                Arguments.of("mlp --compress powersgd:x", "--compress 'powersgd:x': its rank 'x' is no number"),
                Arguments.of(
                        "mlp --compress powersgd:2 --strategy hybrid",
                        "--compress powersgd:2 belongs to [allreduce], not to --strategy hybrid"),
                Arguments.of(
                        "mlp --compress powersgd:2 --mixed-precision",
                        "--compress powersgd:2 sends factors of floats, and --mixed-precision"),
                Arguments.of(
                        "mlp --compress powersgd:2 --double",
                        "--compress powersgd:2 encodes floats, and --double trains in double precision"),
                Arguments.of("mlp --compress fp16:2", "--compress 'fp16:2': fp16 has no parameter"),
                Arguments.of(
                        "mlp --compress bf16 --strategy elastic",
                        "--compress bf16 belongs to [allreduce, paramserver, hybrid], not to --strategy elastic"),
                Arguments.of(
                        "mlp --compress bf16 --strategy diloco",
                        "--compress bf16 belongs to [allreduce, paramserver, hybrid], not to --strategy diloco"),
                Arguments.of(
                        "mlp --compress bf16 --strategy paramserver --double",
                        "--compress bf16 encodes floats, and --double trains in double precision"),
                Arguments.of(
                        "mlp --mixed-precision --strategy paramserver",
                        "--mixed-precision belongs to [allreduce], not to --strategy paramserver"),
                Arguments.of(
                        "mlp --mixed-precision --strategy hybrid",
                        "--mixed-precision belongs to [allreduce], not to --strategy hybrid"),
                Arguments.of(
                        "mlp --mixed-precision --double",
                        "--mixed-precision encodes floats, and --double trains in double precision"),
                Arguments.of("mlp --micro-batches 40", "--micro-batches 40: expected 1 to 32"),
                Arguments.of("lenet --sync-batch-norm", "--sync-batch-norm: lenet has no batch normalisation"),
                Arguments.of(
                        "resnet50 --sync-batch-norm --micro-batches 2",
                        "--sync-batch-norm with --micro-batches 2: a pass knows only its own part"),
                Arguments.of(
                        "resnet50 --sync-batch-norm --strategy elastic",
                        "--sync-batch-norm belongs to [allreduce, hybrid], not to --strategy elastic"),
                Arguments.of("mlp --backend gpu", "'gpu' is none of auto, cpu, cuda"),
                Arguments.of("mlp --resume", "--resume needs --checkpoint DIR"),
                Arguments.of(
                        "mlp --no-run-dir --checkpoint-steps 3",
                        "--checkpoint-steps needs --checkpoint DIR, where the checkpoints are, or a run directory"),
                Arguments.of(
                        "mlp --no-run-dir --keep-checkpoints 3", "--keep-checkpoints needs --checkpoint DIR, where"),
                Arguments.of("mlp --keep-checkpoints 0", "--keep-checkpoints 0: expected 1 to 1000000"),
                Arguments.of("mlp --no-run-dir --name a", "--name needs a run directory, and --no-run-dir forbids one"),
                Arguments.of("mlp --no-run-dir --keep-timeline", "--keep-timeline needs a run directory"),
                Arguments.of("mlp --timeline a.json --keep-timeline", "a.json and --keep-timeline: choose one file"),
                Arguments.of("mlp --run-dir a --name b", "--name b with --run-dir a: the directory's name is"),
                Arguments.of("mlp --name ../a", "--name '../a': expected at most 128 letters, digits"),
                Arguments.of("mlp --learning-rate 0", "--learning-rate 0.0: expected more than 0"),
                Arguments.of("mlp --learning-rate NaN", "--learning-rate NaN: expected more than 0"),
                Arguments.of("mlp --grace -1", "--grace -1: expected 0 to 1000000"),
                Arguments.of("mlp --report /no/such/r.json", "there is no directory /no/such"),
                Arguments.of("mlp --peer-timeout 0", "--peer-timeout 0: expected 1 to 1000000"),
                Arguments.of("mlp --port 70000", "--port 70000: expected 0 to 65535"));
    }

    @ParameterizedTest(name = "train {0}")
    @MethodSource("badArguments")
    void badArgumentsEndWithStatusTwoAndOneLine(String arguments, String message) {
        assertThat(execute(arguments.isEmpty() ? new String[0] : arguments.split(" ", -1)))
                .isEqualTo(2);
        assertThat(errors.toString()).contains(message).hasLineCount(1);
    }

    @Test
    void aReportThatWouldReplaceADirectoryIsRefused() {
        assertThat(execute("mlp", "--report", directory.toString())).isEqualTo(2);
        assertThat(errors.toString())
                .contains(directory + " is a directory, expected a file")
                .hasLineCount(1);
    }

    @Test
    void aCheckpointDirectoryThatIsAFileIsRefused() throws IOException {
        Path file = Files.createFile(directory.resolve("file"));

        assertThat(execute("mlp", "--checkpoint", file.toString())).isEqualTo(2);
        assertThat(errors.toString())
                .contains(file + " is a file, expected a directory")
                .hasLineCount(1);
    }

    @Test
    void checkpointsOfAnotherRunAreRefusedBeforeAnyRankStarts() throws IOException {
        Files.createFile(directory.resolve("step-00000040.checkpoint"));

        assertThat(execute("mlp", "--checkpoint", directory.toString())).isEqualTo(2);
        assertThat(errors.toString())
                .contains("--checkpoint " + directory + " has checkpoints of another run, up to step 40: resume it"
                        + " with --resume, or choose another directory")
                .hasLineCount(1);
    }

    @Test
    void aMissingDataDirectoryEndsWithStatusOneAndOneLine() {
        Path missing = directory.resolve("nowhere");

        assertThat(execute("lenet", "--data", missing.toString())).isEqualTo(1);
        assertThat(errors.toString())
                .contains("there is no directory " + missing)
                .hasLineCount(1);
    }

    @Test
    void aDamagedDataFileEndsWithStatusOneAndOneLine() throws IOException {
        Path file = Files.write(directory.resolve("images-idx3-ubyte"), new byte[] {1, 2, 3});

        assertThat(execute("lenet", "--data", directory.toString())).isEqualTo(1);
        assertThat(errors.toString()).contains(file + " is cut off").hasLineCount(1);
    }

    private int execute(String... arguments) {
        CommandLine commandLine = GyreCommandLine.of(new TrainCommand());
        return commandLine.setErr(new PrintWriter(errors, true)).execute(arguments);
    }
}
