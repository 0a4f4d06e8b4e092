"""What `make bench` measures; docs/benchmarks.md holds the figures with their date and command."""
