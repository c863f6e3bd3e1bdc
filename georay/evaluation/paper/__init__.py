"""The paper's six tables: its own figures, quoted, beside what was run here, and what in them does
not fit together."""
