package io.gyre.runs;

import java.util.List;
import java.util.stream.Collectors;

/** Rows of text as a table for people. */
public final class TextTable {

    private TextTable() {}

    /** Aligned on the left, two spaces between columns. A row of another length than the first sets no widths. */
    public static String of(List<List<String>> rows) {
        int columns = rows.get(0).size();
        int[] widths = new int[columns];
        for (List<String> row : rows) {
            for (int i = 0; i < row.size() && row.size() == columns; i++) {
                widths[i] = Math.max(widths[i], row.get(i).length());
            }
        }
        return rows.stream()
                .map(row -> {
                    StringBuilder line = new StringBuilder();
                    for (int i = 0; i < row.size(); i++) {
                        String cell = row.get(i);
                        line.append(cell).append(" ".repeat(Math.max(0, widths[i] - cell.length()) + 2));
                    }
                    return line.toString().stripTrailing() + System.lineSeparator();
                })
                .collect(Collectors.joining());
    }
}
