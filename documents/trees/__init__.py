"""What is asked of decomposition trees: a module per question."""
