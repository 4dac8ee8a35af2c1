"""What only the course needs: exercises, widgets, explorers, the loss lab, the demo and the benchmarks."""
