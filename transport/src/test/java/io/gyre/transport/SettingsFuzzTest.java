package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.gyre.testkit.ParserContract;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Texts of the user and of other launchers: host lists and environment variables. */
class SettingsFuzzTest {

    /** A short list may name 65536 hosts of 253 characters; each is put together from several texts. */
    private static final long HOSTS_BYTES = 2_000_000;

    @FuzzTest
    void hostList(byte[] bytes) {
        String list = new String(bytes, StandardCharsets.UTF_8);
        List<String> hosts = ParserContract.parse(
                bytes.length + HOSTS_BYTES, () -> HostList.expand(list), IllegalArgumentException.class);
        if (hosts != null) {
            assertThat(hosts).hasSizeBetween(1, 1 << 16);
            assertThat(hosts.get(hosts.size() - 1)).hasSizeBetween(1, 253).doesNotContain(",", "[", "]");
        }
    }

    /** Lines of name, equals sign, value. */
    @FuzzTest
    void environment(byte[] bytes) {
        Map<String, String> variables = new HashMap<>();
        new String(bytes, StandardCharsets.UTF_8)
                .lines()
                .map(line -> line.split("=", 2))
                .forEach(parts -> variables.put(parts[0], parts[parts.length - 1]));
        long most = bytes.length + HOSTS_BYTES;

        Optional<LaunchEnvironment> found =
                ParserContract.parse(most, () -> LaunchEnvironment.detect(variables), IllegalArgumentException.class);
        if (found != null && found.isPresent()) {
            ParserContract.parse(most, found.get()::requireRendezvous, IllegalArgumentException.class);
        }
        JoinOptions options = ParserContract.parse(
                most, () -> JoinOptions.fromEnvironment(variables), IllegalArgumentException.class);
        if (options != null) {
            assertThat(options.rank()).isBetween(JoinOptions.ANY_RANK, options.worldSize() - 1);
            ParserContract.parse(
                    most, () -> String.valueOf(HostPort.parse(options.rendezvous())), IllegalArgumentException.class);
        }
    }
}
