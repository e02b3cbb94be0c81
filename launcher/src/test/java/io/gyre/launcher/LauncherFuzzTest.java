package io.gyre.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.gyre.testkit.ParserContract;
import io.gyre.transport.HostList;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** What ranks print, and the hosts that users name. */
class LauncherFuzzTest {

    /** A short list may name many hosts. */
    private static final long HOSTS_BYTES = 2_000_000;

    @FuzzTest
    void lines(byte[] bytes) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        ParserContract.parse(
                bytes.length,
                () -> {
                    all.reset();
                    LineReader.read(new ByteArrayInputStream(bytes), line -> {
                        assertThat(line.length).isLessThanOrEqualTo(LineReader.LONGEST);
                        all.writeBytes(line);
                    });
                    return true;
                },
                IOException.class);
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        assertThat(all.toString(StandardCharsets.ISO_8859_1)).isEqualTo(text.replace("\n", ""));
    }

    /** A host becomes an argument of ssh: none may be an option, or more than one word of a shell. */
    @FuzzTest
    void hosts(byte[] bytes) {
        String list = new String(bytes, StandardCharsets.UTF_8);
        LaunchPlan plan = ParserContract.parse(
                bytes.length + HOSTS_BYTES,
                () -> {
                    List<String> hosts = HostList.expand(list);
                    return LaunchPlan.of(JavaProgram.mainClass("Main", List.of()), hosts.size())
                            .withHosts(hosts);
                },
                IllegalArgumentException.class);
        if (plan != null) {
            assertThat(plan.hosts()).allMatch(host -> !host.startsWith("-") && host.matches("[\\w:.@%-]+"));
        }
    }
}
