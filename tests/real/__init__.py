"""State machines that other people wrote, run to their ends with tasks that answer by the shapes of their APIs."""
