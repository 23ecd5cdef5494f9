"""What ``kec`` can do: a module per command, its options beside what it does."""
